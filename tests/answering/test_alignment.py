"""What stands in the place of something else is found, and what is only said otherwise is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.answering.alignment import swapped
from groundtone.answering.checking import check
from groundtone.answering.evidence import Evidence
from groundtone.settings import Answering

PASSAGES = [
    "Pump A runs at 3 bar. Pump B runs at 5 bar. Pump C runs at 7 bar.",
    "The Basic plan costs 5 euros a month. The Pro plan costs 9 euros a month, with 20 seats.",
    "Trial boards are kept for 30 days. Deleted boards are kept for 90 days.",
    "Invoices are sent by Ada Lark. Offers are sent by Bo Quist, who works in Basel.",
]
RIGHT = [
    "Pump A runs at 3 bar.",
    "Pump C runs at 7 bar.",
    "The pressure of Pump B is 5 bar.",
    "The Pro plan costs 9 euros a month.",
    "The Basic plan costs 5 euros.",
    "Each month the Pro plan costs 9 euros.",
    "The Pro plan has 20 seats.",
    "Trial boards are kept for 30 days.",
    "Ada Lark sends invoices.",
    "Offers are sent by Quist.",
    "Bo Quist works in Basel.",
]
WRONG = [
    "Pump A runs at 5 bar.",
    "Pump C runs at 5 bar.",
    "Pump B runs at seven bar.",
    "The Pro plan costs 5 euros a month.",
    "The Basic plan costs 9 euros.",
    "The Basic plan has 20 seats.",
    "Trial boards are kept for 90 days.",
    "Deleted boards are kept for 30 days.",
    "Invoices are sent by Bo Quist.",
    "Offers are sent by Ada Quist.",
]


@pytest.mark.parametrize("sentence", RIGHT)
def test_what_is_said_in_other_words_is_in_its_place(sentence: str) -> None:
    assert not swapped(sentence, Evidence(PASSAGES))
    assert check(sentence, Evidence(PASSAGES), Answering()).kept


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_anothers_never_stands(sentence: str) -> None:
    assert swapped(sentence, Evidence(PASSAGES))
    assert not check(sentence, Evidence(PASSAGES), Answering()).kept


def test_a_passage_that_says_it_is_enough() -> None:
    both = [*PASSAGES, "From May on the Pro plan costs 5 euros a month."]
    assert not swapped("The Pro plan costs 5 euros a month.", Evidence(both))


def test_a_year_may_be_cut_short() -> None:
    held = "The new name will be used from the school year 2018-2019 on."
    assert not swapped("The new name is used from the school year 2018-19 on.", Evidence([held]))
    assert swapped("The new name will be used from the school year 2016-2019 on.", Evidence([held]))


def test_what_stands_nowhere_is_no_swap_but_another_word() -> None:
    """A short form, or a stranger: how likely that is, the score says."""
    assert not swapped("Invoices are sent by ALK.", Evidence(PASSAGES))


def test_rows_of_tables_are_read_elsewhere() -> None:
    table = "| plan | price | seats |\n|---|---|---|\n| Basic | 5 | 3 |\n| Pro | 9 | 20 |\n"
    assert not swapped("The price of the Pro plan is 9, with 20 seats.", Evidence([table]))


@given(st.text(max_size=200), st.text(max_size=400))
def test_no_text_breaks_it_and_what_is_quoted_is_in_its_place(said: str, held: str) -> None:
    swapped(said, Evidence([held]))
    evidence = Evidence([held])
    for unit in evidence.units:
        assert not swapped(evidence.unit_text(unit), evidence)
