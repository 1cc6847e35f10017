"""Planted numbers: what the fit must find, and what it must leave alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from groundtone.evaluation.ranking import ndcg
from groundtone.tuning.retriever import fit, ranked
from groundtone.tuning.softmax import Case

WEIGHTS = np.array([8.5, 2.7, 1.3, 3.4])
DOCUMENTS = 12


def judge(order: Sequence[str], gains: Mapping[str, float]) -> float:
    return ndcg(order, gains, 10)


def cases(count: int, *, noise: float = 0.0, telling: bool = False, seed: int = 0) -> list[Case]:
    """Questions near their document's vector; with ``noise``, one direction is added to all of
    them that other documents have; ``telling``: the last feature alone knows what is right."""
    random = np.random.default_rng(seed)
    common = np.eye(16)[0]
    made = []
    for number in range(count):
        windows = random.normal(size=(DOCUMENTS, 16))
        windows[6:] += 4 * common * bool(noise)
        windows /= np.linalg.norm(windows, axis=1, keepdims=True)
        question = windows[0] + noise * common + 0.2 * random.normal(size=16)
        if telling:
            question = random.normal(size=16)
        others = np.zeros((DOCUMENTS, 3))
        others[0, 2] = 0.5 * telling
        names = tuple(f"{number}-{at}" for at in range(DOCUMENTS))
        made.append(
            Case(
                (question / np.linalg.norm(question)).astype(np.float32),
                windows.astype(np.float32),
                others,
                np.arange(DOCUMENTS),
                names,
                {names[0]: 1.0},
                names[0],
            )
        )
    return made


def mean(some: list[Case], weights: np.ndarray, adapter: np.ndarray | None) -> float:
    return float(np.mean([judge(ranked(case, weights, adapter), case.gains) for case in some]))


def test_an_adapter_takes_away_what_all_questions_have_in_common() -> None:
    fitted = fit(cases(120, noise=2.0), WEIGHTS, judge)
    assert fitted.choice.strength is not None and fitted.adapter is not None
    fresh = cases(60, noise=2.0, seed=9)
    before, now = mean(fresh, WEIGHTS, None), mean(fresh, fitted.weights, fitted.adapter)
    assert now > before + 0.15
    assert np.linalg.norm(fitted.adapter) < 16  # near the identity, not anywhere


def test_weights_follow_the_feature_that_tells() -> None:
    start = np.array([8.5, 2.7, 1.3, 0.1])
    fitted = fit(cases(120, telling=True), start, judge)
    assert fitted.choice.weights and fitted.weights[3] > 1 > start[3]
    assert (fitted.weights >= 0).all()
    assert not fit(cases(60, telling=True), start, judge, with_weights=False).choice.weights


def test_nothing_is_chosen_where_nothing_is_better() -> None:
    fitted = fit(cases(60), WEIGHTS, judge)
    assert str(fitted.choice) == "nothing" and fitted.adapter is None
    assert (fitted.weights == WEIGHTS).all()


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, two = (fit(cases(50, noise=2.0), WEIGHTS, judge, seed=4) for _ in range(2))
    assert one.choice == two.choice and np.array_equal(one.adapter, two.adapter)


def test_questions_that_find_nothing_right_are_no_error() -> None:
    some = cases(40)
    lost = [
        Case(c.question, c.windows, c.others, c.document, c.names, {"gone": 1.0}, c.group)
        for c in some
    ]
    empty = Case(some[0].question, np.zeros((0, 16), np.float32), np.zeros((0, 3)),
                 np.zeros(0, int), (), {"gone": 1.0}, "e")  # fmt: skip
    assert fit([*lost, empty], WEIGHTS, judge).choice.strength is None


def test_fitting_needs_no_torch() -> None:
    program = "import sys, groundtone.workspace.tune_retriever; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
