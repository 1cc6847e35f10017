from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document
from groundtone.documents.restructured import read

SAMPLE = """\
1 Cranes
========

The blue crane lifts four tons.

1.1 Ropes
---------

Ropes last nine years.

* inspect daily
* oil weekly

====  =======
part  made of
====  =======
rope  steel
====  =======
"""


class TestRstContract(ReaderContract):
    suffix = ".rst"
    markers = (
        b"a\n=\n",
        b".. note::\n\n   ",
        b"* ",
        b"+--+\n|",
        b"== ==\n",
        b":a: ",
        b"a::\n\n  b",
    )

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)


def parse(content: str) -> Document:
    document = read(Path("page.rst"), content.encode())
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
        ("heading", "1 Cranes\n========"),
        ("paragraph", "The blue crane lifts four tons."),
        ("heading", "1.1 Ropes\n---------"),
        ("paragraph", "Ropes last nine years."),
        ("list", "* inspect daily\n* oil weekly"),
        ("table", SAMPLE[SAMPLE.index("====  =") :].strip()),
    ]
    assert head(SAMPLE) == "====  =======\npart  made of\n====  ======="


def test_levels_come_in_the_order_of_their_adornments() -> None:
    content = "===\nTop\n===\n\na\n\nPart\n====\n\nb\n\nPiece\n~~~~~\n\nc\n\nOther\n=====\n\nd\n"
    document = parse(content)
    assert [block.level for block in document.blocks if block.level] == [1, 2, 3, 2]
    assert document.title == "Top"
    assert document.blocks[-1].headings == ("Top", "Other")


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("The :ref:`big crane <crane>`", "The big crane"),
        ("Use ``lift`` and **pull**", "Use lift and pull"),
        ("See `the guide <https://example.org>`_", "See the guide"),
        ("snake_case_name", "snake_case_name"),
    ],
)
def test_titles_have_no_marks(line: str, title: str) -> None:
    assert parse(f"{line}\n{'=' * len(line)}\n\ntext\n").title == title


def test_literal_blocks_and_doctests_are_code() -> None:
    assert cuts("Do this::\n\n    lift\n\n      --tons\n\n::\n\n    pull\n\n>>> 1 + 1\n2\n") == [
        ("paragraph", "Do this::"),
        ("code", "    lift\n\n      --tons"),
        ("code", "    pull"),
        ("code", ">>> 1 + 1\n2"),
    ]


def test_lists_of_all_sorts() -> None:
    content = (
        "1. one\n\n   more\n2. two\n\n#. three\n\nterm\n   meaning\n\n-o FILE  output\n--all  all\n"
    )
    assert cuts(content) == [
        ("list", "1. one\n\n   more\n2. two\n\n#. three"),
        ("list", "term\n   meaning"),
        ("list", "-o FILE  output\n--all  all"),
    ]
    assert cuts("A. Smith was here\nand left.\n") == [("paragraph", "A. Smith was here\nand left.")]


def test_bodies_of_directives_are_text() -> None:
    content = """\
.. note:: Take care
   of ropes.

   * a
   * b

.. warning::

   Stand back.

   Really.

.. py:function:: lift(tons)

   Lifts.

   .. code-block:: python
      :linenos:

      lift(4)

.. figure:: crane.png
   :alt: a blue crane

   The caption.
"""
    assert cuts(content) == [
        ("paragraph", ".. note:: Take care\n   of ropes."),
        ("list", "* a\n   * b"),
        ("paragraph", ".. warning::\n\n   Stand back."),
        ("paragraph", "Really."),
        ("paragraph", ".. py:function:: lift(tons)"),
        ("paragraph", "Lifts."),
        ("code", "      lift(4)"),
        ("paragraph", "a blue crane"),
        ("paragraph", "The caption."),
    ]


def test_tables_know_their_headers() -> None:
    grid = "+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n"
    assert head(grid) == "+---+---+\n| a | b |\n+===+===+"
    rows = ".. list-table:: Ropes\n   :header-rows: 1\n\n   * - a\n     - b\n   * - 1\n     - 2\n"
    assert head(rows) == "   * - a\n     - b"
    assert cuts(rows)[0] == ("paragraph", "Ropes")
    assert head(".. csv-table::\n   :header: a, b\n\n   1, 2\n") == "a, b"
    assert head(".. csv-table::\n   :header-rows: 1\n\n   a, b\n   1, 2\n") == "   a, b"
    assert head("== ==\na  b\n== ==\n") is None


def test_what_is_no_text_is_no_block() -> None:
    content = """\
.. _target:

.. a comment
   goes on

.. |name| replace:: other

.. toctree::
   :maxdepth: 2

   one
   two

__ https://example.org

----

.. [1] A footnote.
"""
    assert cuts(content) == [("paragraph", ".. [1] A footnote.")]


def test_other_files_are_not_included() -> None:
    document = parse("text\n\n.. include:: /etc/passwd\n\n.. literalinclude:: x.py\n")
    assert len(document.blocks) == 1
    assert document.notes == (
        "include of another file is not followed",
        "literalinclude of another file is not followed",
    )


def test_fields_at_the_top_are_metadata() -> None:
    document = parse(":orphan:\n\nTitle\n=====\n\n:Author: Ann\n:Date: 2024-01-02\n\ntext\n")
    assert document.metadata == {"author": "Ann", "date": "2024-01-02"}
    assert [block.kind for block in document.blocks] == ["heading", "list", "paragraph"]


def test_windows_line_ends_and_tabs() -> None:
    content = "Title\r\n=====\r\n\r\nCode::\r\n\r\n\tlift\r\n"
    document = read(Path("page.rst"), content.encode())
    assert [document.text[b.start : b.end] for b in document.blocks] == [
        "Title\r\n=====",
        "Code::",
        "\tlift",
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "hostile",
    ["".join(" " * n + "x\n\n" for n in range(300)) * 10, "== ==\na\n\n" * 20_000, "* " * 50_000,
     ":a" * 50_000, "`" * 100_000 + "\n=====\n", ".. " * 50_000, "a\n=\n" * 20_000,
     ".. note::\n\n   .. note::\n\n      " + "x\n\n      " * 20_000, "+-" * 50_000,
     "a::\n\n b\n" * 20_000],
    ids=["deep", "tables", "bullets", "fields", "ticks", "dots", "titles", "notes", "grid", "code"],
)  # fmt: skip
def test_hostile_input_takes_no_time(hostile: str) -> None:
    parse(hostile)


LINES = st.sampled_from(
    ["", "", "text here", "Title", "=====", "-----", "* item", "  more", "    deep", "1. one", "::",
     "so::", ".. note::", ".. note:: x", ".. code-block:: c", "   :opt: v", ".. _t:", ".. comment",
     "+--+--+", "| a| b|", "+==+==+", "== ==", "a  b", ":field: v", "-o  opt", ">>> 1", "term",
     ".. list-table::", "   * - a", "     - b", "   :header-rows: 1", "\tx", "| line", "__ x"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=25).map("\n".join))
def test_spans_hold_for_any_order_of_lines(content: str) -> None:
    document = parse(content)
    kept = "".join(document.text[block.start : block.end] for block in document.blocks)
    if ".." not in content and "::" not in content:
        assert kept.count("text here") == content.count("text here")


@given(st.text(alphabet="ab =-~*+|:.`_\n\t1", max_size=200))
def test_any_text_is_read(content: str) -> None:
    parse(content)
