"""The sentence that is quoted, and when an answer is about something else than was asked."""

from __future__ import annotations

import pytest
from tests.answering.scripted import passage

from groundtone.answering.attribution import attribute
from groundtone.answering.evidence import Evidence
from groundtone.answering.rescuing import besides, telling

TRASH = passage(
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
    "The trash holds at most 500 boards.",
    title="Boards",
)
MAIL = passage("Mail rules run every 5 minutes. Closed tickets are not changed.", title="Mail")
PLANS = passage(
    "The Basic plan costs 5 euros. It includes 3 seats.\n\n"
    "The Pro plan costs 9 euros. It includes phone support. It includes 20 seats."
)
PUMPS = passage(
    "Pump A is in hall 2. Pump B is in hall 4.\n\n"
    "Pump A is serviced by Ada. Pump B is serviced by Bo."
)


def test_the_telling_sentence_is_the_one_that_was_asked_about() -> None:
    source = telling("How many boards does the trash hold?", Evidence([MAIL, TRASH]))
    assert source is not None
    assert TRASH.text[source.start : source.end] == "The trash holds at most 500 boards."
    assert telling("Which bananas grow?", Evidence([MAIL, TRASH])) is None
    assert telling("Which bananas grow?", Evidence([])) is None


def test_a_sentence_is_quoted_with_what_it_goes_on_from() -> None:
    source = telling("How many seats does the Basic plan include?", Evidence([PLANS]))
    assert source is not None
    said = PLANS.text[source.start : source.end]
    assert said == "The Basic plan costs 5 euros. It includes 3 seats."


@pytest.mark.parametrize(
    ("question", "answer", "beside"),
    [
        ("In which hall is Pump A?", "Pump A is serviced by Ada.", True),
        ("In which hall is Pump A?", "Pump A is in hall 2.", False),
        ("In which hall is Pump A?", "In hall 2.", False),
        ("Who services Pump B?", "Bo does.", False),
        ("How many seats does the Pro plan include?", "20 seats.", False),
        ("How often do mail rules run?", "Deleted boards stay for 30 days.", True),
    ],
)
def test_an_answer_rests_on_what_was_asked(question: str, answer: str, beside: bool) -> None:
    evidence = Evidence([PUMPS, PLANS, TRASH, MAIL])
    told = telling(question, evidence)
    assert told is not None
    [rests] = attribute([answer], evidence)
    assert besides(question, told, rests.sources, evidence) == beside
