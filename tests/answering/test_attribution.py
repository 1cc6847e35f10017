"""What an answer sentence rests on: one passage sentence or several, hints checked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.small_embedder import SmallEmbedder

from groundtone.answering.attribution import attribute
from groundtone.answering.evidence import Evidence

TRASH = (
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
    "The trash holds at most 500 boards."
)
MAIL = "Mail rules run every 5 minutes. Rules do not change tickets that are closed."
PRICES = "A seat in the plan Team costs 9 dollars a month."


def quotes(said: str, passages: list[str], hints: frozenset[int] = frozenset()) -> list[str]:
    found = attribute([said], Evidence(passages), hints)[0]
    return [passages[s.passage][s.start : s.end] for s in found.sources]


def test_a_copied_sentence_rests_on_its_source() -> None:
    said = "Deleted boards stay in the trash for 30 days."
    assert quotes(said, [MAIL, TRASH]) == [said]


def test_a_sentence_made_of_two_rests_on_both() -> None:
    said = "Deleted boards stay in the trash for 30 days and at most 500 boards fit."
    assert set(quotes(said, [MAIL, TRASH])) == {
        "Deleted boards stay in the trash for 30 days.",
        "The trash holds at most 500 boards.",
    }


def test_sources_may_lie_in_several_passages() -> None:
    said = "Mail rules run every 5 minutes and a seat in the plan Team costs 9 dollars a month."
    assert set(quotes(said, [MAIL, TRASH, PRICES])) == {"Mail rules run every 5 minutes.", PRICES}


def test_a_second_passage_that_says_the_same_is_not_cited_too() -> None:
    assert quotes(PRICES, [PRICES, f"Note that {PRICES[0].lower()}{PRICES[1:]}"]) == [PRICES]


def test_a_hint_decides_between_equals_only() -> None:
    same = [PRICES, MAIL, PRICES]
    assert attribute([PRICES], Evidence(same))[0].sources[0].passage == 0
    assert attribute([PRICES], Evidence(same), frozenset({2}))[0].sources[0].passage == 2
    assert attribute([PRICES], Evidence(same), frozenset({1}))[0].sources[0].passage == 0


def test_nothing_shared_rests_on_nothing() -> None:
    found = attribute(["Bananas grow.", "", "…"], Evidence([TRASH]))
    assert [(one.score, one.sources) for one in found] == [(0.0, ())] * 3
    assert attribute(["Anything."], Evidence([]))[0].sources == ()


@settings(deadline=None)
@given(st.lists(st.text(max_size=80), max_size=4), st.lists(st.text(max_size=300), max_size=3))
def test_spans_lie_inside_their_passage(said: list[str], passages: list[str]) -> None:
    for embed in (None, SmallEmbedder().embed):
        for one in attribute(said, Evidence(passages, embed)):
            assert 0.0 <= one.score <= 1.0
            for source in one.sources:
                text = passages[source.passage]
                assert text[source.start : source.end].strip()
                assert source.end <= len(text)
