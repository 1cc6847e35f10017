"""How often and how long, in words that make sense."""

from __future__ import annotations

import re

import pytest
from tests.advice.test_situations import ARMS, DESK, told

from groundtone.advice import paces
from groundtone.advice.bill import Assumptions, draw_up
from groundtone.advice.knowing import Evidence, shown
from groundtone.advice.prices import load_prices
from groundtone.advice.questions import OFTEN


@pytest.mark.parametrize("often", [name for name, rate in OFTEN.items() if rate])
def test_no_pace_is_told_in_numbers_that_cannot_be(often: str) -> None:
    assumed = Assumptions(changes=OFTEN[often], price_as="gpt-4.1-mini", training_tokens=420_000)
    advice = told({**DESK, "changes": often}, bill=draw_up(ARMS, assumed, load_prices()))
    text = str(advice.to_json())
    (again,) = [one for one in advice.expectations if "again" in one.what]
    assert not re.search(r"every 0|after [01] days|\b1 days|every 1\.0", f"{text} {again}")
    for share in re.findall(r"([\d.]+)% of the documents", f"{text} {again}"):
        assert float(share) <= 100


def test_a_document_that_changes_every_week() -> None:
    assert paces.change(4.35) == "Documents change about 4.3 times a month each"
    assert shown(Evidence("changes", 4.35, "said", "your answer")) == "about 4.3 times a month"
    assert (
        shown(Evidence("changes", 0.05, "said", "your answer")) == "5.0% of the documents a month"
    )


@pytest.mark.parametrize(
    ("months", "after", "every"),
    [
        (2.0, "after 61 days", "every 2.0 months"),
        (1.0, "after 30 days", "every month"),
        (0.5, "after 15 days", "every 15 days"),
        (0.035, "after 1 day", "every day"),
        (0.023, "within a day", "more than once a day"),
    ],
)
def test_months_in_words(months: float, after: str, every: str) -> None:
    assert (paces.after(months), paces.every(months)) == (after, every)
