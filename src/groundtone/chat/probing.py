"""Whether a server answers with the adapter that was trained, and not with the base.

A server that knows a tuned model's name and serves the base all the same gives no error. So before
a tuned model is used there, it is asked what the local engine was asked when the model was
deployed: questions to which base and adapter answer differently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.chat import BASE, Message, complete

if TYPE_CHECKING:
    from groundtone.chat import ChatEngine

FILE = "probes.json"
"""Beside an adapter, once it has been deployed."""
TOKENS = 16
"""Of an answer; greedy."""
BOUND = 0.6
"""Mean share of an answer's tokens up to where it leaves the local one. Servers that round in
another way leave a greedy answer at near ties; the base leaves it at once."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, and what this machine's engine answers without and with the adapter."""

    messages: list[Message]
    base: str
    tuned: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a server answered to probes.

    Attributes:
        asked: how many there were.
        changed: answers of the tuned model that are not the base's on that server.
        agreement: with the local adapter's answers, 0 to 1; `BOUND` is needed.
        base_agreement: with the local base's; it must be lower.
    """

    asked: int
    changed: int
    agreement: float
    base_agreement: float

    @property
    def holds(self) -> bool:
        """Whether the adapter is applied, and is the one that was trained."""
        return self.changed > 0 and self.agreement >= BOUND and self.agreement > self.base_agreement

    @property
    def reason(self) -> str:
        """What is wrong, in words; of a proof that holds, what was found."""
        if not self.changed:
            return "it answers every probe as the base does: the adapter is not applied"
        return (
            f"{self.agreement:.0%} of its answers are those of the adapter here "
            f"({BOUND:.0%} are needed), {self.base_agreement:.0%} those of the base"
        )


def drawn(
    engine: ChatEngine, model: str, questions: Sequence[list[Message]], *, most: int = 6
) -> list[Probe]:
    """Probes of a tuned model: those questions that the local engine answers otherwise with it."""
    found: list[Probe] = []
    for messages in questions:
        base, tuned = (
            complete(engine, messages, model=name, max_tokens=TOKENS).text for name in (BASE, model)
        )
        if base != tuned and tuned.strip():
            found.append(Probe(messages, base, tuned))
        if len(found) == most:
            break
    return found


def save(probes: Sequence[Probe], path: Path) -> None:
    """Write probes; atomic."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps([asdict(probe) for probe in probes], indent=1), "utf-8")
    partial.replace(path)


def load(path: Path) -> list[Probe]:
    """The probes kept there; none where there is no such file."""
    if not path.is_file():
        return []
    return [Probe(**row) for row in json.loads(path.read_text("utf-8"))]


def prove(
    engine: ChatEngine,
    model: str,
    probes: Sequence[Probe],
    tokens: Callable[[str], Sequence[int]],
) -> Proof:
    """Ask a server what the local engine was asked.

    Args:
        engine: that reaches the server.
        model: the tuned model's name there.
        tokens: the base's tokenizer.

    Raises:
        EngineError: the server does not answer, or knows no such model.
    """
    changed, agreement, base_agreement = 0, 0.0, 0.0
    for probe in probes:
        base, tuned = (
            complete(engine, probe.messages, model=name, max_tokens=TOKENS).text
            for name in (BASE, model)
        )
        changed += base != tuned
        agreement += _agreement(tokens(tuned), tokens(probe.tuned))
        base_agreement += _agreement(tokens(tuned), tokens(probe.base))
    count = max(1, len(probes))
    return Proof(len(probes), changed, agreement / count, base_agreement / count)


def _agreement(a: Sequence[int], b: Sequence[int]) -> float:
    """Share of the tokens up to the first that differs."""
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    longest = max(len(a), len(b), 1)
    return (min(len(a), len(b)) if same is None else same) / longest
