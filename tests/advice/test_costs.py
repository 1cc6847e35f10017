"""The worked examples of docs/costs.md, to the cent and below."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.advice import costs
from groundtone.advice.prices import Hardware, Price, load_prices

D = Decimal
TODAY = datetime.date(2026, 11, 28)
BASE = Price("openai", "gpt-4.1-mini", D("0.40"), D("1.60"), "here", TODAY, D("0.10"))
TUNED = Price(
    "openai", "ft:gpt-4.1-mini", D("0.80"), D("3.20"), "here", TODAY, D("0.20"), D("5.00")
)


def test_a_question_by_tokens() -> None:
    assert costs.query(BASE, 1200, 150) == D("0.00072")
    assert costs.query(BASE, 1200, 150, cached_tokens=1024) == D("0.0004128")
    assert costs.query(TUNED, 250, 60) == D("0.000392")


def test_no_more_is_cached_than_was_read() -> None:
    assert costs.query(BASE, 100, 0, cached_tokens=1000) == costs.query(BASE, 100, 0, 100)


def test_without_a_discount_cached_tokens_cost_like_others() -> None:
    plain = Price("a", "b", D(1), D(2), "here", TODAY)
    assert costs.query(plain, 100, 10, 90) == costs.query(plain, 100, 10)


def test_the_price_of_a_named_model() -> None:
    assert costs.price("openai:gpt-4.1-mini", 1200, 150) == D("0.00072")
    assert costs.price("smollm2-135m-instruct", 1200, 150) is None
    assert costs.price("openai:gpt-4.1-mini", 1200, 150, prices=load_prices()) == D("0.00072")


def test_seconds_of_your_own_machine() -> None:
    hardware = Hardware(watts=D(65), per_kwh=D("0.30"))
    assert costs.machine_time(hardware, 2) == pytest.approx(D("0.0000108333"), rel=D("1e-5"))
    assert costs.machine_time(hardware, 3600) == D("0.0195")
    assert costs.machine_time(Hardware(), 2) is None


def test_training_and_data() -> None:
    assert costs.training(TUNED, 200 * 700 * 3) == D("2.10")
    assert costs.training(BASE, 420_000) is None
    assert costs.examples(200, 3, 40) == D("400")


def test_an_answer_that_passes() -> None:
    assert costs.passing(D("0.00072"), 0.60) == D("0.0012")
    assert costs.passing(D("0.00072"), 0) is None


def test_break_even() -> None:
    setup = D("2.10") + D("400")
    assert costs.break_even(setup, D("0.00072"), D("0.000392")) == pytest.approx(
        D("1225914.63"), abs=D("0.01")
    )
    assert costs.break_even(D("402.10"), D("0.002"), D("0.001")) == D("402100")
    assert costs.break_even(setup, D("0.000392"), D("0.00072")) is None
    assert costs.break_even(setup, D("0.001"), D("0.001")) is None, "nothing saved is never"


def test_break_even_in_months() -> None:
    one = costs.months_to_break_even(D("402.10"), D("0.002"), D("0.001"), 40_210)
    assert one == D(10)
    hosted = costs.months_to_break_even(D("402.10"), D("0.002"), D("0.001"), 40_210, D("20.105"))
    assert hosted == D(20)
    assert costs.months_to_break_even(D("402.10"), D("0.002"), D("0.001"), 100, D(1)) is None


def test_the_volume_that_pays_within_a_year_counts_what_is_paid_each_month() -> None:
    setup, without, with_, hosting = D("105"), D("0.008"), D("0.005"), D("73")
    volume = costs.paying_volume(setup, without, with_, 12, hosting)
    assert volume == pytest.approx(D("27250"))
    assert costs.months_to_break_even(setup, without, with_, volume, hosting) == pytest.approx(12)
    assert costs.paying_volume(setup, without, with_, 12) == pytest.approx(
        D("2916.67"), abs=D("0.01")
    )
    assert costs.paying_volume(setup, with_, without, 12) is None
    assert costs.paying_volume(setup, without, with_, 12, D(-73)) == 0, "it pays in any case"


def test_hosting_a_month() -> None:
    hosted = Price("azure", "m", D(1), D(1), "here", TODAY, hosting_per_hour=D("1.70"))
    assert costs.hosting(hosted) == D("1241.00")
    assert costs.hosting(BASE) == 0


def test_retraining_follows_the_change_of_the_facts() -> None:
    kept = costs.retraining(0.05, 0.10, D("2.10"), D("400"))
    assert kept.months == D(2)
    assert kept.monthly == D("21.05")
    assert costs.retraining(0, 0.10, D("2.10")) == costs.Retraining(None, D(0))
    assert costs.retraining(3, 0.10, D("2.10"), D("400")).monthly == pytest.approx(
        D(463), rel=D("1e-20")
    )
    assert costs.retraining(0.05, 0.10, None).monthly is None
    assert costs.retraining(0.05, 0, D("2.10"), D("400")) == costs.Retraining(D(0), None)
    assert costs.retraining(0, 0, D("2.10")) == costs.Retraining(None, D(0))


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0"),
        ("1234.567", "$1,234.57"),
        ("0.10", "$0.10"),
        ("0.05", "$0.0500"),
        ("0.0999", "$0.0999"),
        ("0.00072", "$0.000720"),
        ("-3", "−$3.00"),
    ],
)
def test_money_for_people(amount: str, shown: str) -> None:
    assert costs.usd(D(amount)) == shown


money = st.decimals(min_value=0, max_value=1000, places=6)


@given(setup=money, without=money, with_=money)
def test_at_break_even_both_have_cost_the_same(
    setup: Decimal, without: Decimal, with_: Decimal
) -> None:
    answers = costs.break_even(setup, without, with_)
    if answers is None:
        assert without <= with_
    else:
        assert setup + answers * with_ == pytest.approx(answers * without, rel=D("1e-12"))


def test_the_page_shows_what_the_formulas_give() -> None:
    page = (Path(__file__).parents[2] / "docs" / "costs.md").read_text("utf-8")
    hardware = Hardware(watts=D(65), per_kwh=D("0.30"))
    again = costs.retraining(0.05, 0.10, D("2.10"), D(400))
    hosted = Price("p", "m", D(1), D(1), "here", TODAY, hosting_per_hour=D("0.10"))
    trained, without, with_ = D("402.10"), costs.query(BASE, 1200, 150), costs.query(TUNED, 250, 60)
    answers = costs.break_even(trained, without, with_)
    seconds = costs.machine_time(hardware, 2)
    for shown in (
        f"= ${without}",
        f"= ${costs.query(BASE, 1200, 150, 1024)}",
        f"= ${hardware.hour():.4f}",
        f"= {costs.usd(seconds)}",
        f"→ ${costs.training(TUNED, 420_000):.2f}",
        f"→ ${costs.machine_time(hardware, 7200):.3f}",
        f"= ${costs.examples(200, 3, 40):.0f}",
        f"= ${costs.passing(without, 0.60):.4f}",
        f"= {answers:,.0f}",
        f"= {costs.months_to_break_even(trained, D('0.002'), D('0.001'), 40_210):.0f} |",
        f"= {costs.paying_volume(trained, D('0.002'), D('0.001'), 12, D(73)):,.0f} |",
        f"= ${costs.hosting(hosted):.2f} a month",
        f"= every {again.months:.0f} months",
        f"= ${again.monthly:.2f} a month",
    ):
        assert shown in page, shown
