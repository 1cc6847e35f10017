"""Intervals, tests and verdicts: known values, planted truths, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.evaluation import statistics
from groundtone.evaluation.statistics import Interval

FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12)
BITS = st.lists(st.booleans(), min_size=1, max_size=20)


def test_no_data_is_none() -> None:
    assert statistics.mean_interval([]) is None
    assert statistics.paired_interval([], []) is None
    assert statistics.paired_p([], []) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="NaN"):
        statistics.mean_interval([1.0, bad])
    with pytest.raises(ValueError, match="NaN"):
        statistics.paired_interval([1.0, bad], [0.0, 0.0])
    with pytest.raises(ValueError, match="equal lengths"):
        statistics.paired_interval([1.0], [])


def test_wilson_for_pass_and_fail() -> None:
    assert statistics.mean_interval([True] * 8 + [False] * 2) == Interval(
        0.8, pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4), 10
    )
    everything = statistics.mean_interval([1] * 20)
    assert everything is not None and everything.high == 1.0 and 0.8 < everything.low < 0.9


def test_bootstrap_of_a_mean_is_near_the_textbook() -> None:
    data = np.random.default_rng(5).normal(10, 2, 200)
    found = statistics.mean_interval(list(data))
    assert found is not None
    half = 1.96 * data.std(ddof=1) / math.sqrt(200)
    assert found.value == pytest.approx(data.mean())
    assert found.low == pytest.approx(data.mean() - half, abs=0.05)
    assert found.high == pytest.approx(data.mean() + half, abs=0.05)


def test_equals_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    data = np.random.default_rng(2).lognormal(0, 1, 40)
    theirs = stats.bootstrap(
        (data,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = statistics.mean_interval(list(data))
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.03)
    for wins, losses in ((0, 0), (3, 1), (10, 0), (25, 11), (700, 640)):
        n = wins + losses
        expected = stats.binomtest(wins, n).pvalue if n else 1.0
        assert statistics.mcnemar(wins, losses) == pytest.approx(expected)


def test_mcnemar_of_many_questions_does_not_overflow() -> None:
    assert statistics.mcnemar(20_000, 20_000) == 1.0
    assert statistics.mcnemar(3000, 0) == 0.0


def test_holm() -> None:
    found = statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(found) == ["a", "b", "c", "d"]
    assert statistics.holm({}) == {}
    assert statistics.holm({"x": 0.7, "y": 0.8}) == {"x": 1.0, "y": 1.0}


def test_equal_arms_are_not_certain_to_be_equal() -> None:
    few = statistics.paired_interval([1, 1, 1], [1, 1, 1])
    many = statistics.paired_interval([1] * 400, [1] * 400)
    assert few is not None and many is not None
    assert few.value == many.value == 0
    assert few.low < -0.5 < 0.5 < few.high
    assert -0.02 < many.low < 0 < many.high < 0.02
    assert not statistics.not_worse(few.low, 0.05)
    assert statistics.not_worse(many.low, 0.05)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([0.0], [0.267]),
        ([1], [0]),
        ([0.6, 0.5], [0.8, 0.7]),
        ([0.2, 0.2, 0.2], [0.3, 0.3, 0.31]),
        ([1840.0], [2100.0]),
    ],
)
def test_one_or_a_few_differences_are_certain_of_nothing(
    left: list[float], right: list[float]
) -> None:
    found = statistics.paired_interval(left, right)
    turned = statistics.paired_interval(right, left)
    assert found is not None and turned is not None
    assert found.low < 0 < found.high
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    mean = statistics.mean_interval(left)
    assert mean is not None
    if max(*left, *right) <= 1:
        assert mean.high - mean.low > 0.3
        assert not statistics.not_worse(found.low, 0.05)


def test_a_clear_difference_is_proven() -> None:
    left = [1.0] * 40 + [0.0] * 10
    right = [1.0] * 15 + [0.0] * 35
    difference, p = statistics.paired_interval(left, right), statistics.paired_p(left, right)
    assert difference is not None and p is not None
    assert difference.value == 0.5 and difference.low > 0.3 and p < 1e-6
    assert statistics.verdict(difference, p) == "better"
    assert statistics.verdict(difference, p, higher_is_better=False) == "worse"


def test_verdict_needs_interval_and_p() -> None:
    clear, unclear = Interval(0.2, 0.1, 0.3, 9), Interval(0.2, -0.1, 0.5, 9)
    assert statistics.verdict(clear, 0.01) == "better"
    assert statistics.verdict(Interval(-0.2, -0.3, -0.1, 9), 0.01) == "worse"
    for difference, p in ((clear, 0.2), (unclear, 0.01), (None, 0.01), (clear, None)):
        assert statistics.verdict(difference, p) == "no proven difference"


def test_not_worse() -> None:
    assert statistics.not_worse(-0.049, 0.05)
    assert not statistics.not_worse(-0.05, 0.05)
    assert not statistics.not_worse(None, 0.05)
    with pytest.raises(ValueError, match="margin"):
        statistics.not_worse(0.0, -0.1)


@given(FLOATS, st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_intervals_hold_their_value_and_repeat(values: list[float], seed: int) -> None:
    found = statistics.mean_interval(values, seed=seed, resamples=200)
    assert found == statistics.mean_interval(values, seed=seed, resamples=200)
    assert found is not None and found.n == len(values)
    assert found.low <= found.value <= found.high
    assert all(map(math.isfinite, (found.low, found.high)))


@given(BITS.flatmap(lambda left: st.tuples(st.just(left), st.permutations(left))))
@settings(deadline=None, max_examples=40)
def test_pairs_are_antisymmetric(pair: tuple[list[bool], list[bool]]) -> None:
    left, right = pair
    one = statistics.paired_interval(left, right, resamples=200)
    two = statistics.paired_interval(right, left, resamples=200)
    assert one is not None and two is not None
    assert one.low == pytest.approx(-two.high, abs=0.15)
    assert one.low <= one.value <= one.high
    assert statistics.paired_p(left, right) == statistics.paired_p(right, left)
    assert statistics.verdict(one, statistics.paired_p(left, right)) == "no proven difference"


def test_a_ratio_has_an_interval_however_few_pass() -> None:
    cost = [0.01, 0.02, 0.03, 0.04]
    assert statistics.ratio_interval(cost, [0, 0, 0, 0]) is None
    assert statistics.ratio_interval([], []) is None
    one = statistics.ratio_interval(cost, [0, 0, 0, 1])
    every = statistics.ratio_interval(cost, [1, 1, 1, 1])
    assert one is not None and every is not None
    assert one.value == pytest.approx(0.1) and one.low < 0.05 and 0.2 < one.high < 1
    assert every.value == pytest.approx(0.025) and every.low < every.value < every.high
    with pytest.raises(ValueError, match="equal lengths"):
        statistics.ratio_interval(cost, [1])


def test_a_ratios_interval_covers_a_planted_truth() -> None:
    draw = np.random.default_rng(9)
    held = 0
    for _ in range(400):
        passed = (draw.random(60) < 0.3).astype(float)
        found = statistics.ratio_interval(list(draw.gamma(4, 0.25, 60)), list(passed))
        held += found is not None and found.low <= 1 / 0.3 <= found.high
    assert held / 400 > 0.93


SIMULATIONS = 10_000


def planted(kind: str, truth: float) -> tuple[np.ndarray, np.ndarray]:
    """Answers of two arms to 60 questions, over and over, whose true difference is `truth`."""
    draw = np.random.default_rng(11)
    shape = (SIMULATIONS, 60)
    if kind == "pass or fail":  # correlated: a hard question is hard for both
        hard = draw.random(shape) < 0.5
        right = draw.random(shape) < np.where(hard, 0.35, 0.75)
        left = draw.random(shape) < np.where(hard, 0.35, 0.75) + truth
        return left.astype(float), right.astype(float)
    base = draw.beta(0.5, 1.5, shape)  # most near 0, as token F1 is
    return base + truth + draw.normal(0, 0.2, shape) + draw.exponential(0.1, shape) - 0.1, base


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pass or fail", "score"])
@pytest.mark.parametrize("truth", [0.0, 0.15])
def test_intervals_cover_a_planted_truth(kind: str, truth: float) -> None:
    """Nominal 95%, over 10,000 simulated comparisons; without a difference none is claimed."""
    left, right = planted(kind, truth)
    held = claimed = 0
    for one, two in zip(left, right, strict=True):
        found = statistics.paired_interval(one, two, resamples=1000)
        assert found is not None
        held += found.low <= truth <= found.high
        if not truth:
            p = statistics.paired_p(one, two, resamples=1000)
            claimed += statistics.verdict(found, p) != "no proven difference"
    assert 0.945 <= held / SIMULATIONS <= 0.975
    if not truth:
        assert 0.02 <= claimed / SIMULATIONS <= 0.055
