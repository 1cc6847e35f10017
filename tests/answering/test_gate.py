"""Whether passages answer a question: about the same thing is not enough."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.answering.scripted import passage
from tests.small_embedder import SmallEmbedder

from groundtone.answering.evidence import Evidence
from groundtone.answering.gate import WORDS_ONLY, evidence, features

TRASH = passage(
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
    "The trash holds at most 500 boards.",
    title="Boards",
)
MAIL = passage("Mail rules run every 5 minutes. Closed tickets are not changed.", title="Mail")
FAR = replace(MAIL, dense=0.1, lexical=None)


def test_a_strange_name_or_figure_lowers_the_evidence() -> None:
    plain = evidence("How long do deleted boards stay in the trash?", [TRASH, FAR])
    named = evidence("How long do deleted Zorbian boards stay in the trash?", [TRASH, FAR])
    figured = evidence("Do deleted boards stay in the trash for 77 days?", [TRASH, FAR])
    assert named < plain
    assert figured < plain


def test_a_far_passage_is_less_evidence_than_a_near_one() -> None:
    question = "How often do mail rules run?"
    assert evidence(question, [FAR]) < evidence(question, [MAIL])


def test_an_unsupported_answer_lowers_the_evidence() -> None:
    question = "How long do deleted boards stay in the trash?"
    right = evidence(question, [TRASH], ["Deleted boards stay in the trash for 30 days."])
    wrong = evidence(question, [TRASH], ["Bananas grow in warm countries."])
    assert wrong < right <= evidence(question, [TRASH])


def test_nothing_is_no_evidence() -> None:
    assert evidence("How long?", []) == 0.0
    assert evidence("", [TRASH]) == 0.0
    assert evidence("the of and", [TRASH]) == 0.0


@settings(deadline=None)
@given(st.text(max_size=120), st.lists(st.text(max_size=200), max_size=3))
def test_evidence_is_a_chance(question: str, texts: list[str]) -> None:
    passages = [passage(text) for text in texts]
    for embed in (None, SmallEmbedder().embed):
        assert 0.0 <= evidence(question, passages, embed=embed) <= 1.0


def test_passages_without_scores_are_read_too() -> None:
    bare = replace(TRASH, dense=None, lexical=None, title="", headings=())
    assert set(WORDS_ONLY) <= set(features("How long?", Evidence([bare])))
    assert evidence("How long do boards stay?", [bare]) == pytest.approx(0.0, abs=0.5)
