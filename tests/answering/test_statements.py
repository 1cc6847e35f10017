"""Passages as sentences and rows, and figures that stand in a row's own column."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answering.scripted import passage
from tests.small_embedder import SmallEmbedder

from groundtone.answering import gate
from groundtone.answering.checking import check
from groundtone.answering.evidence import Evidence
from groundtone.answering.statements import cells, statements
from groundtone.answering.support import score
from groundtone.embedding import open_embedder
from groundtone.settings import Answering

HOTELS = """Travel

City | Hotel limit per night | Daily allowance
Paris | 180 EUR | 60 EUR
Lyon | 140 EUR | 50 EUR

Book early. Keep the bill."""
MARKDOWN = """| Plan | First response |
| --- | --- |
| Basic | next business day |
| Plus | 4 hours |
| Premium | 30 minutes |"""
TICKETS = 'ticket,opened,priority\nT-1003,2025-03-21,low\nT-1004,2025-03-22,"high, urgent"'


def read(text: str, document: str = "") -> list[tuple[str, str]]:
    return [(text[one.start : one.end], one.header) for one in statements(text, document)]


def test_rows_are_statements_with_their_header_and_prose_stays_sentences() -> None:
    header = "City | Hotel limit per night | Daily allowance"
    assert read(HOTELS) == [
        ("Travel", ""),
        ("Paris | 180 EUR | 60 EUR", header),
        ("Lyon | 140 EUR | 50 EUR", header),
        ("Book early.", ""),
        ("Keep the bill.", ""),
    ]
    assert [row for row, _ in read(MARKDOWN)] == MARKDOWN.split("\n")[2:]


def test_separated_values_are_rows_by_the_files_name() -> None:
    assert [row for row, _ in read(TICKETS, "a/tickets.CSV")] == TICKETS.split("\n")[1:]
    assert len(read(TICKETS, "tickets.txt")) == 1
    assert cells('T-1004,2025-03-22,"high, urgent"') == ["T-1004", "2025-03-22", "high, urgent"]
    assert cells("| a | b |") == ["a", "b"]
    assert cells("a\rb,c") == ["a\rb,c"]
    assert len(cells("a" * 200_000)) == 1


def test_rows_without_a_header_are_all_statements() -> None:
    assert read("Paris | 180\nLyon | 140") == [("Paris | 180", ""), ("Lyon | 140", "")]
    assert read("a | b") == [("a | b", "")]


@given(st.text(st.sampled_from("ab1 |\n\r-,.#`\"'é"), max_size=80), st.sampled_from(["", "x.csv"]))
def test_statements_are_in_order_and_cover_words(text: str, document: str) -> None:
    found = list(statements(text, document))
    at = 0
    for one in found:
        assert at <= one.start < one.end <= len(text)
        at = one.end
    assert all(text[one.start : one.end].strip() for one in found)
    evidence = Evidence([replace(passage(text), document=document)])
    assert all(evidence.spoken(unit).strip() for unit in evidence.units)
    check("a costs 1", evidence, Answering(support_below=0.0))


@pytest.mark.parametrize(
    ("text", "document", "said", "stands"),
    [
        (HOTELS, "a.docx", "The hotel limit per night in Paris is 180 EUR.", True),
        (HOTELS, "a.docx", "The hotel limit per night in Paris is 140 EUR.", False),
        (HOTELS, "a.docx", "The daily allowance in Lyon is 50 EUR.", True),
        (HOTELS, "a.docx", "The daily allowance in Lyon is 140 EUR.", False),
        (MARKDOWN, "a.md", "The first response of the Plus plan is 4 hours.", True),
        (MARKDOWN, "a.md", "The first response of the Basic plan is 30 minutes.", False),
        (TICKETS, "a.csv", "Ticket T-1004 was opened on 2025-03-22.", True),
        (TICKETS, "a.csv", "Ticket T-1004 was opened on 2025-03-21.", False),
    ],
)
def test_a_figure_of_another_row_or_column_does_not_stand(
    text: str, document: str, said: str, stands: bool
) -> None:
    shown = replace(passage(text), document=document)
    evidence = Evidence([shown], SmallEmbedder().embed)
    assert check(said, evidence, Answering(support_below=0.0)).verdicts[0].supported is stands


def test_what_stands_in_a_row_answers_a_question(minilm: object) -> None:
    embed = open_embedder("all-minilm-l6-v2").embed
    rows = Evidence([replace(passage(MARKDOWN, title="Service levels"), document="a.md")], embed)
    [plus] = [unit for unit in rows.units if "4 hours" in rows.unit_text(unit)]
    assert rows.spoken(plus) == "Plan: Plus; First response: 4 hours"
    assert rows.unit_text(plus) == "| Plus | 4 hours |"
    assert score("The first response of the Plus plan is 4 hours.", rows) > 0.8
    asked = "What is the first response of the Plus plan?"
    found = gate.evidence(asked, rows.passages, embed=embed)
    assert found > 0.2
