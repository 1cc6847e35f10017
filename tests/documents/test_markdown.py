from __future__ import annotations

from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read

SAMPLE = """\
# 1 Cranes

The blue crane lifts four tons.

## 1.1 Ropes

Ropes last nine years.

- inspect daily
- oil weekly

| part | made of |
| --- | --- |
| rope | steel |
"""


class TestMarkdownContract(ReaderContract):
    suffix = ".md"
    markers = (b"---\n", b"# ", b"| a |\n|---|\n", b"```\n", b"<!-- ")

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)


@pytest.fixture
def parse(tmp_path: Path):
    def parse(content: str | bytes, name: str = "page.md") -> Document:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        document = read(path)
        check_document(document)
        return document

    return parse


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_kinds_and_exact_slices(parse) -> None:
    document = parse(SAMPLE + "\n```sh\nlift --tons 4\n```\n\n    indented\n\n> quoted\n")
    assert document.text.startswith(SAMPLE)
    assert cuts(document) == [
        ("heading", "# 1 Cranes"),
        ("paragraph", "The blue crane lifts four tons."),
        ("heading", "## 1.1 Ropes"),
        ("paragraph", "Ropes last nine years."),
        ("list", "- inspect daily\n- oil weekly"),
        ("table", "| part | made of |\n| --- | --- |\n| rope | steel |"),
        ("code", "```sh\nlift --tons 4\n```"),
        ("code", "    indented"),
        ("paragraph", "> quoted"),
    ]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("## Plain ##", "Plain"),
        ("## Ropes {#ropes}", "Ropes"),
        ("## Ropes {#ropes .wide}", "Ropes"),
        ('## Key Pairs<a name="pairs"></a>', "Key Pairs"),
        ("## The `lift` command\\.", "The lift command."),
        ("## **Bold** and *soft*", "Bold and soft"),
        ("## See [the guide](guide.md)", "See the guide"),
        ("## A &amp; B", "A & B"),
        ('## {{% heading "whatsnext" %}}', "whatsnext"),
        ("Underlined\n----------", "Underlined"),
        ("## 2.1 Reset a password", "2.1 Reset a password"),
        ("## snake_case_name", "snake_case_name"),
    ],
)
def test_heading_titles_have_no_marks(parse, line: str, title: str) -> None:
    document = parse(f"{line}\n\ntext\n")
    assert document.blocks[0].headings == (title,)
    assert cuts(document)[0] == ("heading", line)


def test_heading_path_follows_levels(parse) -> None:
    document = parse("# A\n\n### B\n\nb\n\n## C\n\nc\n\n# D\n\nd\n")
    bodies = [block.headings for block in document.blocks if block.kind == "paragraph"]
    assert bodies == [("A", "B"), ("A", "C"), ("D",)]


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: Crane Manual", "Crane Manual"),
        ('title: "Crane: a \\"Manual\\""', 'Crane: a "Manual"'),
        ("title: 'The crane''s manual'", "The crane's manual"),
        ("weight: 4", "First"),
    ],
)
def test_front_matter_gives_the_title_and_is_no_block(parse, front: str, title: str) -> None:
    document = parse(f"---\n{front}\nother: 1\n---\n\n# First\n\ntext\n")
    assert document.title == title
    assert cuts(document) == [("heading", "# First"), ("paragraph", "text")]


def test_front_matter_that_never_closes_is_text(parse) -> None:
    assert any("title: lost" in cut for _, cut in cuts(parse("---\ntitle: lost\n\ntext\n")))


def test_title_falls_back_to_the_file_name(parse) -> None:
    assert parse("only text\n", "crane-guide.md").title == "crane-guide"


def test_comments_and_rules_are_no_blocks(parse) -> None:
    document = parse("<!-- hidden\n\nstill hidden -->\n\nseen\n\n---\n\n<a name='x'></a>\n")
    assert cuts(document) == [("paragraph", "seen")]


def test_text_beside_a_comment_is_kept(parse) -> None:
    assert cuts(parse("<!-- hidden --> seen\n")) == [("paragraph", "<!-- hidden --> seen")]


def test_an_unclosed_comment_hides_nothing(parse) -> None:
    document = parse("before\n\n<!-- open\n\nafter\n")
    assert "after" in cuts(document)[-1][1]
    assert document.notes


def test_link_definitions_and_html_are_not_lost(parse) -> None:
    document = parse("text\n\n[note]: important\n\n<div>inside</div>\n")
    assert [cut for _, cut in cuts(document)] == ["text", "[note]: important", "<div>inside</div>"]


def test_carriage_returns_alone_end_lines(parse) -> None:
    assert cuts(parse(b"# A\r\rone\r\n\r\ntwo\n")) == [
        ("heading", "# A"),
        ("paragraph", "one"),
        ("paragraph", "two"),
    ]


def test_front_matter_alone_is_a_document_with_a_note(parse) -> None:
    document = parse("---\ntitle: Section\n---\n")
    assert document.title == "Section"
    assert document.blocks == ()
    assert document.notes


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "hostile",
    ["[" * 100_000, "# " + "[" * 100_000, ">" * 100_000, "`" * 50_000, "<!-- " * 20_000,
     "- " * 20_000, "*a " * 30_000, "|" * 50_000 + "\n" + "|-" * 50_000, "\n" * 200_000 + "x"],
    ids=["brackets", "heading", "quotes", "ticks", "comments", "lists", "stars", "pipes", "blank"],
)  # fmt: skip
def test_hostile_input_takes_no_time(parse, hostile: str) -> None:
    parse(hostile)
