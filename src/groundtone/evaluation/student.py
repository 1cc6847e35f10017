"""Student's t distribution: its p-values and quantiles, without scipy.

Small samples need it: 20 questions, or three training seeds, know their own spread badly.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300


def two_sided_p(t: float, freedom: float) -> float:
    """The chance of a value at least this far from 0 on either side.

    >>> round(two_sided_p(2.0, 10), 4)
    0.0734
    """
    if math.isinf(t):
        return 0.0
    return _beta(freedom / (freedom + t * t), freedom / 2, 0.5)


@lru_cache(maxsize=256)
def quantile(confidence: float, freedom: float) -> float:
    """The t that a share of `confidence` stays under, on both sides of 0.

    >>> round(quantile(0.95, 2), 3), round(quantile(0.95, 1e9), 3)
    (4.303, 1.96)
    """
    low, high = 0.0, 1.0
    while 1 - two_sided_p(high, freedom) < confidence:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if 1 - two_sided_p(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return high


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    scale = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return min(1.0, scale * _fraction(x, a, b) / a)
    return max(0.0, 1 - scale * _fraction(1 - x, b, a) / b)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + step * d)
            c = _away(1 + step / c)
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found


def _away(value: float) -> float:
    """The value, kept off 0."""
    return value if abs(value) > _TINY else _TINY
