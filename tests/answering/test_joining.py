"""What is said together has to stand together in some place of the passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.answering.checking import check
from groundtone.answering.evidence import Evidence
from groundtone.answering.joining import joined
from groundtone.settings import Answering

PASSAGES = [
    """# Plans

The Basic plan costs 5 euros a month. It includes e-mail support and 3 seats.

The Pro plan costs 9 euros a month. It includes phone support and 20 seats.

The Team plan includes:

- a contact person
- 100 seats
""",
    "Pump A is serviced by Ada Lark. Pump B is serviced by Bo Quist.",
    "Deleted boards are kept for 90 days. Invoices are kept for 10 years.",
]
TOGETHER = [
    "The Pro plan includes 20 seats.",
    "The Team plan includes 100 seats.",
    "The Pro plan costs 9 euros and includes phone support.",
    "The Basic plan costs 5 euros, and the Pro plan costs 9 euros a month.",
    "Pump A is serviced by Ada Lark.",
]
APART = [
    "The Pro plan includes 100 seats.",
    "The Basic plan includes 100 seats.",
    "The Basic plan services Pump B, while the Pro plan does not.",
    "Pump A is serviced by 90 days a month.",
    "The Team plan is kept for 10 years.",
]


@pytest.mark.parametrize("sentence", TOGETHER)
def test_a_paragraph_says_together_what_its_sentences_say_of_it(sentence: str) -> None:
    assert joined(sentence, Evidence(PASSAGES))
    assert check(sentence, Evidence(PASSAGES), Answering()).kept


@pytest.mark.parametrize("sentence", APART)
def test_what_is_joined_from_two_places_does_not_stand(sentence: str) -> None:
    assert not joined(sentence, Evidence(PASSAGES))
    assert not check(sentence, Evidence(PASSAGES), Answering()).kept


def test_the_mode_mark_keeps_it_without_a_citation_and_off_as_it_was_written() -> None:
    sentence = "The Basic plan services Pump B, while the Pro plan does not."
    [(_, marked)] = check(sentence, Evidence(PASSAGES), Answering(check="mark")).kept
    assert marked is None
    [(_, kept)] = check(sentence, Evidence(PASSAGES), Answering(check="off")).kept
    assert kept is not None


def test_a_figure_stands_with_its_unit_alone() -> None:
    assert check("The Pro plan costs 9 euros.", Evidence(PASSAGES), Answering()).kept
    assert not check("The Pro plan costs 9 months.", Evidence(PASSAGES), Answering()).kept


def test_what_goes_on_from_something_reaches_as_far() -> None:
    held = "How long is the Garden lamp kept?\n\nFor 9 days.\n\nHall lamp\nPrice: 7 euros\n"
    assert joined("The Garden lamp is kept for 9 days.", Evidence([held]))
    assert joined("The Hall lamp has a price of 7 euros.", Evidence([held]))


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=3))
def test_no_text_breaks_it_and_what_is_quoted_is_together(said: str, held: list[str]) -> None:
    evidence = Evidence(held)
    joined(said, evidence)
    for unit in evidence.units:
        assert joined(evidence.unit_text(unit), evidence)
