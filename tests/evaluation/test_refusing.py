"""The curve of a refusal threshold."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from groundtone.evaluation.refusing import curve


def test_a_threshold_between_both_kinds_parts_them() -> None:
    points = curve([0.9, 0.8, 0.3, 0.1], [True, True, False, False])
    [found] = [point for point in points if point.balanced == 1.0]
    assert 0.3 < found.threshold < 0.8
    assert (found.kept, found.refused, found.precision) == (1.0, 1.0, 1.0)


def test_questions_of_one_kind_have_a_curve_too() -> None:
    assert {point.refused for point in curve([0.5, 0.6], [True, True])} == {1.0}
    assert {point.kept for point in curve([0.5, 0.6], [False, False])} == {1.0}
    assert [point.threshold for point in curve([], [])] == [0.0, 1.0]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30))
def test_a_higher_threshold_never_answers_more(rows: list[tuple[float, bool]]) -> None:
    points = curve([e for e, _ in rows], [a for _, a in rows])
    for low, high in itertools.pairwise(points):
        assert high.kept <= low.kept
        assert high.refused >= low.refused
