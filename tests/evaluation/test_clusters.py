"""Questions that belong together prove less than as many that do not."""

from __future__ import annotations

import numpy as np
import pytest

from groundtone.evaluation import student
from groundtone.evaluation.clusters import _robust, clustered_interval
from groundtone.evaluation.statistics import paired_interval


def test_nothing_is_none_and_one_group_proves_nothing() -> None:
    assert clustered_interval([], [], []) is None
    found = clustered_interval([0.9] * 30, [0.2, 0.3] * 15, ["a"] * 30)
    assert found is not None and (found.low, found.high, found.n) == (-1.0, 1.0, 30)


def test_groups_of_one_size_are_students_interval_over_their_means() -> None:
    means = [0.3, 0.1, 0.2, 0.0]
    left = [mean for mean in means for _ in range(10)]
    found = clustered_interval(left, [0.0] * 40, [str(n // 10) for n in range(40)])
    half = student.quantile(0.95, 3) * float(np.std(means, ddof=1)) / 2
    assert found is not None and found.value == pytest.approx(0.15)
    assert (found.low, found.high) == pytest.approx((0.15 - half, 0.15 + half))


def test_uneven_groups_are_corrected_as_the_matrices_say() -> None:
    """CR2 and its degrees of freedom of a mean, written out as Bell and McCaffrey did."""
    sizes, means = [30, 20, 10, 5, 5, 3, 2, 2, 1, 1], np.linspace(-0.2, 0.3, 10)
    n = sum(sizes)
    group = np.repeat(np.arange(10), sizes)
    values = means[group]
    residuals = values - values.mean()
    made = np.eye(n) - 1 / n
    columns, variance = [], 0.0
    for one in range(10):
        at = group == one
        own = made[np.ix_(at, at)]
        worths, vectors = np.linalg.eigh(own)
        root = vectors @ np.diag(worths**-0.5) @ vectors.T
        variance += (np.ones(at.sum()) @ root @ residuals[at] / n) ** 2
        columns.append(made[:, at] @ root @ np.ones(at.sum()) / n)
    worths = np.linalg.eigvalsh(np.array(columns) @ np.array(columns).T)
    error, freedom = _robust(list(zip(sizes, means.tolist(), strict=True)))
    assert error == pytest.approx(variance**0.5)
    assert freedom == pytest.approx(worths.sum() ** 2 / (worths**2).sum())


@pytest.mark.parametrize("sizes", [[10] * 4, [10] * 10, [40, 10, 5, 5]])
def test_groups_without_a_difference_are_rarely_called_better(sizes: list[int]) -> None:
    """2.5 of 100 are nominal; half of what a question varies by is its group's."""
    draw = np.random.default_rng(7)
    group = np.repeat(np.arange(len(sizes)), sizes)
    names = [str(one) for one in group]
    alone = together = 0
    for _ in range(200):
        found = draw.normal(0, 0.1, len(sizes))[group] + draw.normal(0, 0.1, len(group))
        left, right = list(0.5 + found / 2), list(0.5 - found / 2)
        one = paired_interval(left, right, resamples=300)
        two = clustered_interval(left, right, names, resamples=300)
        assert one is not None and two is not None
        alone, together = alone + (one.low > 0), together + (two.low > 0)
    assert together <= 10 < 30 <= alone
