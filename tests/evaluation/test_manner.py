"""Style distance: nearer means more alike, whatever is said."""

from __future__ import annotations

import pytest

from groundtone.evaluation.manner import Manner

EXAMPLES = [
    "Go to Settings > Account and choose Reset.",
    "Open Billing > Plans and pick a plan.",
    "Go to Members > Invite and enter the address.",
    "Deleted boards stay in the trash for 30 days.",
    "Open Settings > Security and turn the lock on.",
]


@pytest.fixture(scope="module")
def manner() -> Manner:
    return Manner(EXAMPLES)


def test_an_example_is_nearer_than_a_stranger(manner: Manner) -> None:
    alike = manner.distance("Go to Settings > Teams and choose Archive.")
    stranger = manner.distance(
        "Well, I would think that you might perhaps like to have a look at this, since it is "
        "something which we have been asked about very often by many of our customers!"
    )
    assert alike is not None and stranger is not None
    assert alike.overall < manner.own < stranger.overall
    assert alike.ngrams < stranger.ngrams
    assert alike.function_words < stranger.function_words
    assert stranger.length_ratio > 3 > alike.length_ratio > 0.5


def test_figures_are_facts_and_no_manner(manner: Manner) -> None:
    one = manner.distance("Deleted boards stay in the trash for 30 days.")
    two = manner.distance("Deleted boards stay in the trash for 77 days.")
    assert one == two


def test_numbers_stay_in_their_bounds(manner: Manner) -> None:
    for text in ("x", "30", "the", "a " * 400, "日本語", EXAMPLES[0] * 20):
        found = manner.distance(text)
        assert found is not None
        for value in (found.overall, found.function_words, found.ngrams):
            assert 0 <= value <= 1
    assert manner.distance("") is None
    assert manner.distance("…!") is None


def test_one_example_has_no_manner() -> None:
    with pytest.raises(ValueError, match="two"):
        Manner(["Only one.", "…"])


def test_the_length_counted_is_the_middle_examples() -> None:
    manner = Manner(["one two three", "one two three four", "one two three four five six seven"])
    found = manner.distance("a b c d e f g h")
    assert found is not None and found.length_ratio == 2.0
