"""How large a difference can be seen, and what more questions would bring."""

from __future__ import annotations

import math

import numpy as np
import pytest

from groundtone.evaluation import seeds, statistics, student
from groundtone.evaluation.planning import Plan, plan
from groundtone.evaluation.powers import mcnemar_power


def test_it_is_the_textbook_formula() -> None:
    """Of Student's distribution, with two places of its tables."""
    differences = [0.3, -0.1, 0.2, 0.0, 0.1, 0.4]
    spread = float(np.std(differences, ddof=1))
    found = plan(differences)
    assert found.detectable == pytest.approx((2.571 + 0.920) * spread / 6**0.5, rel=1e-3)
    needed = 6 + (found.more_questions or 0)
    for count, enough in ((needed, True), (needed - 1, False)):
        least = (student.quantile(0.95, count - 1) + student.quantile(0.6, count - 1)) * spread
        assert (np.mean(differences) >= least / count**0.5) is np.bool_(enough)


def test_no_difference_seen_promises_nothing() -> None:
    assert plan([0.0, 1.0, -1.0]).more_questions is None
    equal = plan([0.0] * 9, pass_fail=True).detectable
    assert equal is not None and equal > 0.2  # nine equal answers prove little
    assert plan([1e-9, 2.0, -2.0, 0.0]).more_questions is None  # nobody has a billion questions
    assert plan([0.5, 0.6] * 200).more_questions == 0


@pytest.mark.parametrize("differences", [[0.3], [0.0] * 12, [0.25] * 12, [[0.1, 0.1]] * 12])
def test_what_does_not_vary_tells_nothing(differences: list[float]) -> None:
    assert plan(differences) == Plan(None, None)


@pytest.mark.parametrize(("alpha", "fewest"), [(0.05, 6), (0.05 / 4, 8), (0.05 / 7, 9)])
@pytest.mark.parametrize("pass_fail", [True, False])
def test_so_few_questions_can_prove_nothing(alpha: float, fewest: int, pass_fail: bool) -> None:
    """Were each of them won, p would be 2 / 2**n."""
    few, enough = ([1.0, 0.0] + [1.0] * (n - 2) for n in (fewest - 1, fewest))
    few_plan = plan(few, alpha=alpha, pass_fail=pass_fail)
    assert few_plan.detectable is None and few_plan.more_questions
    assert plan(enough, alpha=alpha, pass_fail=pass_fail).detectable is not None


def proven(wins: int, losses: int, alpha: float) -> bool:
    return wins > losses and statistics.mcnemar(wins, losses) < alpha


@pytest.mark.parametrize(
    ("count", "difference", "unequal", "alpha"),
    [(12, 0.4, 0.5, 0.05), (20, 0.3, 0.3, 0.05), (25, 0.2, 0.6, 0.0125), (8, 0.9, 0.2, 0.05)],
)
def test_power_is_the_sum_over_all_that_can_happen(
    count: int, difference: float, unequal: float, alpha: float
) -> None:
    either = max(unequal, difference)
    won, lost = (either + difference) / 2, (either - difference) / 2
    expected = sum(
        math.comb(count, w) * math.comb(count - w, v)
        * won**w * lost**v * (1 - either) ** (count - w - v)
        for w in range(count + 1)
        for v in range(count + 1 - w)
        if proven(w, v, alpha)
    )  # fmt: skip
    assert mcnemar_power(count, difference, unequal, alpha) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("count", "won", "lost", "pairs"), [(20, 1, 0, 4), (42, 12, 4, 6)])
def test_passes_are_planned_by_that_power(count: int, won: int, lost: int, pairs: int) -> None:
    seen = [1.0] * won + [-1.0] * lost + [0.0] * (count - won - lost)
    found = plan(seen, alpha=0.05 / pairs, pass_fail=True)
    unequal = (won + lost + 2) / (count + 2)
    assert found.detectable is not None and found.more_questions is not None
    power = mcnemar_power(count, found.detectable, unequal, 0.05 / pairs)
    assert power == pytest.approx(0.8, abs=1e-3)
    needed = count + found.more_questions
    difference = (won - lost) / count
    assert mcnemar_power(needed, difference, unequal, 0.05 / pairs) >= 0.8
    assert mcnemar_power(needed - 1, difference, unequal, 0.05 / pairs) < 0.8


def test_what_training_seeds_add_no_question_takes_away() -> None:
    draw = np.random.default_rng(3)
    questions = draw.normal(0.06, 0.3, (50, 1))
    alike = questions + draw.normal(0, 0.05, (50, 3))
    apart = alike + np.array([[-0.15, 0.0, 0.15]])
    one, two = plan(alike), plan(apart)
    assert one.detectable is not None and two.detectable is not None
    assert two.detectable > 3 * one.detectable
    assert one.more_questions is not None and one.more_questions > 50
    assert two.more_questions is None
    spread = seeds.Spread.of(apart)
    assert spread is not None and spread.errors(50) == seeds.spreads(apart)
    assert all(error > 0.08 for error, _ in spread.errors(1_000_000))


def test_sharing_alpha_over_pairs_asks_for_more() -> None:
    differences = [1.0, 0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    for pass_fail in (True, False):
        alone = plan(differences, pass_fail=pass_fail)
        shared = plan(differences, alpha=0.05 / 7, pass_fail=pass_fail)
        assert (shared.detectable or 0) > (alone.detectable or 0) > 0
        assert (shared.more_questions or 0) > (alone.more_questions or 0) > 0


@pytest.mark.slow
def test_a_planned_difference_is_proven_as_often_as_promised() -> None:
    """With as many questions as the plan asks for, 80 of 100 repetitions prove the difference."""
    draw = np.random.default_rng(4)
    pilot = draw.normal(0.1, 0.3, 200_000)
    needed = plan(list(pilot[:40] - pilot[:40].mean() + 0.1)).more_questions
    assert needed is not None
    n = 40 + needed
    spread = float(np.std(pilot[:40], ddof=1))
    claimed = 0
    for _ in range(600):
        difference = list(draw.normal(0.1, spread, n))
        interval = statistics.paired_interval(difference, [0.0] * n, resamples=1000)
        assert interval is not None
        claimed += interval.low > 0
    assert 0.75 < claimed / 600 < 0.85
