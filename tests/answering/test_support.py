"""The support score: what agrees, what does not, and what it costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.small_embedder import SmallEmbedder

import groundtone
from groundtone.answering.evidence import Evidence
from groundtone.answering.support import score

TRASH = (
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
    "The trash holds at most 500 boards."
)
MAIL = "Mail rules run every 5 minutes. Rules do not change tickets that are closed."
BOTH = [MAIL, TRASH]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Deleted boards stay in the trash for 30 days.",
         "Deleted boards stay in the trash for 90 days."),
        ("Deleted boards stay in the trash for 30 days.",
         "Deleted boards stay in the trash for 30 hours."),
        ("The trash holds at most 500 boards.", "The trash holds at most 30 boards."),
        ("An Admin may empty the trash earlier.", "A Guest may empty the trash earlier."),
        ("An Admin may empty the trash earlier.", "An Admin may empty the trash later."),
        ("Rules do not change tickets that are closed.",
         "Rules change tickets that are closed."),
        ("Rules do not change tickets that are closed.",
         "Rules do not change tickets that are opened."),
        ("Mail rules run every 5 minutes.", "Mail rules run every five hours."),
    ],
)  # fmt: skip
def test_what_differs_in_one_thing_scores_lower(right: str, wrong: str, minilm: object) -> None:
    assert groundtone.support(right, BOTH) > 0.5
    assert groundtone.support(wrong, BOTH) < groundtone.support(right, BOTH) - 0.1


@pytest.mark.parametrize(
    "wrong",
    [
        "Deleted boards stay in the trash for 90 days.",
        "The trash holds at most 700 boards.",
        "Bananas grow in warm countries.",
        "Boards can be shared with guests by e-mail.",
    ],
)
def test_what_stands_nowhere_is_unsupported(wrong: str, minilm: object) -> None:
    assert groundtone.support(wrong, BOTH) < 0.5


@pytest.mark.parametrize(
    "right",
    [
        "At most 500 boards fit into the trash.",
        "A board that was deleted is kept in the trash for 30 days.",
        "The trash can be emptied earlier by an Admin.",
        "Boards stay 30 days in the trash, which holds 500 boards at most.",
        "Mail rules run every five minutes.",
    ],
)
def test_other_words_for_the_same_are_supported(right: str, minilm: object) -> None:
    assert groundtone.support(right, BOTH) > 0.5


def test_nothing_supports_without_passages_or_words() -> None:
    assert groundtone.support("Anything.", []) == 0.0
    assert groundtone.support("", [TRASH]) == 0.0
    assert groundtone.support("Anything.", [""]) == 0.0


def test_a_scaled_figure_and_a_separator_agree() -> None:
    text = "Net sales were $82,959 million in the quarter that ended on June 25, 2022."
    said = "Net sales were 82959 million dollars in the quarter that ended on 25 June 2022."
    assert groundtone.support(said, [text]) > 0.5
    assert groundtone.support(said.replace("82959", "82960"), [text]) < 0.5


def test_passages_and_strings_count_alike_and_order_does_not_matter(minilm: object) -> None:
    said = "The trash holds at most 500 boards."
    assert groundtone.support(said, BOTH) == pytest.approx(
        groundtone.support(said, BOTH[::-1]), abs=0.02
    )


def test_words_alone_are_enough_without_weights() -> None:
    evidence = Evidence(BOTH)
    assert score("The trash holds at most 500 boards.", evidence) > 0.5
    assert score("The trash holds at most 700 boards.", evidence) < 0.5


@settings(deadline=None)
@given(st.text(max_size=120), st.lists(st.text(max_size=300), max_size=3))
def test_scores_are_chances(said: str, passages: list[str]) -> None:
    for embed in (None, SmallEmbedder().embed):
        assert 0.0 <= score(said, Evidence(passages, embed)) <= 1.0


def test_long_evidence_stays_quick() -> None:
    text = " ".join(f"The item {n} of the list costs {n * 3} dollars." for n in range(1_500))
    began = time.process_time()
    assert score("The item 700 of the list costs 2100 dollars.", Evidence([text])) > 0.5
    assert time.process_time() - began < 5
