"""Citations as annotations: their order, and the addresses that they open."""

from __future__ import annotations

from dataclasses import replace

from tests.answering.scripted import passage

from groundtone.answering.answer import Answer, Citation
from groundtone.server.citing import url_annotations


def cited(number: int, start: int, document: str) -> Citation:
    return Citation(
        marker=f"[{number}]", sentence=f"S{start}.", document=document, title="Guide", section="",
        page=None, box=None, start=start, end=start + 4, quote="word", score=0.9, passage=number,
    )  # fmt: skip


def addresses(*citations: Citation, base: str = "http://localhost:8000/") -> list[str]:
    shown = {one.passage: one.document for one in citations}
    passages = [
        replace(passage("word", title="Guide"), rank=rank, version=f"v{rank}", document=document)
        for rank, document in shown.items()
    ]
    text = " ".join(one.sentence for one in citations)
    answer = Answer("q", text, text, False, (), citations, (), "", passages=tuple(passages))
    return [one["url_citation"]["url"] for one in url_annotations(answer, base)]


def test_the_first_of_each_passage_comes_in_the_order_of_the_numbers() -> None:
    found = addresses(
        cited(1, 0, "a.md"), cited(1, 10, "a.md"), cited(2, 20, "b.md"), cited(1, 30, "a.md")
    )
    assert found == [
        "http://localhost:8000/source/v1?at=0-4",
        "http://localhost:8000/source/v2?at=20-24",
        "http://localhost:8000/source/v1?at=10-14",
        "http://localhost:8000/source/v1?at=30-34",
    ]


def test_a_web_page_is_opened_where_it_is() -> None:
    assert addresses(cited(1, 0, "https://example.com/a")) == ["https://example.com/a"]


def test_links_begin_with_the_address_that_people_use() -> None:
    assert addresses(cited(1, 0, "a.md"), base="https://docs.example.com") == [
        "https://docs.example.com/source/v1?at=0-4"
    ]
