"""What is known of a need: what was observed, what was said, and where the two disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from groundtone.advice import paces
from groundtone.advice.questions import QUESTIONS, Value


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing known, under the key of its question.

    Attributes:
        how: ``observed`` in the workspace, or ``said`` by somebody.
        source: where it was seen, with its numbers, or where it was said.
        low, high: the 95% interval of a measured number.
    """

    key: str
    value: Value
    how: Literal["observed", "said"]
    source: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that was said otherwise than it was observed; the observation is used."""

    key: str
    said: Evidence
    observed: Evidence

    def __str__(self) -> str:
        return (
            f"{QUESTIONS[self.key].text} Said: {shown(self.said)}. "
            f"Observed: {shown(self.observed)} ({self.observed.source}), which is used."
        )


@dataclass(frozen=True, slots=True)
class Known:
    """All evidence; what was observed wins over what was said."""

    said: Mapping[str, Evidence] = field(default_factory=dict)
    observed: Mapping[str, Evidence] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Mapping[str, Value], observed: Iterable[Evidence] = ()) -> Known:
        """From answers by key, and what was seen."""
        return cls(
            {key: Evidence(key, value, "said", "your answer") for key, value in said.items()},
            {evidence.key: evidence for evidence in observed},
        )

    def get(self, key: str) -> Evidence | None:
        """What is used for this key; None where nothing is known."""
        return self.observed.get(key) or self.said.get(key)

    def number(self, key: str) -> float | None:
        """Its value as a number."""
        evidence = self.get(key)
        return None if evidence is None else float(evidence.value)

    def disagreements(self) -> list[Disagreement]:
        """Where the two differ: yes against no, or numbers more than twice apart."""
        return [
            Disagreement(key, said, self.observed[key])
            for key, said in self.said.items()
            if key in self.observed and _differ(said.value, self.observed[key])
        ]


def shown(evidence: Evidence) -> str:
    """The value for people: yes, 12%, 4,096 tokens."""
    question, value = QUESTIONS[evidence.key], evidence.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if question.kind == "rate":
        return paces.times(value) if value > 1 else f"{value:.1%} of the documents a month"
    if question.kind == "share":
        return f"{value:.1%}"
    return f"{value:,.10g} {question.unit}".strip()


def _differ(said: Value, observed: Evidence) -> bool:
    seen = observed.value
    if isinstance(said, bool) or isinstance(seen, bool):
        return bool(said) != bool(seen)
    if observed.low is not None and observed.high is not None:
        return not observed.low <= said <= observed.high
    less, more = sorted((said, seen))
    return more > 2 * less
