from __future__ import annotations

from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read
from groundtone.documents.markdown import read as read_markdown

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


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "hostile",
    ["[" * 100_000, "# " + "[" * 100_000, ">" * 100_000, "`" * 50_000, "<!-- " * 20_000,
     "- " * 20_000, "*a " * 30_000, "|" * 50_000 + "\n" + "|-" * 50_000, "\n" * 200_000 + "x"],
    ids=["brackets", "heading", "quotes", "ticks", "comments", "lists", "stars", "pipes", "blank"],
)  # fmt: skip
def test_hostile_input_takes_no_time(parse, hostile: str) -> None:
    parse(hostile)


def head(document: Document) -> str | None:
    block = next(block for block in document.blocks if block.kind == "table")
    return document.text[slice(*block.header)] if block.header else None


def test_tables_know_their_header(parse) -> None:
    assert head(parse("| a | b |\n|---|---|\n| 1 | 2 |\n")) == "| a | b |\n|---|---|"
    assert head(parse("| a | b |\n|---|---|\n")) is None
    rows = "<table><tr><th>a</th></tr>\n<tr><td>1</td></tr></table>\n"
    assert head(parse(rows)) == "<table><tr><th>a</th></tr>"
    assert head(parse("<table><tr><td>a</td></tr>\n<tr><td>1</td></tr></table>\n")) is None


def test_front_matter_is_metadata(parse) -> None:
    yaml = "title: Manual\nDate: 2024-03-09\ntags: [a, b]\nnested: {deep: [1, .nan]}"
    document = parse(f"---\n{yaml}\n---\n\ntext\n")
    assert document.metadata == {
        "title": "Manual",
        "date": "2024-03-09",
        "tags": ["a", "b"],
        "nested": {"deep": [1, "nan"]},
    }
    toml = parse('+++\ntitle = "Manual"\ndate = 2024-03-09\n[extra]\nkey = 1\n+++\n\ntext\n')
    assert toml.metadata == {"title": "Manual", "date": "2024-03-09", "extra": {"key": 1}}


@pytest.mark.parametrize(
    "front",
    [
        "title: Manual\nbad: {{ template }}: x",
        "title: Manual\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "title: Manual\nwho: !!python/object:os.system x",
        "title: Manual\ndeep: " + "[" * 3_000,
        "title: Manual\nwhen: 9999-99-99",
    ],
)
def test_front_matter_that_is_no_plain_yaml_gives_its_title(parse, front: str) -> None:
    document = parse(f"---\n{front}\n---\n\ntext\n")
    assert document.metadata == {"title": "Manual"}


def test_headings_as_tags(parse) -> None:
    document = parse('<h1 align="center">The <b>Crane</b> &amp; I</h1>\n\ntext\n')
    assert document.blocks[0].headings == ("The Crane & I",)
    assert document.blocks[0].level == 1


def test_what_is_indented_under_an_admonition_is_text(parse) -> None:
    content = '!!! note "Ropes"\n\n    Take care.\n\n    - a\n\n        code\n\nafter\n\n    code\n'
    assert cuts(parse(content)) == [
        ("paragraph", '!!! note "Ropes"'),
        ("paragraph", "Take care."),
        ("list", "- a\n\n        code"),
        ("paragraph", "after"),
        ("code", "    code"),
    ]


def test_directives_with_colons(parse) -> None:
    assert cuts(parse(":::tip\nUse gloves.\n:::\n\n:::\n")) == [
        ("paragraph", ":::tip\nUse gloves.\n:::")
    ]


def test_imports_of_mdx_are_no_text(parse) -> None:
    module = "import A from 'a'\nexport const b = {\n  c: 1\n}"
    content = f"{module}\n\n{{/* hidden */}}\n\n<A>\n\nseen\n\n</A>\n"
    assert cuts(read_markdown(Path("page.mdx"), content.encode())) == [("paragraph", "seen")]
    assert cuts(parse("import duties rose\n"))[0] == ("paragraph", "import duties rose")
