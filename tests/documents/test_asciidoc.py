from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document
from groundtone.documents.asciidoc import read

SAMPLE = """\
== 1 Cranes

The blue crane lifts four tons.

=== 1.1 Ropes

Ropes last nine years.

* inspect daily
* oil weekly

|===
|part |made of

|rope |steel
|===
"""


class TestAsciidocContract(ReaderContract):
    suffix = ".adoc"
    markers = (b"= a\n", b"|===\n", b"----\n", b"[source]\n", b"* a\n+\n", b"a:: b\n", b"====\n")

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)


def parse(content: str) -> Document:
    document = read(Path("page.adoc"), content.encode())
    assert document.text == content
    check_document(document)
    return document


def cuts(content: str) -> list[tuple[str, str]]:
    document = parse(content)
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def head(content: str) -> str | None:
    block = next(block for block in parse(content).blocks if block.kind == "table")
    return content[slice(*block.header)] if block.header else None


def test_kinds_and_exact_slices() -> None:
    assert cuts(SAMPLE) == [
        ("heading", "== 1 Cranes"),
        ("paragraph", "The blue crane lifts four tons."),
        ("heading", "=== 1.1 Ropes"),
        ("paragraph", "Ropes last nine years."),
        ("list", "* inspect daily\n* oil weekly"),
        ("table", "|part |made of\n\n|rope |steel"),
    ]
    assert head(SAMPLE) == "|part |made of"


def test_the_header_is_metadata() -> None:
    document = parse(
        "// c\n= Crane Manual\nAnn Smith <a@example.org>\nv1.2, 2024\n:keywords: ropes\n\ntext\n"
    )
    assert document.title == "Crane Manual"
    assert document.metadata == {"author": "Ann Smith", "keywords": "ropes"}
    assert [block.kind for block in document.blocks] == ["heading", "paragraph"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("== The *big* `crane`", "The big crane"),
        ("== See link:x.html[the guide]", "See the guide"),
        ("== See <<ropes,the ropes>>", "See the ropes"),
        ("== [[anchor]]Ropes ==", "Ropes"),
        ("== snake case {version}", "snake case version"),
    ],
)
def test_titles_have_no_marks(line: str, title: str) -> None:
    assert parse(f"{line}\n\ntext\n").title == title


def test_the_older_titles() -> None:
    document = parse("Manual\n======\n\nPart\n----\n\ntext\n")
    assert document.blocks[-1].headings == ("Manual", "Part")


def test_delimited_blocks() -> None:
    content = """\
.A listing
[source,python]
----
lift(4)

pull()
----

....
plain
....

[WARNING]
====
Stand back.

* a
====

____
quoted
____

////
hidden
////

```sh
lift
```

[source]
one line

 literal
"""
    assert cuts(content) == [
        ("paragraph", "A listing"),
        ("code", "lift(4)\n\npull()"),
        ("code", "plain"),
        ("paragraph", "WARNING"),
        ("paragraph", "Stand back."),
        ("list", "* a"),
        ("paragraph", "quoted"),
        ("code", "lift"),
        ("code", "one line"),
        ("code", " literal"),
    ]


def test_lists_keep_what_is_attached() -> None:
    items = "* one\nmore\n** two\n+\n----\ncode\n\nmore\n----\n\n. three"
    assert cuts(f"{items}\n\nterm:: text\n\nbare::\n\n  text\n\nend\n") == [
        ("list", items),
        ("list", "term:: text"),
        ("list", "bare::\n\n  text"),
        ("paragraph", "end"),
    ]


def test_tables_know_their_headers() -> None:
    assert head("[%header,cols=2*]\n|===\n|a\n|b\n|1\n|2\n|===\n") == "|a\n|b"
    assert head('[cols="1,2",options="header"]\n|===\n|a |b\n|1 |2\n|===\n') == "|a |b"
    assert head("|===\n|1 |2\n|3 |4\n|===\n") is None
    assert head("[options=noheader]\n|===\n|1 |2\n\n|3 |4\n|===\n") is None


def test_what_is_no_text_is_no_block() -> None:
    content = "// c\n[[a]]\n:attr: x\n\ntoc::[]\n\nifdef::x[]\nkept\nendif::[]\n\n'''\n\n<<<\n"
    assert cuts(content) == [("paragraph", "kept")]


def test_pictures_say_what_they_show_and_nothing_is_included() -> None:
    document = parse("image::crane.png[A blue crane,200]\n\ninclude::/etc/passwd[]\n")
    assert [document.text[b.start : b.end] for b in document.blocks] == ["A blue crane"]
    assert document.notes == ("include of another file is not followed",)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "hostile",
    ["----\n" * 20_001, "====\n" + "x\n" * 20_000, "= " + "a " * 50_000,
     "= a" + " " * 100_000 + "b", "[" * 100_000, "* " * 50_000, "* a\n+\n" * 20_000,
     "a::\n\n" * 20_000, "|===\n" * 20_001,
     "".join(f"{'=' * (n + 4)}\n" for n in range(500)), ":" * 100_000, "a" * 300 + ":" * 50_000],
)  # fmt: skip
def test_hostile_input_takes_no_time(hostile: str) -> None:
    parse(hostile)


LINES = st.sampled_from(
    ["", "", "text here", "= Title", "== Part", "=====", "-----", "----", "====", "* item",
     "** two", "+", "  more", "1. one", "term::", "term:: x", "[source]", "[NOTE]", ".Title",
     "|===", "|a |b", "// c", "////", "```", "____", "--", ":attr: v", "'''", "include::x[]",
     "....", "image::x[y]", "[[a]]", "NOTE: x", "<1> callout", '[cols="2*",options=header]',
     "++++", "ifdef::a[]"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=25).map("\n".join))
def test_spans_hold_for_any_order_of_lines(content: str) -> None:
    document = parse(content)
    kept = "".join(document.text[block.start : block.end] for block in document.blocks)
    if "////" not in content:
        assert kept.count("text here") == content.count("text here")


@given(st.text(alphabet="ab =-*+|:.`_[]/\n\t1", max_size=200))
def test_any_text_is_read(content: str) -> None:
    parse(content)
