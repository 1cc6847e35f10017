from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from groundtone.advice.prices import Hardware, load_prices
from groundtone.errors import SettingsError

OURS = load_prices()
OWN = """
[[price]]
provider = "openai"
model = "gpt-4.1"
input = 1
output = 2.5
hosting_per_hour = 1.70
source = "our contract"
date = 2026-01-31

[hardware]
watts = 65
per_kwh = 0.30
"""


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("openai:gpt-4.1", "gpt-4.1"),
        ("openai:gpt-4.1-mini-2025-04-14", "gpt-4.1-mini"),
        ("https://api.mistral.ai/v1#mistral-small-latest", "mistral-small-latest"),
        ("ft:gpt-4.1-mini-2025-04-14:acme:style:1a2b", "ft:gpt-4.1-mini"),
        ("ft:openai:gpt-4.1-mini-2025-04-14:style:1a2b", "ft:gpt-4.1-mini"),
        ("openai:ft:gpt-4o-mini-2024-07-18:acme::1a2b", "ft:gpt-4o-mini"),
    ],
)
def test_a_model_is_found_by_each_of_its_names(name: str, entry: str) -> None:
    found = OURS.find(name)
    assert found is not None
    assert found.model == entry


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "gguf:a.gguf", "gpt-4.1-large", ""])
def test_what_is_not_known_has_no_price(name: str) -> None:
    assert OURS.find(name) is None


def test_every_price_of_ours_has_a_source_and_a_day() -> None:
    assert len(OURS.models) >= 10
    for price in OURS.models.values():
        assert price.source.startswith("https://")
        assert datetime.date(2025, 1, 1) <= price.date
        assert price.cached_input is None or price.cached_input <= price.input


def test_an_entry_grows_old() -> None:
    price = OURS.models["gpt-4.1"]
    assert not price.stale(price.date + datetime.timedelta(days=180))
    assert price.stale(price.date + datetime.timedelta(days=181))
    assert price.stale(price.date + datetime.timedelta(days=31), days=30)


def test_the_workspace_wins_entry_by_entry(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(OWN, "utf-8")
    prices = load_prices(tmp_path)
    own = prices.models["gpt-4.1"]
    assert (own.input, own.output, own.source) == (Decimal(1), Decimal("2.5"), "our contract")
    assert own.hosting_per_hour == Decimal("1.70")
    assert own.cached_input is None
    assert prices.models["gpt-4.1-mini"] == OURS.models["gpt-4.1-mini"]
    assert prices.hardware == Hardware(watts=Decimal(65), per_kwh=Decimal("0.30"))
    assert load_prices(tmp_path / "nothing") == OURS


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[price]", "not valid TOML"),
        ("[prices]", "prices is not known"),
        ("price = 3", "no list of tables"),
        (OWN.replace("input", "imput"), "price 1: imput"),
        (OWN.replace('source = "our contract"\n', ""), "price 1: source is missing"),
        (OWN.replace("2026-01-31", '"last year"'), "price 1: date is no date"),
        (OWN.replace("input = 1", "input = -1"), "price 1: input is not a number of 0 or more"),
        (OWN.replace("input = 1", 'input = "1"'), "price 1: input is no number"),
        (OWN.replace("input = 1", "input = nan"), "price 1: input is not a number of 0 or more"),
        (OWN.replace("watts", "wats"), "hardware.wats is not one of"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "prices.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=fault) as raised:
        load_prices(tmp_path)
    assert "prices.toml" in str(raised.value)


def test_an_hour_of_your_own_machine() -> None:
    d = Decimal
    assert Hardware().hour() is None
    assert Hardware(watts=d(65)).hour() is None, "watts alone are no money"
    assert Hardware(watts=d(65), per_kwh=d("0.30")).hour() == d("0.01950")
    bought = Hardware(price=d(1752), lifetime_hours=d(26280), watts=d(100), per_kwh=d("0.25"))
    assert bought.hour() == pytest.approx(d("0.0916666666"), abs=d("1e-9"))
    assert Hardware(per_hour=d("2.10"), watts=d(65), per_kwh=d(1)).hour() == d("2.10")


def test_the_documented_file_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "costs.md").read_text("utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "prices.toml").write_text(text, "utf-8")
    prices = load_prices(tmp_path)
    assert prices.models["ft:gpt-4.1-mini"].hosting_per_hour == Decimal("0.10")
    assert prices.hardware.hour() == Decimal("0.0195")
