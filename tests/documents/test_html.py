from __future__ import annotations

from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read
from groundtone.errors import UnreadableFile

BODY = """
<h1>1 Cranes</h1><p>The blue crane lifts four tons.</p>
<h2>1.1 Ropes</h2><p>Ropes last nine years.</p>
<ul><li>inspect daily</li><li>oil weekly<ul><li>with care</li></ul></li></ul>
<table><tr><th>part</th><th>made of</th></tr><tr><td>rope</td><td>steel</td></tr></table>
"""


class TestHtmlContract(ReaderContract):
    suffix = ".html"
    markers = (b"<!DOCTYPE html><body>", b"<table><tr><td>", b"<ul><li>", b"<!--", b"<pre>")

    def write(self, path: Path) -> None:
        path.write_text(f"<html><head><title>Manual</title></head><body>{BODY}</body></html>")


@pytest.fixture
def parse(tmp_path: Path):
    def parse(content: str | bytes, name: str = "page.html") -> Document:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        document = read(path)
        check_document(document)
        return document

    return parse


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_kinds_lists_and_tables(parse) -> None:
    assert cuts(parse(BODY + "<pre>lift\n  --tons 4</pre>")) == [
        ("heading", "1 Cranes"),
        ("paragraph", "The blue crane lifts four tons."),
        ("heading", "1.1 Ropes"),
        ("paragraph", "Ropes last nine years."),
        ("list", "- inspect daily\n- oil weekly\n  - with care"),
        ("table", "part | made of\nrope | steel"),
        ("code", "lift\n  --tons 4"),
    ]


def test_the_canonical_text_has_blank_lines_between_blocks(parse) -> None:
    assert parse("<p>one<p>two").text == "one\n\ntwo"


@pytest.mark.parametrize(
    "noise",
    [
        "<nav><a href='/'>noise</a></nav>",
        "<header><p>noise</p></header>",
        "<footer>noise</footer>",
        "<div class='cookie-banner'><p>noise</p></div>",
        "<div id='cookie-consent'>noise</div>",
        "<div class='navheader'><table><tr><th>noise</th><td>b</td></tr></table></div>",
        "<div role='navigation'>noise</div>",
        "<div class='sidebar-left'>noise</div>",
        "<p hidden>noise</p>",
        "<p style='color: red; display:none'>noise</p>",
        "<table><tr><td class='linenos'><pre>1 noise</pre></td></tr></table>",
        "<div id='sidebar'><h3>Recent</h3>noise</div>",
        "<div class='bd-sidebar-primary'>noise</div>",
        "<div class='site-footer'>noise</div>",
        "<a class='viewcode-link'>noise</a>",
        "<script>noise()</script>",
        "<style>noise {}</style>",
        "<noscript>noise</noscript>",
        "<svg><text>noise</text></svg>",
        "<!-- noise -->",
        "<h2>Heading<a class='headerlink' href='#h'>noise</a></h2>",
        "<button>noise</button>",
        "<div class='toc'><a href='#a'>noise</a></div>",
    ],
)
def test_what_is_not_content_is_left_out(parse, noise: str) -> None:
    document = parse(f"<body>{noise}{BODY}{noise}</body>")
    assert "noise" not in document.text
    assert "steel" in document.text


@pytest.mark.parametrize(
    "content",
    [
        "<div id='share-locks'><h2>Share locks</h2><p>kept</p></div>",
        "<div class='sect2' id='SQL-FOR-SHARE'><p>kept</p></div>",
        "<section id='pagination'><h2>Pagination</h2><p>kept</p></section>",
        "<h2 id='cookies'>kept</h2>",
        "<p id='create-menu'>kept</p>",
        "<article><header><p>kept</p></header></article>",
        "<aside class='note'>kept</aside>",
        "<form><p>kept</p></form>",
        "<custom-tag><div>kept</div></custom-tag>",
        "<details><summary>More</summary>kept</details>",
        "<center>kept</center>",
        "kept",
    ],
)
def test_content_that_looks_like_noise_is_kept(parse, content: str) -> None:
    assert "kept" in parse(f"<body><main>{BODY}{content}</main></body>").text


def test_the_main_element_wins_when_it_holds_the_text(parse) -> None:
    assert "outside" not in parse(f"<div>outside</div><main>{BODY}</main>").text
    assert "outside" in parse(f"<div>outside {BODY}</div><main>tiny</main>").text


def test_a_page_of_nothing_but_navigation_is_still_read(parse) -> None:
    assert "Chapter one" in parse("<nav><ul><li>Chapter one</li></ul></nav>").text


def test_headings_of_note_boxes_open_no_section(parse) -> None:
    document = parse(
        "<h2>9.4 Strings</h2><div class='note'><h3>Note</h3><p>careful</p></div><p>after</p>"
    )
    assert {block.headings for block in document.blocks} == {("9.4 Strings",)}


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (
            "<table><tr><th><h3>plan</h3><th><h3>price</h3><tr><td>team<td>20</table>",
            "plan | price\nteam | 20",
        ),
        (
            "<table><tr><th>part<th>prices<tr><td>rope<td><table><tr><td>EU<td>7<tr><td>US<td>8"
            "</table></table>",
            "part | prices\nrope | EU 7 US 8",
        ),
    ],
)
def test_a_table_that_names_its_columns_is_one_whatever_stands_in_its_cells(
    parse, content: str, table: str
) -> None:
    document = parse(content)
    assert cuts(document) == [("table", table)]
    assert document.blocks[0].header == (0, table.index("\n"))


def test_a_table_around_a_whole_page_is_no_table(parse) -> None:
    long = "<tr><td>The blue crane lifts four tons.<td>" + "and on " * 50
    frame = "<table><tr><th>menu<td><table>{}</table></table>"
    for inside in (long, "<tr><th>part<th>made of<tr><td>rope<td>steel"):
        assert cuts(parse(frame.format(inside)))[0] == ("paragraph", "menu")
    page = "<table><tr><th><h1>Cranes</h1><td>old site<tr><td>one<td>two</table>"
    assert cuts(parse(page))[0] == ("heading", "Cranes")


def test_layout_tables_are_ordinary_content(parse) -> None:
    document = parse("<table><tr><td><h2>Title</h2><p>one</p></td><td><p>two</p></td></tr></table>")
    assert cuts(document) == [("heading", "Title"), ("paragraph", "one"), ("paragraph", "two")]


def test_readings_above_characters_do_not_cut_words_apart(parse) -> None:
    assert parse("<p><ruby>漢<rp>(<rt>かん<rp>)</rp>字<rt>じ</ruby>の本</p>").text == "漢字の本"


def test_merged_cells_are_said_once_and_columns_stay_aligned(parse) -> None:
    document = parse(
        "<table><tr><th rowspan=2>kind</th><th colspan=2>tons</th></tr>"
        "<tr><th>min</th><th>max</th></tr><tr><td>blue</td><td>1</td><td>4</td></tr></table>"
    )
    assert document.text == "kind | tons\n | min | max\nblue | 1 | 4"


@pytest.mark.parametrize(
    ("head", "header"),
    [
        ("<tr><th>part</th><th>made of</th></tr>", "part | made of"),
        ("<thead><tr><td>part</td><td>made of</td></tr></thead>", "part | made of"),
        (
            "<tr><th colspan=2>Cranes</th></tr><tr><th>part</th><th>made of</th></tr>",
            "Cranes\npart | made of",
        ),
        ("<tr><td>part</td><td>made of</td></tr>", None),
    ],
)
def test_the_header_of_a_table_is_known(parse, head: str, header: str | None) -> None:
    document = parse(f"<table>{head}<tr><th>rope</th><td>steel</td></tr></table>")
    [block] = document.blocks
    assert header == (document.text[slice(*block.header)] if block.header else None)


def test_what_a_page_says_about_itself(parse) -> None:
    document = parse(
        "<html lang=en><meta name=description content='All about\n cranes'>"
        "<meta property='article:published_time' content='2024-05-03'>"
        "<meta name=Author content='Ann Lee'><p>text"
    )
    assert document.metadata == {
        "description": "All about cranes",
        "date": "2024-05-03",
        "author": "Ann Lee",
        "language": "en",
    }


def test_xhtml_closes_empty_elements_at_once(parse) -> None:
    page = (
        "<?xml version='1.0' encoding='iso-8859-1'?><html xmlns='http://www.w3.org/1999/xhtml'>"
        "<head><title/><script src='a.js'/></head><body><a id='top'/><p>Kr\u00e4ne<br/>heben</p>"
        "</body></html>"
    )
    assert parse(page.encode("iso-8859-1")).text == "Kr\u00e4ne\nheben"


def test_definition_lists_keep_term_and_meaning_together(parse) -> None:
    document = parse(
        "<dl><dt>rope</dt><dt>cable</dt><dd><p>holds</p><pre>a\nb</pre></dd><dt>hook</dt><dd>bends</dd></dl>"
    )
    assert cuts(document) == [
        ("list", "rope\ncable\n  holds\n  a\n  b"),
        ("list", "hook\n  bends"),
    ]


def test_ordered_lists_are_numbered(parse) -> None:
    assert parse("<ol><li>open<li><p>press</p><p>wait</p></ol>").text == "1. open\n2. press\n  wait"


def test_code_keeps_its_indentation_and_ends_with_its_last_sign(parse) -> None:
    assert cuts(parse("<pre>\n  lift\n    slowly  \n \n</pre>after")) == [
        ("code", "  lift\n    slowly"),
        ("paragraph", "after"),
    ]


def test_line_breaks(parse) -> None:
    assert cuts(parse("one<br>two<br><br>three")) == [
        ("paragraph", "one\ntwo"),
        ("paragraph", "three"),
    ]


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>Site: Page</title><h1>Page</h1><p>x", "Page"),
        ("<title>The\n Page</title><h1>One</h1><h1>Two</h1><p>x", "The Page"),
        ("<h2>First</h2><p>x", "First"),
        ("<p>x", "page"),
    ],
)
def test_title(parse, page: str, title: str) -> None:
    assert parse(page).title == title


def test_declared_encodings(parse) -> None:
    text = "<meta charset='iso-8859-2'><p>Żółw i źdźbło</p>"
    document = parse(text.encode("iso-8859-2"))
    assert document.text == "Żółw i źdźbło"
    assert parse("<p>Grüße</p>".encode("utf-16")).text == "Grüße"


@pytest.mark.timeout(60)
def test_hostile_pages_take_no_time(parse) -> None:
    wide = "<table>" + "<tr><td colspan=9999 rowspan=9999>a" * 2000 + "</table>"
    assert len(parse(wide).text) < 3_000_000
    for page in ("<ul><li>" * 3000 + "x", "<span>" * 3000 + "x", "<br>" * 50_000 + "x"):
        assert parse(page).text.strip(" -").endswith("x")
    with pytest.raises(UnreadableFile, match="nested too deeply"):
        parse("<div>" * 50_000 + "x")
