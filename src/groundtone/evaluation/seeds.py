"""Differences measured with several training seeds: the seed is one more thing left to chance.

Two models of one recipe that differ only in their seed do not answer alike. So with seeds, a number
is a table: a row for each question, a column for each seed, both drawn from many more that could
have been. The interval of the mean is a bootstrap that draws rows and columns anew (Owen 2007); as
three seeds know little of how far seeds can lie apart, it is widened, where it is narrower, to the
interval of the two-way analysis of variance with Satterthwaite's degrees of freedom; and where the
seeds differ by clearly more than chance between questions explains, to Student's over the seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundtone.evaluation import statistics, student
from groundtone.evaluation.statistics import RESAMPLES, Interval

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

_CLEARLY = 2.0  # times the leftover variation
_NOTHING = 1e-24  # a variance that is but rounding


def crossed_interval(
    table: Array,
    *,
    pass_fail: bool = False,
    most: float = math.inf,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Interval | None:
    """The mean of a table (questions x seeds) with its interval; None for an empty one.

    With `pass_fail`, for differences of 0s and 1s, it is never narrower than Bonett and Price's
    over the questions: where nothing varied, that is not known to be certain.

    It never reaches beyond `most` on either side of 0, the largest that the measure allows: 1 for
    differences of shares and scores.

    One column alone is :func:`statistics.paired_interval`'s case, not this one's.

    Raises:
        ValueError: fewer than two seeds, or a number that is none.
    """
    import numpy as np

    questions, _ = _checked(table)
    if not questions:
        return None
    value = float(table.mean())
    means = statistics.resampled_table(table, seed, resamples)
    tail = (1 - confidence) / 2
    low, high = (float(end) for end in np.quantile(means, (tail, 1 - tail)))
    for error, freedom in spreads(table):
        half = student.quantile(confidence, freedom) * error
        low, high = min(low, value - half), max(high, value + half)
    if pass_fail:
        wald = statistics.bonett_price(table.mean(axis=1), confidence)
        low, high = min(low, wald[0]), max(high, wald[1])
    low, high = max(-most, low), min(most, high)
    return Interval(value, min(low, value), max(high, value), questions)


def crossed_p(table: Array, *, seed: int = 0, resamples: int = RESAMPLES) -> float | None:
    """Two-sided p of "the mean is 0", with questions and seeds both left to chance.

    The largest of what the analysis of variance gives, and of sign flips of the questions' means
    over the seeds, which stay honest where there is next to no spread.
    """
    questions, _ = _checked(table)
    if not questions:
        return None
    rows = [float(value) for value in table.mean(axis=1)]
    flips = statistics.paired_p(rows, [0.0] * questions, seed=seed, resamples=resamples)
    assert flips is not None
    value = abs(float(table.mean()))
    return max(
        [flips, *(student.two_sided_p(value / error, free) for error, free in spreads(table))]
    )


def spreads(table: Array) -> list[tuple[float, float]]:
    """Standard errors of the mean of a table (questions x seeds), each with its degrees of freedom.

    The first takes questions and seeds together; a second, where the seeds differ clearly, the
    seeds alone. The variance between seeds is never taken for less than what the leftover
    variation alone would show between them. Empty where nothing varies.
    """
    questions, seeds = table.shape
    if questions < 2:
        by_seed = float(((table.mean(axis=0) - table.mean()) ** 2).sum()) * questions / (seeds - 1)
        return [(math.sqrt(by_seed / seeds), seeds - 1.0)] if by_seed else []
    spread = Spread.of(table)
    return [] if spread is None else spread.errors(questions)


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean squares of a table's analysis of variance: what its questions and its seeds vary by.

    Attributes:
        by_question, by_seed, left: mean squares; that of the seeds is no less than what is left.
        questions, seeds: of the table.
        apart: the seeds differ clearly.
    """

    by_question: float
    by_seed: float
    left: float
    questions: int
    seeds: int
    apart: bool

    @classmethod
    def of(cls, table: Array) -> Spread | None:
        """Of two questions or more, and one seed or more; None where nothing varies."""
        questions, seeds = table.shape
        if questions < 2:
            return None
        mean = table.mean()
        by_question = table.mean(axis=1) - mean
        of_questions = seeds * float((by_question**2).sum()) / (questions - 1)
        if seeds == 1:
            nothing = of_questions <= _NOTHING
            return None if nothing else cls(of_questions, 0.0, 0.0, questions, 1, apart=False)
        by_seed = table.mean(axis=0) - mean
        left = table - mean - by_question[:, None] - by_seed[None, :]
        of_seeds = questions * float((by_seed**2).sum()) / (seeds - 1)
        leftover = float((left**2).sum()) / ((questions - 1) * (seeds - 1))
        apart = of_seeds > _CLEARLY * leftover
        of_seeds = max(of_seeds, leftover)
        if max(of_questions + of_seeds - leftover, of_seeds) <= _NOTHING:
            return None
        return cls(of_questions, of_seeds, leftover, questions, seeds, apart)

    def errors(self, questions: int) -> list[tuple[float, float]]:
        """As `spreads`, of as many questions of the same kind: what seeds vary by stays."""
        if self.seeds == 1:
            return [(math.sqrt(self.by_question / questions), questions - 1.0)]
        by_seed = self.left + (self.by_seed - self.left) * questions / self.questions
        total = max(self.by_question + by_seed - self.left, by_seed)
        parts = self.by_question**2 / (questions - 1) + by_seed**2 / (self.seeds - 1)
        parts += self.left**2 / ((questions - 1) * (self.seeds - 1))
        freedom = max(total**2 / parts, min(questions, self.seeds) - 1.0)
        found = [(math.sqrt(total / (questions * self.seeds)), freedom)]
        if self.apart:
            found.append((math.sqrt(by_seed / (questions * self.seeds)), self.seeds - 1.0))
        return found


def _checked(table: Array) -> tuple[int, int]:
    import numpy as np

    questions, seeds = table.shape
    if seeds < 2:
        raise ValueError("a table of seeds needs at least two of them")
    if not np.isfinite(table).all():
        raise ValueError("a measurement is NaN or infinite")
    return questions, seeds
