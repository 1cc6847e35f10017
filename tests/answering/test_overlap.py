"""The quick check of training examples: shared words, figures and negations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundtone.answering.overlap import align, support

TRASH = (
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
    "The trash holds at most 500 boards."
)
MAIL = "Mail rules run every 5 minutes. Rules do not change tickets that are closed."


def test_a_copied_sentence_is_fully_supported_by_its_source() -> None:
    found = align(["Deleted boards stay in the trash for 30 days."], [MAIL, TRASH])[0]
    assert found is not None
    assert (found.passage, found.score) == (1, 1.0)
    assert TRASH[found.start : found.end] == "Deleted boards stay in the trash for 30 days."


def test_a_wrong_figure_is_not_supported() -> None:
    right = support("Deleted boards stay in the trash for 30 days.", [TRASH])
    wrong = support("Deleted boards stay in the trash for 90 days.", [TRASH])
    assert right == 1.0
    assert wrong < 0.5


def test_a_turned_negation_scores_lower() -> None:
    said = support("Rules do not change tickets that are closed.", [MAIL])
    turned = support("Rules change tickets that are closed.", [MAIL])
    assert turned < said


def test_a_paraphrase_scores_between_a_copy_and_a_stranger() -> None:
    copy = support("The trash holds at most 500 boards.", [TRASH])
    near = support("At most 500 boards fit into the trash.", [TRASH])
    stranger = support("Bananas grow in warm countries.", [TRASH])
    assert copy > near > stranger == 0.0


def test_one_answer_sentence_may_rest_on_two_adjacent_source_sentences() -> None:
    said = "Deleted boards stay in the trash for 30 days unless an Admin may empty it earlier."
    found = align([said], [TRASH])[0]
    assert found is not None
    assert "30 days" in TRASH[found.start : found.end]
    assert "Admin" in TRASH[found.start : found.end]


def test_nothing_supports_without_passages_or_words() -> None:
    assert support("Anything.", []) == 0.0
    assert support("", [TRASH]) == 0.0
    assert support("Anything.", [""]) == 0.0


@given(st.lists(st.text(max_size=80), max_size=4), st.lists(st.text(max_size=300), max_size=3))
def test_scores_are_shares_and_spans_lie_inside_their_passage(
    said: list[str], passages: list[str]
) -> None:
    found = align(said, passages)
    assert len(found) == len(said)
    for one in found:
        if one is not None:
            assert 0.0 < one.score <= 1.0
            assert 0 <= one.start < one.end <= len(passages[one.passage])
