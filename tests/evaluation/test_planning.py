"""How large a difference can be seen, and what more questions would bring."""

from __future__ import annotations

import numpy as np
import pytest

from groundtone.evaluation import statistics
from groundtone.evaluation.planning import plan


def test_it_is_the_textbook_formula() -> None:
    differences = [0.3, -0.1, 0.2, 0.0, 0.1, 0.4]
    spread = float(np.std(differences, ddof=1))
    found = plan(differences)
    reach = 1.959964 + 0.841621
    assert found.detectable == pytest.approx(reach * spread / 6**0.5, rel=1e-5)
    needed = (reach * spread / np.mean(differences)) ** 2
    assert found.more_questions == max(0, int(np.ceil(needed)) - 6)


def test_no_difference_seen_promises_nothing() -> None:
    assert plan([0.0, 1.0, -1.0]).more_questions is None
    assert plan([0.0] * 9, pass_fail=True).detectable > 0.2  # nine equal answers prove little
    assert plan([1e-9, 2.0, -2.0, 0.0]).more_questions is None  # nobody has a billion questions
    assert plan([0.5] * 400).more_questions == 0


def test_sharing_alpha_over_pairs_asks_for_more() -> None:
    differences = [1.0, 0.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0]
    alone, shared = plan(differences), plan(differences, alpha=0.05 / 7)
    assert shared.detectable > alone.detectable
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
    proven = 0
    for _ in range(600):
        difference = list(draw.normal(0.1, spread, n))
        interval = statistics.paired_interval(difference, [0.0] * n, resamples=1000)
        assert interval is not None
        proven += interval.low > 0
    assert 0.75 < proven / 600 < 0.85
