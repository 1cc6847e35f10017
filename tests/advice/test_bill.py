"""The bill by hand: two arms at OpenAI's prices, and on a machine of one's own."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from groundtone.advice.bill import HERE, Arm, Assumptions, draw_up
from groundtone.advice.chart import month_by_volume
from groundtone.advice.prices import Hardware, Price, Prices
from groundtone.advice.report import shift_rows

D = Decimal
TODAY = datetime.date.today()
PRICES = Prices(
    {
        "small": Price("p", "small", D("0.40"), D("1.60"), "s", TODAY, D("0.10")),
        "ft:small": Price(
            "p", "ft:small", D("0.80"), D("3.20"), "s", TODAY, D("0.20"), D("5.00"), D("0.10")
        ),
    }
)
FEW_SHOT = Arm("few-shot+rag", "any", 2500, 100, 2.0, 0.60)
RAG = Arm("rag", "any", 1200, 150, 1.5, 0.50)
BOTH = Arm("both", "any", 1150, 60, 1.2, 0.75)
ASSUMED = Assumptions(
    volume=10_000, price_as="small", training_tokens=420_000, data=D(400), changes=0.05
)


def test_a_provider_is_paid_by_tokens() -> None:
    bill = draw_up([FEW_SHOT, RAG, BOTH], ASSUMED, PRICES)
    few, rag, both = bill.lines
    assert few.query == D("0.00116")
    assert rag.query == D("0.00072")
    assert both.query == D("0.001112"), "a tuned model has its own prices"
    assert rag.thousand == D("0.72")
    assert rag.month == D("7.20")
    assert both.monthly == D("73.0"), "730 hours of hosting"
    assert both.month == D("84.12")
    assert rag.passing == D("0.00144")
    assert (bill.training, bill.setup) == (D("2.10"), D("402.10"))
    assert bill.retraining is not None
    assert bill.retraining.monthly == D("21.05")


def test_break_even_counts_hosting_by_the_month() -> None:
    bill = draw_up([FEW_SHOT, RAG, BOTH], ASSUMED, PRICES)
    few, rag = bill.break_even
    assert (few.without, few.with_) == ("few-shot+rag", "both")
    assert few.answers == pytest.approx(D("402.10") / D("0.000048"))
    assert few.months is None, "hosting eats what is saved"
    assert rag.answers is None, "the tuned answers cost more than the untuned: never"
    many = draw_up([FEW_SHOT, BOTH], replace(ASSUMED, volume=10_000_000), PRICES).break_even[0]
    assert many.months == pytest.approx(D("402.10") / (D(480) - D(73)))


def test_facts_of_which_none_may_be_out_of_date_are_never_learnt_for_good() -> None:
    tuned = replace(BOTH, name="tuned")
    many = replace(ASSUMED, volume=10_000_000)
    fine = draw_up([FEW_SHOT, tuned], replace(many, changes=None), PRICES)
    assert fine.lines[1].monthly == D("73.0")
    assert draw_up([replace(RAG, prompt_tokens=5000), tuned], many, PRICES).break_even[0].months
    bill = draw_up([replace(RAG, prompt_tokens=5000), tuned], replace(many, tolerated=0), PRICES)
    rag, learnt = bill.lines
    assert (learnt.monthly, learnt.month) == (None, None)
    assert rag.month is not None
    (pair,) = bill.break_even
    assert (pair.with_, pair.months, pair.counted) == ("tuned", None, True)
    assert "tuned" not in month_by_volume(bill)


def test_no_question_a_month_is_a_number_of_questions() -> None:
    bill = draw_up([RAG, BOTH], replace(ASSUMED, volume=0), PRICES)
    assert [line.month for line in bill.lines] == [D(0), D("73.0")]
    assert bill.shifts[0].months["both"] == D("73.0")
    assert shift_rows(bill)[0][0] == "a month"
    assert not [note for note in bill.notes if "--volume" in note]


def test_caching_takes_from_prompts_only() -> None:
    bill = draw_up([RAG], replace(ASSUMED, cached=0.5), PRICES)
    assert bill.lines[0].query == D("0.00054")


def test_a_machine_of_your_own_is_paid_by_time() -> None:
    own = Prices({}, Hardware(watts=D(65), per_kwh=D("0.30")))
    bill = draw_up([RAG, BOTH], Assumptions(volume=1000, training_seconds=7200), own)
    assert [line.priced_as for line in bill.lines] == [HERE, HERE]
    assert bill.lines[0].query == D("1.5") * D("0.0195") / 3600
    assert bill.training == D("0.039")
    assert bill.data is None
    told = [shift.what for shift in bill.shifts]
    assert "ten times the questions" in told
    assert "prompts twice as long" not in told, "the time measured is of prompts as they are"
    assert bill.break_even[0].answers == pytest.approx(D(2400 * 10), rel=D("1e-9"))


def test_what_cannot_be_priced_says_what_would_price_it() -> None:
    bill = draw_up([RAG], Assumptions(), Prices())
    assert bill.lines[0].query is None
    assert bill.setup is None
    assert not bill.break_even
    assert any("[hardware]" in note for note in bill.notes)
    assert any("--volume" in note for note in bill.notes)
    unknown = draw_up([RAG], Assumptions(price_as="gpt-9"), Prices())
    assert any("gpt-9" in note for note in unknown.notes)


def test_old_prices_are_flagged() -> None:
    old = replace(PRICES.models["small"], date=TODAY - datetime.timedelta(days=181))
    bill = draw_up([RAG], ASSUMED, Prices({"small": old}))
    assert bill.lines[0].stale
    assert any("look it up again" in note for note in bill.notes)


def test_what_moves_the_costs() -> None:
    bill = draw_up([FEW_SHOT, RAG, BOTH], ASSUMED, PRICES)
    shifts = {shift.what: shift for shift in bill.shifts}
    assert shifts["as it is"].months["rag"] == D("7.20")
    assert shifts["ten times the questions"].months["rag"] == D("72.0")
    assert shifts["prompts twice as long"].months["rag"] == D("12.0")
    assert shifts["answers at twice the price"].months["rag"] == D("14.40")
    assert shifts["answers at twice the price"].months["both"] == D("95.24"), "hosting stays"
    assert shifts["50% of each prompt cached"].months["rag"] == D("5.40")
    first = bill.break_even[0].answers
    assert first is not None
    assert shifts["examples at twice the price"].answers == pytest.approx(
        first * D("802.10") / D("402.10")
    )
    assert len(bill.shifts) == 10
