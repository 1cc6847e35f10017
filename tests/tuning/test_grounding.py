"""Which passages hold the answer of an example."""

from __future__ import annotations

from dataclasses import replace

from tests.answering.scripted import passage

from groundtone.retrieval import Passage
from groundtone.tuning.grounding import holders

TRASH = replace(
    passage(
        "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
        "Shared boards keep their colours. The trash holds at most 500 boards."
    ),
    version="trash",
)
MAIL = replace(
    passage("Mail rules run every 5 minutes. Rules do not change tickets that are closed."),
    version="mail",
)
BADGES = replace(passage("Visitors wear a green badge. It is handed in at the gate."), version="b")


def shown(found: Passage) -> str:
    start, end = found.window
    return found.text[start - found.start : end - found.start]


def test_one_passage_that_holds_all_of_a_short_answer_is_enough() -> None:
    assert holders("Mail rules run every 5 minutes.", [TRASH, MAIL], 3) == [MAIL]


def test_a_window_that_was_found_for_something_else_is_moved_to_what_is_said() -> None:
    start = TRASH.start
    elsewhere = replace(TRASH, window=(start, start + 45))
    (found,) = holders("The trash holds at most 500 boards.", [elsewhere], 3)
    assert shown(found) == "The trash holds at most 500 boards."


def test_an_answer_may_say_what_stands_in_several_passages() -> None:
    answer = (
        "Deleted boards stay in the trash for 30 days. Mail rules run every 5 minutes. "
        "Visitors wear a green badge."
    )
    found = holders(answer, [BADGES, MAIL, TRASH], 3)
    assert {one.version for one in found} == {"trash", "mail", "b"}
    assert found[0].version == "trash", "the one that holds most of it comes first"


def test_an_answer_may_gather_what_stands_far_apart_in_one_passage() -> None:
    narrow = replace(TRASH, window=(TRASH.start, TRASH.start + 45))
    answer = "Deleted boards stay in the trash for 30 days. The trash holds at most 500 boards."
    (found,) = holders(answer, [MAIL, narrow], 3)
    assert shown(found) == TRASH.text, "from the first sentence that is said to the last"


def test_an_answer_of_which_a_large_part_stands_nowhere_teaches_to_make_things_up() -> None:
    answer = "Mail rules run every 5 minutes. Bananas grow in warm countries with much rain."
    assert holders(answer, [TRASH, MAIL, BADGES], 3) == []


def test_no_more_passages_are_taken_than_a_prompt_shows() -> None:
    answer = (
        "Deleted boards stay in the trash for 30 days. Mail rules run every 5 minutes. "
        "Visitors wear a green badge."
    )
    assert holders(answer, [BADGES, MAIL, TRASH], 1) == []
    assert len(holders(answer, [BADGES, MAIL, TRASH], 3)) == 3


def test_nothing_stands_in_no_passages() -> None:
    assert holders("Mail rules run every 5 minutes. And so on, it seems.", [], 3) == []
