"""Whether a tuned retriever earns its place: proven better on held-out questions, or not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtone.evaluation.statistics import Interval, paired_interval
from groundtone.retrieval.tuned import Tuned
from groundtone.tuning.weak_pairs import KINDS
from groundtone.workspace.judged_questions import Asked


@dataclass(frozen=True, slots=True)
class Measured:
    """nDCG@10 of held-out questions: now, before (not tuned), and the paired difference."""

    now: float
    before: float
    difference: Interval

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        told = self.difference
        return {
            "ndcg": self.now,
            "ndcg_before": self.before,
            "difference": {"value": told.value, "low": told.low, "high": told.high, "n": told.n},
        }


def measured_on(now: Sequence[float], before: Sequence[float]) -> Measured:
    """Of the same questions in the same order."""
    difference = paired_interval(now, before)
    assert difference is not None
    return Measured(float(np.mean(now)), float(np.mean(before)), difference)


def by_kind(
    held: Sequence[Asked], now: Sequence[float], before: Sequence[float]
) -> dict[str, Measured]:
    """Each kind of weak pair by itself."""
    found: dict[str, Measured] = {}
    for kind in KINDS:
        at = [number for number, one in enumerate(held) if one.kind == kind]
        if at:
            found[kind] = measured_on([now[n] for n in at], [before[n] for n in at])
    return found


def refusals(
    tuned: Tuned | None, measured: Measured, kinds: Mapping[str, Measured], own: str
) -> tuple[str, ...]:
    """Why it is not put to use."""
    if tuned is None:
        return ("in cross-validation nothing was better than the search as it is",)
    reasons = []
    told = measured.difference
    if not told.low > 0:
        what = "questions" if own else "texts"
        reasons.append(
            f"it is not proven better on {told.n} held-out {what}: nDCG@10 {told.value:+.3f} "
            f"[{told.low:+.3f}, {told.high:+.3f}]"
        )
    reasons += [
        f"it is worse on {kind}s: nDCG@10 {found.difference.value:+.3f} "
        f"[{found.difference.low:+.3f}, {found.difference.high:+.3f}]"
        for kind, found in kinds.items()
        if found.difference.high < 0
    ]
    return tuple(reasons)
