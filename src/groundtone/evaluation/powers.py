"""The exact power of McNemar's test: how often it proves a difference that is there."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Counts = np.ndarray[Any, np.dtype[np.int64]]

EXACT = 2_000
"""Questions up to which it is summed up; beyond, the normal distribution is as good."""


def mcnemar_power(count: int, difference: float, unequal: float, alpha: float) -> float:
    """The chance that the test proves a difference of shares, in the direction that it has.

    How many questions come out unequal is binomial, and so is how many of these one arm wins: the
    chances of all that the test calls proven are added up.

    Args:
        count: of questions, 1 to EXACT.
        difference: of the shares that the two arms pass, 0 to 1.
        unequal: share of the questions that only one of the two passes; taken for `difference`
            where it is less.
        alpha: the two-sided p must be below it.

    >>> mcnemar_power(6, 1.0, 0.0, 0.05), mcnemar_power(5, 1.0, 0.0, 0.05)
    (1.0, 0.0)
    """
    import numpy as np

    unequal = min(1.0, max(unequal, difference))
    if not unequal:
        return 0.0
    ahead = (1 + difference / unequal) / 2
    fewest, m = _fewest_wins(alpha)[: count + 1], np.arange(count + 1)
    # P(at least c wins of m) from that of m - 1: one more try adds those that were one win short;
    # where c is one higher than before, those with exactly the former c are taken away.
    short = ahead * _binomial(m[:-1], fewest[:-1] - 1, ahead)
    former = np.where(np.diff(fewest) > 0, _binomial(m[1:], fewest[:-1], ahead), 0.0)
    proven = np.concatenate([[0.0], np.cumsum(short - former)])
    return float(np.clip(proven @ _binomial(np.full(count + 1, count), m, unequal), 0.0, 1.0))


def _binomial(tries: Counts, wins: Counts, chance: float) -> Array:
    """P(exactly so many wins of so many tries), each; 0 where there cannot be so many."""
    import numpy as np

    logs = _log_factorials()
    possible = (wins >= 0) & (wins <= tries)
    wins = np.where(possible, wins, 0)
    if chance >= 1:
        return np.where(possible & (wins == tries), 1.0, 0.0)
    ways = logs[tries] - logs[wins] - logs[tries - wins]
    told = ways + wins * math.log(chance) + (tries - wins) * math.log1p(-chance)
    return np.where(possible, np.exp(told), 0.0)


@lru_cache(maxsize=1)
def _log_factorials() -> Array:
    import numpy as np

    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, EXACT + 1)))])


@lru_cache(maxsize=64)
def _fewest_wins(alpha: float) -> Counts:
    """For 0 to EXACT unequal questions, how many of them one arm must win for p < alpha; one more
    than there are where not even all are enough."""
    import numpy as np

    logs = _log_factorials()

    def half(tries: int, wins: int) -> float:
        if not 0 <= wins <= tries:
            return 0.0
        ways = float(logs[tries] - logs[wins] - logs[tries - wins])
        return math.exp(ways - tries * math.log(2))

    found, wins, tail = [1], 1, 0.0  # the chance of at least so many wins, at one half
    for m in range(1, EXACT + 1):
        tail += half(m - 1, wins - 1) / 2
        if 2 * tail >= alpha:
            tail -= half(m, wins)
            wins += 1
        found.append(wins)
    return np.array(found)
