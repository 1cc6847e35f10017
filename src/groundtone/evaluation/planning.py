"""What a comparison of this size can see, and how many questions it would take to see more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from groundtone.evaluation import seeds, student
from groundtone.evaluation.powers import EXACT, mcnemar_power

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

ALPHA = 0.05
POWER = 0.8
MOST = 1_000_000
"""A difference that needs more questions than this is no difference that anybody could prove."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The reach of a paired comparison.

    Attributes:
        detectable: the smallest true difference, in the measure's unit, that as many questions
            would prove in 80 of 100 repetitions (the minimum detectable effect); None where so few
            could prove none, or where all differences seen are equal, which tells nothing of how
            far others would lie apart.
        more_questions: how many further questions of the same kind it would take, at the same
            chance, to prove a difference as large as the one seen; 0 when these are enough; None
            when no difference was seen, when more than a million would be needed, or when the
            training seeds lie so far apart that no number of questions would do.
    """

    detectable: float | None
    more_questions: int | None


def plan(
    differences: Sequence[float] | Array, *, alpha: float = ALPHA, pass_fail: bool = False
) -> Plan:
    """Plan by the spread of the differences seen.

    Passes and failures of one model are planned by the exact power of McNemar's test, whose p has a
    least value: 5 questions prove nothing, whatever they show. As many questions are taken to come
    out unequal as did, with one more of each kind (Agresti and Min 2005), since few may show none.

    Other differences are planned by Student's distribution: proven is what is as large as
    ``(t(1 - alpha/2) + t(power)) * error``, with the standard error and the degrees of freedom of
    `seeds`. More questions lessen the questions' part of it, never what training seeds add.
    Simulated, the chance is 76 to 80 of 100 from a dozen questions on (56 with six, 70 with eight,
    where sign flips are coarse), and 60 to 75 with three training seeds, from which their spread
    is only guessed.

    Args:
        differences: at least one, one per question; or a table (questions x seeds).
        alpha: the chance of a false alarm that is accepted, already shared out over the pairs
            that are tested together.
        pass_fail: the differences are of 0s and 1s.

    >>> plan([1.0, 0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0], pass_fail=True).more_questions
    71
    """
    import numpy as np

    table = np.asarray(differences, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    count = len(table)
    seen = abs(float(table.mean()))
    detectable: Callable[[int], float | None]
    proves: Callable[[float, int], bool]
    if pass_fail and table.shape[1] == 1:
        passes = _Passes((float(np.abs(table).sum()) + 2) / (count + 2), alpha)
        detectable, proves = passes.detectable, passes.proves
    else:
        if pass_fail:
            ones = np.ones((1, table.shape[1]))
            table = np.concatenate([table, ones, -ones])
        means = _Means(seeds.Spread.of(table), alpha)
        detectable, proves = means.detectable, means.proves
    return Plan(detectable(count), _more(lambda size: proves(seen, size), count) if seen else None)


def _more(enough: Callable[[int], bool], count: int) -> int | None:
    """How many more than `count` are enough; None beyond MOST."""
    if enough(count):
        return 0
    low, high = count, 2 * count
    while not enough(high):
        if high > MOST:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high - count if high <= MOST else None


@dataclass(frozen=True, slots=True)
class _Passes:
    """One model's passes against another's.

    Attributes:
        unequal: share of the questions that only one of the two passes; more where a difference
            is larger than that.
    """

    unequal: float
    alpha: float

    def proves(self, difference: float, count: int) -> bool:
        if count > EXACT:
            spread = math.sqrt(max(self.unequal, difference) - difference**2)
            return difference >= _reach(self.alpha, math.inf) * spread / math.sqrt(count)
        return mcnemar_power(count, difference, self.unequal, self.alpha) >= POWER

    def detectable(self, count: int) -> float | None:
        low, high = 0.0, 1.0
        if not self.proves(high, count):
            return None
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (low, middle) if self.proves(middle, count) else (middle, high)
        return high


@dataclass(frozen=True, slots=True)
class _Means:
    """Differences with a spread."""

    spread: seeds.Spread | None
    alpha: float

    def proves(self, difference: float, count: int) -> bool:
        least = self.detectable(count)
        return least is not None and difference >= least

    def detectable(self, count: int) -> float | None:
        if self.spread is None or 2.0 ** (1 - count) >= self.alpha:  # the least p of sign flips
            return None
        errors = self.spread.errors(count)
        return max((error * _reach(self.alpha, free) for error, free in errors), default=None)


def _reach(alpha: float, freedom: float) -> float:
    """How many standard errors a difference must be large to be proven with the chance POWER."""
    return _quantile(1 - alpha, freedom) + _quantile(2 * POWER - 1, freedom)


def _quantile(confidence: float, freedom: float) -> float:
    """Student's two-sided quantile, by its expansion where there are more than ten degrees."""
    if freedom <= 10:
        return student.quantile(confidence, round(freedom, 1))
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    first = (z**3 + z) / (4 * freedom)
    return z + first + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
