"""How sure a measured number is. Deterministic for a seed; never NaN: no data gives None.

Numbers of the same questions under two arms are compared in pairs, which takes the difficulty of
the questions out of the comparison. Methods: bootstrap intervals (Efron 1987; BCa for single
means, the expanded percentile of Hesterberg 2015 for differences), McNemar's exact test for
pass/fail, a sign-flip permutation test for other numbers, Holm's correction over the pairs
compared. Several training seeds: see `seeds`; what a comparison of this size can see: `planning`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from groundtone.evaluation import student

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

RESAMPLES = 10_000
Verdict = Literal["better", "worse", "no proven difference"]
_FEW = 6  # numbers; with fewer, sign flips cannot reach 5%: 2 / 2**5 is .0625
_AT_ONCE = 4_000_000  # numbers in a table of resamples: 32 MB, whatever the number of questions


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval (95% unless said otherwise).

    Attributes:
        value: the mean, in the measure's own unit.
        low, high: the interval's ends; ``low <= value <= high``.
        n: how many questions it stands on.
    """

    value: float
    low: float
    high: float
    n: int


def mean_interval(
    values: Sequence[float | bool],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Interval | None:
    """The mean of one arm's numbers, one per question; None for no numbers.

    Pass/fail numbers (all 0 or 1) get Wilson's score interval, which stays honest at 0 and at n
    passes, where a bootstrap would claim certainty. Others get the BCa bootstrap, which for five or
    fewer numbers from 0 to 1 is widened to Wilson's: one number has no spread at all.
    """
    import numpy as np

    data = np.asarray(values, dtype=np.float64)
    if not len(data):
        return None
    _finite(data)
    value = float(data.mean())
    if np.isin(data, (0.0, 1.0)).all():
        low, high = wilson(value, len(data), confidence)
    else:
        low, high = _bca(data, _resampled_means(data, seed, resamples), confidence)
        if len(data) < _FEW and _shares(values):
            ends = wilson(value, len(data), confidence)
            low, high = min(low, ends[0]), max(high, ends[1])
    return Interval(value, min(low, value), max(high, value), len(data))


def paired_interval(
    left: Sequence[float | bool],
    right: Sequence[float | bool],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Interval | None:
    """The mean of ``left - right`` over the same questions in the same order; None for none.

    Percentile bootstrap over questions, its percentiles set further out for few questions
    (Hesterberg 2015), since a plain one is about as much too narrow as the normal distribution is
    beside Student's. For pass/fail numbers the interval is widened, where it is narrower, to
    Bonett and Price's (2012) adjusted Wald interval: with few or no discordant questions a
    bootstrap cannot see what it has not met, and "no difference in 3 of 3" would come out as
    certainty. So it is for five or fewer questions with numbers from 0 to 1, whose resamples reach
    no further than the differences themselves. A single difference of other numbers (tokens,
    milliseconds), whose spread nobody knows, gets the size of the larger number on both sides of 0.
    """
    import numpy as np

    difference = _differences(left, right)
    n = len(difference)
    if not n:
        return None
    value = float(difference.mean())
    means = _resampled_means(difference, seed, resamples)
    tail = _expanded(n, confidence)
    low, high = (float(end) for end in np.quantile(means, (tail, 1 - tail)))
    if _pass_fail(left, right) or (n < _FEW and _shares(left, right)):
        wald = bonett_price(difference, confidence)
        low, high = min(low, wald[0]), max(high, wald[1])
    elif n == 1:
        size = max(abs(float(left[0])), abs(float(right[0])))
        low, high = min(low, -size), max(high, size)
    return Interval(value, min(low, value), max(high, value), n)


def paired_p(
    left: Sequence[float | bool],
    right: Sequence[float | bool],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> float | None:
    """Two-sided p of "no difference": McNemar's exact test for pass/fail, else sign flips."""
    import numpy as np

    difference = _differences(left, right)
    if not len(difference):
        return None
    if _pass_fail(left, right):
        return mcnemar(int((difference > 0).sum()), int((difference < 0).sum()))
    if not difference.any():
        return 1.0
    # The same sum in another order must count as equal.
    observed = abs(difference.sum()) - 1e-12 * np.abs(difference).sum()
    flipped = _products(_signs, difference, seed, resamples)
    return (int((np.abs(flipped) >= observed).sum()) + 1) / (resamples + 1)


def mcnemar(only_left: int, only_right: int) -> float:
    """McNemar's exact two-sided p from the questions that only one arm passed.

    It is the binomial test at one half, in whole numbers, so exact for any count.
    """
    n = only_left + only_right
    tail, term = 0, 1
    for k in range(min(only_left, only_right) + 1):
        tail += term
        term = term * (n - k) // (k + 1)
    return min(1.0, 2 * tail / (1 << n))  # true division of whole numbers never overflows here


def holm(p_values: Mapping[Any, float]) -> dict[Any, float]:
    """Holm's step-down adjusted p-values, by the same keys; each at most 1."""
    adjusted: dict[Any, float] = {}
    floor = 0.0
    ranked = sorted(p_values.items(), key=lambda item: item[1])
    for place, (key, p) in enumerate(ranked):
        floor = max(floor, min(1.0, (len(ranked) - place) * p))
        adjusted[key] = floor
    return {key: adjusted[key] for key in p_values}


def verdict(
    difference: Interval | None,
    p: float | None,
    *,
    higher_is_better: bool = True,
    alpha: float = 0.05,
) -> Verdict:
    """The word for a paired difference: proven only when interval *and* (adjusted) p agree."""
    if difference is None or p is None or p >= alpha or difference.low <= 0 <= difference.high:
        return "no proven difference"
    return "better" if (difference.value > 0) == higher_is_better else "worse"


def not_worse(low: float | None, margin: float) -> bool:
    """Non-inferiority: whether the lower end of a paired interval stays above ``-margin``.

    Args:
        low: lower end of the interval of "new minus old", in the measure's unit; None (not
            measured) proves nothing and gives False.
        margin: the loss that would still be accepted, 0.05 for five points of a share.
    """
    if margin < 0:
        raise ValueError("margin must be 0 or more")
    return low is not None and low > -margin


def ratio_interval(
    tops: Sequence[float],
    bottoms: Sequence[float | bool],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Interval | None:
    """The sum of one number over the sum of a pass/fail, such as the cost of each passing answer.

    Percentile bootstrap over questions; widened, where it is narrower, to what Wilson's interval
    of the share of passes allows. So it stays finite where a resample has no pass at all.

    Returns:
        None for no questions or no pass: then the ratio has no value.
    """
    import numpy as np

    top, bottom = (np.asarray(values, dtype=np.float64) for values in (tops, bottoms))
    if len(top) != len(bottom):
        raise ValueError(f"a ratio needs equal lengths, not {len(top)} and {len(bottom)}")
    if not len(top) or not bottom.any():
        return None
    _finite(top)
    n = len(top)
    value = float(top.sum() / bottom.sum())
    tail = _expanded(n, confidence)
    share = wilson(float(bottom.mean()), n, confidence)
    low, high = float(top.mean()) / share[1], float(top.mean()) / share[0]
    passes = _resampled_means(bottom, seed, resamples)
    if (passes > 0).mean() > 1 - tail / 2:  # else a bootstrap has no upper end, and Wilson decides
        means = _resampled_means(top, seed, resamples)
        ends = np.quantile(means[passes > 0] / passes[passes > 0], (tail, 1 - tail))
        low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    return Interval(value, min(low, value), max(high, value), n)


def _expanded(n: int, confidence: float) -> float:
    """The lower percentile that makes a bootstrap of n numbers as wide as Student's interval."""
    if n < 2:
        return (1 - confidence) / 2
    reach = student.quantile(confidence, n - 1) * math.sqrt(n / (n - 1))
    return NormalDist().cdf(-reach)


def _differences(left: Sequence[float | bool], right: Sequence[float | bool]) -> Array:
    import numpy as np

    if len(left) != len(right):
        raise ValueError(f"pairs need equal lengths, not {len(left)} and {len(right)}")
    difference = np.asarray(left, dtype=np.float64) - np.asarray(right, dtype=np.float64)
    _finite(difference)
    return difference


def _finite(data: Array) -> None:
    import numpy as np

    if not np.isfinite(data).all():
        raise ValueError("a measurement is NaN or infinite")


def _pass_fail(*columns: Sequence[float | bool]) -> bool:
    return all(value in (0, 1) for column in columns for value in column)


def _shares(*columns: Sequence[float | bool]) -> bool:
    return all(0 <= value <= 1 for column in columns for value in column)


def _resampled_means(data: Array, seed: int, resamples: int) -> Array:
    return _products(_counts, data, seed, resamples) / len(data)


def resampled_table(table: Array, seed: int, resamples: int) -> Array:
    """Means of a table (questions x seeds) whose rows and columns are both drawn anew."""
    import numpy as np

    questions, seeds = table.shape
    columns = [_products(_counts, table[:, at], seed, resamples) for at in range(seeds)]
    drawn = np.random.default_rng((seed, 7)).integers(0, seeds, (resamples, seeds))
    chosen: Array = np.take_along_axis(np.stack(columns, axis=1), drawn, axis=1)
    means: Array = chosen.sum(axis=1) / (questions * seeds)
    return means


def _products(
    table: Callable[[int, int, int, int], Array], data: Array, seed: int, resamples: int
) -> Array:
    """A table of resamples times the data, some rows of the table at a time."""
    import numpy as np

    n = len(data)
    rows = max(1, min(resamples, _AT_ONCE // n))
    # einsum, not @: one thread and one order of adding, so the same digits on every run.
    return np.concatenate(
        [
            np.einsum("ij,j->i", table(n, seed, at, min(rows, resamples - at)), data)
            for at in range(0, resamples, rows)
        ]
    )


# Kept, because a report asks for the same tables again for each measure and pair.
@lru_cache(maxsize=3)
def _counts(n: int, seed: int, at: int, rows: int) -> Array:
    """How often each of n questions is in each resample, drawn with replacement."""
    import numpy as np

    drawn = np.random.default_rng((seed, at)).integers(0, n, (rows, n))
    drawn += np.arange(rows)[:, None] * n
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


@lru_cache(maxsize=3)
def _signs(n: int, seed: int, at: int, rows: int) -> Array:
    """Plus or minus one for each of n questions in each permutation."""
    import numpy as np

    drawn = np.random.default_rng((seed, at)).integers(0, 2, (rows, n))
    return drawn.astype(np.float64) * 2 - 1


def free() -> None:
    """Gives back the memory of the tables of resamples (up to about 200 MB)."""
    _counts.cache_clear()
    _signs.cache_clear()


def _bca(data: Array, means: Array, confidence: float) -> tuple[float, float]:
    import numpy as np

    value = data.mean()
    if data.min() == data.max():
        return float(value), float(value)
    normal = NormalDist()
    below = ((means < value).mean() + (means <= value).mean()) / 2  # ties count half
    bias = normal.inv_cdf(min(max(float(below), 1e-6), 1 - 1e-6))
    away = data - value  # for a mean, the jackknife's deviations up to a factor that cancels
    spread = float((away**2).sum() ** 1.5)
    skew = float((away**3).sum()) / (6 * spread) if spread else 0.0
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + normal.inv_cdf(tail)
        ends.append(normal.cdf(bias + z / (1 - skew * z)) if skew * z < 1 else tail)
    low, high = np.quantile(means, ends)
    return float(low), float(high)


def wilson(share: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share of n."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def bonett_price(difference: Array, confidence: float = 0.95) -> tuple[float, float]:
    """Bonett and Price's adjusted Wald interval of differences of 0s and 1s.

    A difference between -1 and 1, such as a mean over training seeds, counts as the share of a
    question that it is.
    """
    n = len(difference)
    won = (float(difference.clip(min=0).sum()) + 1) / (n + 2)
    lost = (float((-difference).clip(min=0).sum()) + 1) / (n + 2)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    half = z * math.sqrt((won + lost - (won - lost) ** 2) / (n + 2))
    return max(-1.0, won - lost - half), min(1.0, won - lost + half)
