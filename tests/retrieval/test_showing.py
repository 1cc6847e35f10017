from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from groundtone.index import Hit
from groundtone.retrieval import Passage
from groundtone.retrieval.showing import NEAR, joined, matching

spans = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 30)).map(lambda one: (one[0], one[0] + one[1])),
    max_size=12,
)


@given(spans)
def test_joined_spans_cover_the_same_in_order(given: list[tuple[int, int]]) -> None:
    found = joined(given, gap=0)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    covered = {place for start, end in given for place in range(start, end)}
    assert {place for start, end in found for place in range(start, end)} == covered


def test_windows_nearly_as_near_as_the_best_match() -> None:
    hits = [
        Hit("a", 0, 2, 0.8), Hit("b", 5, 0, 0.8 * NEAR), Hit("a", 0, 3, 0.8 * NEAR - 0.01),
        Hit("a", 0, 0, 0.7),
    ]  # fmt: skip
    assert matching(hits) == {("a", 0): {2, 0}, ("b", 5): {0}}
    assert matching([]) == {}


def test_the_excerpt_says_what_is_left_out() -> None:
    passage = Passage(
        rank=1, text="Press the red button. Wait. Then lift.", score=1.0, document="a.md",
        title="A", section="", headings=(), page=None, start=100, end=138, box=None, version="v",
        chunk=0, window=(100, 121), dense=0.9, lexical=None, shown=((100, 121), (128, 138)),
    )  # fmt: skip
    assert passage.excerpt == "Press the red button. … Then lift."
    assert replace(passage, shown=()).excerpt == passage.text
    assert passage.to_json()["shown"] == [[100, 121], [128, 138]]
