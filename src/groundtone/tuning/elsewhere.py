"""What training on a file would take at a provider: epochs, tokens, and the price if known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from groundtone.tuning.chat_format import Line

LONGEST = 65_536
"""Tokens that OpenAI trains on in one example; what is beyond is cut off, labels and all."""
_AROUND = 4  # tokens around each message


@dataclass(frozen=True, slots=True)
class Offer:
    """One model that can be tuned at a provider. ``usd``: for all epochs; ``seen``: the price."""

    provider: str
    model: str
    usd: float
    seen: date
    stale: bool


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Training at a provider.

    Attributes:
        epochs: given, or what OpenAI's ``auto`` chooses for so many examples.
        tokens: billed: all tokens of the file, times the epochs. Counted by signs (four a token):
            providers have tokenizers of their own.
        offers: cheapest first; empty where no price of training is known.
    """

    epochs: int
    tokens: int
    offers: tuple[Offer, ...]


def openai_epochs(examples: int) -> int:
    """The epochs that OpenAI's ``auto`` chooses: three, more for few examples, fewer for many.

    >>> openai_epochs(10), openai_epochs(50), openai_epochs(10_000)
    (10, 3, 2)
    """
    if examples * 3 < 100:
        return min(25, -(-100 // max(1, examples)))
    return max(1, 25_000 // examples) if examples * 3 > 25_000 else 3


def elsewhere(
    lines: Iterable[Line], *, epochs: int | None = None, workspace: Path | None = None
) -> Elsewhere:
    """What these lines would take.

    Args:
        epochs: None takes OpenAI's own choice.
        workspace: its ``prices.toml`` wins over ours.

    Raises:
        SettingsError: that file cannot be used.
    """
    from groundtone.advice import costs, prices

    counts = [tokens_of(line) for line in lines]
    chosen = epochs or openai_epochs(len(counts))
    total = sum(min(count, LONGEST) for count in counts) * chosen
    offers = [
        Offer(price.provider, price.model, float(amount), price.date, price.stale())
        for price in prices.load_prices(workspace).models.values()
        for amount in [costs.training(price, total)]
        if amount is not None
    ]
    offers.sort(key=lambda offer: (offer.usd, offer.model))
    return Elsewhere(chosen, total, tuple(offers))


def tokens_of(line: Line) -> int:
    """About how many tokens a line has at a provider: one for four characters, and some around."""
    signs = sum(len(message["content"]) for message in line.messages)
    for message in line.messages:
        signs += sum(len(call["function"]["arguments"]) for call in message.get("tool_calls", ()))
    signs += len(str(line.tools)) if line.tools else 0
    return -(-signs // 4) + _AROUND * len(line.messages)
