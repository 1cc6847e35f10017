"""Whether a tuned retriever earns its place: proven better on held-out questions, or not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtone.evaluation.clusters import clustered_interval
from groundtone.evaluation.statistics import Interval
from groundtone.retrieval.tuned import Tuned
from groundtone.tuning.weak_pairs import KINDS
from groundtone.workspace.judged_questions import Asked


@dataclass(frozen=True, slots=True)
class Measured:
    """nDCG@10 of held-out questions: now, before (not tuned), and the paired difference.

    ``groups``: of documents, that the questions ask for; its interval leaves them to chance.
    """

    now: float
    before: float
    difference: Interval
    groups: int

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        told = self.difference
        return {
            "ndcg": self.now,
            "ndcg_before": self.before,
            "difference": {"value": told.value, "low": told.low, "high": told.high, "n": told.n},
            "groups": self.groups,
        }


def measured_on(held: Sequence[Asked], now: Sequence[float], before: Sequence[float]) -> Measured:
    """Of the same questions in the same order.

    Those that ask for one group of documents are not independent: what helps one document helps
    all who ask for it.
    """
    groups = [one.group for one in held]
    difference = clustered_interval(now, before, groups)
    assert difference is not None
    return Measured(float(np.mean(now)), float(np.mean(before)), difference, len(set(groups)))


def by_kind(
    held: Sequence[Asked], now: Sequence[float], before: Sequence[float]
) -> dict[str, Measured]:
    """Each kind of weak pair by itself."""
    found: dict[str, Measured] = {}
    for kind in KINDS:
        at = [number for number, one in enumerate(held) if one.kind == kind]
        if at:
            found[kind] = measured_on(
                [held[n] for n in at], [now[n] for n in at], [before[n] for n in at]
            )
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
            f"it is not proven better on {told.n} held-out {what}, of {measured.groups} groups of "
            f"documents: nDCG@10 {told.value:+.3f} [{told.low:+.3f}, {told.high:+.3f}]"
        )
    reasons += [
        f"it is worse on {kind}s: nDCG@10 {found.difference.value:+.3f} "
        f"[{found.difference.low:+.3f}, {found.difference.high:+.3f}]"
        for kind, found in kinds.items()
        if found.difference.high < 0
    ]
    return tuple(reasons)
