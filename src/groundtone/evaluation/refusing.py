"""The curve of a refusal threshold: what is gained and lost at each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """What one threshold does.

    Attributes:
        threshold: evidence under which a question is refused.
        kept: share of the answerable questions that are answered (1 without any).
        refused: share of the unanswerable questions that are refused (1 without any).
        precision: share of the refusals that are right (1 without refusals).
    """

    threshold: float
    kept: float
    refused: float
    precision: float

    @property
    def balanced(self) -> float:
        """Balanced accuracy: the mean of `kept` and `refused`."""
        return (self.kept + self.refused) / 2


def curve(
    evidence: Sequence[float],
    answerable: Sequence[bool],
    thresholds: Iterable[float] | None = None,
) -> list[Point]:
    """Measure thresholds on questions of which it is known whether they can be answered.

    Args:
        evidence: of each question, see `groundtone.answering.gate.evidence`.
        answerable: of each question.
        thresholds: None takes one between each two neighbouring values, and both ends.

    >>> [p.balanced for p in curve([0.9, 0.2], [True, False], [0.0, 0.5, 1.0])]
    [0.5, 1.0, 0.5]
    """
    if thresholds is None:
        known = sorted(set(evidence))
        thresholds = [0.0, *((a + b) / 2 for a, b in itertools.pairwise(known)), 1.0]
    return [_point(float(t), evidence, answerable) for t in thresholds]


def _point(threshold: float, evidence: Sequence[float], answerable: Sequence[bool]) -> Point:
    refused = [e < threshold for e in evidence]
    good = [not r for r, known in zip(refused, answerable, strict=True) if known]
    bad = [r for r, known in zip(refused, answerable, strict=True) if not known]
    return Point(
        threshold,
        sum(good) / len(good) if good else 1.0,
        sum(bad) / len(bad) if bad else 1.0,
        sum(bad) / sum(refused) if any(refused) else 1.0,
    )
