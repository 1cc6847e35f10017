"""Training seeds as one more thing left to chance."""

from __future__ import annotations

import numpy as np
import pytest

from groundtone.evaluation import seeds, statistics


def table(draw: np.random.Generator, questions: int, between: float, count: int = 3) -> np.ndarray:
    """Differences of true mean 0 that vary by question, by seed and by neither."""
    return (
        draw.normal(0, 0.3, (questions, 1))
        + draw.normal(0, between, (1, count))
        + draw.normal(0, 0.2, (questions, count))
    )


def test_nothing_is_none_and_one_seed_is_no_table() -> None:
    assert seeds.crossed_interval(np.zeros((0, 3))) is None
    assert seeds.crossed_p(np.zeros((0, 3))) is None
    with pytest.raises(ValueError, match="two"):
        seeds.crossed_interval(np.zeros((5, 1)))
    with pytest.raises(ValueError, match="NaN"):
        seeds.crossed_p(np.full((5, 2), np.nan))


def test_the_same_digits_for_a_seed() -> None:
    data = table(np.random.default_rng(1), 30, 0.1)
    one, two = (seeds.crossed_interval(data, seed=3) for _ in range(2))
    assert one == two
    assert seeds.crossed_p(data, seed=3) == seeds.crossed_p(data, seed=3)


def test_seeds_that_differ_widen_the_interval() -> None:
    """The same answers by three seeds are one seed's; seeds apart leave less proven."""
    rows = np.random.default_rng(2).normal(0.2, 0.3, (40, 1))
    alike = seeds.crossed_interval(np.repeat(rows, 3, axis=1))
    single = statistics.paired_interval(list(rows[:, 0]), [0.0] * 40)
    apart = seeds.crossed_interval(rows + np.array([[-0.3, 0.0, 0.3]]))
    assert alike is not None and single is not None and apart is not None
    assert alike.low == pytest.approx(single.low, abs=0.02)
    assert apart.low < 0 < alike.low
    p = seeds.crossed_p(rows + np.array([[-0.3, 0.0, 0.3]]))
    assert p is not None and p > 0.05


def test_equal_passes_are_not_certain() -> None:
    found = seeds.crossed_interval(np.zeros((5, 3)), pass_fail=True)
    assert found is not None and found.low < -0.3 and found.high > 0.3
    assert seeds.crossed_p(np.zeros((5, 3))) == 1.0


def test_a_difference_of_scores_ends_where_scores_do() -> None:
    """Two questions and seeds that lie far apart: Student's interval alone would reach beyond 2."""
    data = np.array([[0.1, 0.9, -0.8], [0.2, 0.9, -0.9]])
    wide, found = seeds.crossed_interval(data), seeds.crossed_interval(data, most=1.0)
    assert wide is not None and found is not None
    assert wide.low < -2 and wide.high > 2
    assert (found.low, found.high) == (-1.0, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("between", [0.0, 0.05, 0.2])
def test_intervals_over_questions_and_seeds_cover(between: float) -> None:
    """True mean 0: at least 94% of the intervals hold it, at most 6% of the tests claim one."""
    draw = np.random.default_rng(5)
    runs, held, claimed = 1000, 0, 0
    for _ in range(runs):
        data = table(draw, 40, between)
        found = seeds.crossed_interval(data, resamples=500)
        p = seeds.crossed_p(data, resamples=500)
        assert found is not None and p is not None
        held += found.low <= 0 <= found.high
        claimed += p < 0.05
    assert held / runs > 0.935
    assert claimed / runs < 0.065
