"""What a sentence says: figures, their signs and marks."""

from __future__ import annotations

import pytest
from tests.answering.scripted import passage
from tests.small_embedder import SmallEmbedder

from groundtone.answering.checking import check
from groundtone.answering.evidence import Evidence
from groundtone.answering.overlap import support
from groundtone.answering.wording import figures, wording
from groundtone.settings import Answering

EMBED = SmallEmbedder().embed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It holds 1,500 boards.", {"1500"}),
        ("12,34,567 Rupees, 1,234.5 Euro", {"1234567", "1234.5"}),
        ("1,5 bar und 1.234,56 Euro", {"1.5", "1234.56"}),
        ("at -18 °C, (−5) or minus 20", {"-18", "-5", "-20"}),
        ("2019-2021, 5 - 10, 5 -10, 5%-10%, EC2-7", {"2019", "2021", "5", "10", "2", "7"}),
        ("12 ± 3, 12 +/-3", {"12", "3"}),
        ("version 4.2.1-3", {"4.2.1", "3"}),
        ("", set()),
    ],
)  # fmt: skip
def test_figures_keep_their_sign_and_their_decimals(text: str, found: set[str]) -> None:
    assert figures(text) == found
    assert wording(text).numbers == found


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("Der Reifendruck beträgt 1,5 bar.", "Der Reifendruck beträgt 15 bar."),
        ("Le réservoir contient 2,5 Go.", "Le réservoir contient 25 Go."),
        ("The freezer must stay at 18 °C.", "The freezer must stay at -18 °C."),
        ("The freezer must stay at -18 °C.", "The freezer must stay at 18 °C."),
    ],
)
def test_a_figure_ten_times_too_large_or_turned_around_never_stays(said: str, source: str) -> None:
    strict = Answering(check="strict")
    right = check(source, Evidence([passage(source)], EMBED), strict)
    wrong = check(said, Evidence([passage(source)], EMBED), strict)
    assert [one.supported for one in right.verdicts] == [True]
    assert [one.supported for one in wrong.verdicts] == [False]
    assert support(said, [source]) < 0.5 < support(source, [source])


def test_a_comma_and_a_point_before_decimals_are_one_figure() -> None:
    source = "The pressure of the tyre is 1,5 bar."
    said = "The pressure of the tyre is 1.5 bar."
    found = check(said, Evidence([passage(source)], EMBED), Answering(check="strict"))
    assert [one.supported for one in found.verdicts] == [True]
