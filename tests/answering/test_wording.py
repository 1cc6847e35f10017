"""What a sentence says: figures, their signs and marks."""

from __future__ import annotations

import pytest
from tests.answering.scripted import passage
from tests.small_embedder import SmallEmbedder

from groundtone.answering.checking import check
from groundtone.answering.evidence import Evidence
from groundtone.answering.overlap import support
from groundtone.answering.support import score
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
        ("T-1004,2025-03-22,high", {"1004", "2025", "03", "22"}),
        ("10,20,30 and 1,234", {"10", "20", "30", "1234"}),
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


TERMS = (
    "The warranty of scanners is 24 months. Batteries are covered for 6 months. "
    "The code FRY-4292 means that the limit was exceeded. The server answers with status 429."
)


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("Batteries are covered for 6 months.", True),
        ("Batteries are covered for 24 months.", False),
        ("The server answers with status 429.", True),
        ("The server answers with status 4292.", False),
        ("The code FRY-4292 means that the limit was exceeded.", True),
        ("The code FRY 4292 means that the limit was exceeded.", True),
        ("The code FRY-429 means that the limit was exceeded.", False),
        ("The code FRY-4293 means that the limit was exceeded.", False),
    ],
)
def test_a_figure_stands_in_its_own_sentence_and_bare(said: str, stands: bool) -> None:
    found = check(said, Evidence([passage(TERMS)], EMBED), Answering(support_below=0.0))
    assert [one.supported for one in found.verdicts] == [stands]


def test_a_figure_that_one_of_two_editions_holds_stands() -> None:
    old, new = "Parental leave is 12 weeks.", "Parental leave is 16 weeks."
    evidence = Evidence([passage(old), passage(new)], EMBED)
    for said in (old, new):
        assert check(said, evidence, Answering()).verdicts[0].supported
    assert not check("Parental leave is 14 weeks.", evidence, Answering()).verdicts[0].supported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Alle Angestellten dürfen den Dienstwagen nicht privat nutzen.",
         "Alle Angestellten dürfen den Dienstwagen privat nutzen."),
        ("Les clients ne peuvent pas annuler une commande livrée.",
         "Les clients peuvent annuler une commande livrée."),
    ],
)  # fmt: skip
def test_negations_are_seen_in_other_languages(right: str, wrong: str) -> None:
    assert wording(right).negated and not wording(wrong).negated
    scores = [score(said, Evidence([right], EMBED)) for said in (right, wrong)]
    assert scores[0] > 0.5 > scores[1]


def test_a_heading_alone_states_nothing_beside_other_sentences() -> None:
    shown = passage(
        "2.1 Part\n\nParental leave is 16 weeks. Go to Settings > Leave.", title="Handbook"
    )
    evidence = Evidence([shown], EMBED)
    open_ = Answering(support_below=0.0)

    def kept(written: str) -> list[str]:
        return [sentence for sentence, _ in check(written, evidence, open_).kept]

    assert kept("Handbook > 2.1 Part\n\n2.1 Part\n\nParental leave is 16 weeks.") == [
        "Parental leave is 16 weeks."
    ]
    assert kept("2.1 Part") == ["2.1 Part"]
    assert kept("Handbook > 2.1 Part") == []
    assert kept("Go to Settings > Leave.") == ["Go to Settings > Leave."]
