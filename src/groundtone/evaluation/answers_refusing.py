"""What a gate's threshold does on one's own questions, and which one is best there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundtone.evaluation.refusing import Point, curve
from groundtone.evaluation.statistics import Interval, mean_interval

SHOWN = tuple(round(0.05 * step, 2) for step in range(21))
_FINE = tuple(round(0.01 * step, 2) for step in range(101))
FEW = 20  # questions of a kind under which a recommended threshold is little more than chance


@dataclass(frozen=True, slots=True)
class RefusalCurve:
    """The gate alone, at every threshold of its evidence score.

    Attributes:
        answerable, unanswerable: how many questions of each kind.
        points: thresholds 0, 0.05, … 1.
        now: what the settings' own ``evidence_below`` does.
        recommended: the point of the best balanced accuracy, in the middle of those that are as
            good; None without questions of both kinds.
    """

    answerable: int
    unanswerable: int
    points: tuple[Point, ...]
    now: Point
    recommended: Point | None

    @property
    def few(self) -> bool:
        """Whether there are too few questions of a kind to choose by."""
        return min(self.answerable, self.unanswerable) < FEW

    def to_json(self) -> dict[str, Any]:
        """One object; a share without questions is null."""
        return {
            "answerable": self.answerable,
            "unanswerable": self.unanswerable,
            "evidence_below": self.now.threshold,
            "now": self.row(self.now),
            "recommended": self.recommended and self.recommended.threshold,
            "at_recommended": self.recommended and self.row(self.recommended),
            "few": self.few,
            "points": [self.row(point) for point in self.points],
        }

    def row(self, point: Point) -> dict[str, float | None]:
        """One point's shares, None where no question could give them."""
        both = self.answerable and self.unanswerable
        any_refused = (1 - point.kept) * self.answerable + point.refused * self.unanswerable > 0
        return {
            "threshold": point.threshold,
            "kept": point.kept if self.answerable else None,
            "refused": point.refused if self.unanswerable else None,
            "precision": point.precision if any_refused else None,
            "balanced": point.balanced if both else None,
        }


def refusal_curve(
    evidence: Sequence[float], answerable: Sequence[bool], now: float
) -> RefusalCurve | None:
    """Measure thresholds; None for no questions.

    Args:
        evidence: of each question, see `groundtone.answering.gate.evidence`.
        answerable: of each question.
        now: the threshold in use.
    """
    if not evidence:
        return None
    able = sum(answerable)
    unable = len(answerable) - able
    return RefusalCurve(
        able,
        unable,
        tuple(curve(evidence, answerable, SHOWN)),
        curve(evidence, answerable, [now])[0],
        _best(curve(evidence, answerable, _FINE)) if able and unable else None,
    )


def balanced(kept: Sequence[float], refused: Sequence[float]) -> Interval | None:
    """Balanced accuracy: the mean of two shares over different questions; None without either.

    The interval joins the two Wilson intervals (MOVER: Zou and Donner 2008), so it stays honest
    where a share is 0 or 1.
    """
    one, other = mean_interval(kept), mean_interval(refused)
    if one is None or other is None:
        return None
    value = (one.value + other.value) / 2
    low = value - math.hypot(one.value - one.low, other.value - other.low) / 2
    high = value + math.hypot(one.high - one.value, other.high - other.value) / 2
    return Interval(value, max(0.0, low), min(1.0, high), one.n + other.n)


def _best(points: Sequence[Point]) -> Point:
    """The middle of the lowest run of thresholds with the best balanced accuracy."""
    most = max(point.balanced for point in points)
    first = next(at for at, point in enumerate(points) if point.balanced == most)
    last = first
    while last + 1 < len(points) and points[last + 1].balanced == most:
        last += 1
    return points[(first + last) // 2]
