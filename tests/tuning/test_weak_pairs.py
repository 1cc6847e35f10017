from __future__ import annotations

from groundtone.catalog.records import StoredChunk
from groundtone.tuning.weak_pairs import Source, weak_pairs

TEXT = """# Blue engines

The blue engine pulls the heavy train over every hill.

A sprocket is a wheel that moves a chain. It is a part of this.
"""


def source(path: str, text: str = TEXT) -> Source:
    cut = text.rindex("\n\n") + 2
    chunk = StoredChunk(
        0, 0, len(text), ("Blue engines",), "", None, None, "Blue engines\n",
        ((16, cut), (cut, len(text))),
    )  # fmt: skip
    return Source(path, f"v-{path}", text, [chunk])


def test_a_document_gives_a_heading_an_opening_and_a_definition() -> None:
    pairs = {pair.kind: pair for pair in weak_pairs([source("a.md")], each=10)}
    assert pairs["heading"].text == "Blue engines" and not pairs["heading"].hidden
    assert pairs["opening"].text == "The blue engine pulls the heavy train over every hill."
    assert pairs["opening"].hidden == {("v-a.md", 0, 0)}  # not where the sentence itself stands
    assert pairs["definition"].text == "What is sprocket?"
    assert all(pair.document == "a.md" for pair in pairs.values())


def test_what_two_documents_say_asks_for_neither() -> None:
    other = TEXT.replace("sprocket", "gearbox")
    pairs = weak_pairs([source("a.md"), source("b.md", other)], each=10)
    assert {(pair.kind, pair.text) for pair in pairs} == {
        ("definition", "What is sprocket?"),
        ("definition", "What is gearbox?"),
    }


def test_a_draw_is_bounded_and_the_same_for_a_seed() -> None:
    sources = [
        source(
            f"{n}.md",
            TEXT.replace("blue", f"blue{n}")
            .replace("Blue", f"Blue{n} steam")
            .replace("sprocket", f"sprocket{n}"),
        )
        for n in range(20)
    ]
    first = weak_pairs(sources, each=5, seed=1)
    assert first == weak_pairs(sources[::-1], each=5, seed=1)
    assert first != weak_pairs(sources, each=5, seed=2)
    assert all(sum(pair.kind == kind for pair in first) <= 5 for kind in ("opening", "definition"))
