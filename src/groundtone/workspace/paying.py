"""What an answer cost at a provider, by the price tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from groundtone.workspace.arm_engines import REMOTE

if TYPE_CHECKING:
    from groundtone.answering.answer import Answer
    from groundtone.workspace.workspace import Workspace

A = TypeVar("A", bound="Answer")


def priced(workspace: Workspace, answer: A, model: str) -> A:
    """The answer with what its tokens cost in US dollars.

    0 for a model of this machine and for one without a price in our table or the workspace's
    ``prices.toml``; what a provider takes off for a prompt that it knows is not counted.
    """
    if not model.removeprefix("ft:").startswith(REMOTE):
        return answer
    from groundtone.advice import costs
    from groundtone.advice.prices import load_prices

    used, prices = answer.usage, load_prices(workspace.folder)
    cost = costs.price(model, used.prompt_tokens, used.completion_tokens, prices=prices)
    return replace(answer, usage=replace(used, cost_usd=float(cost or 0)))
