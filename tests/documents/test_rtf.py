from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read
from groundtone.errors import UnreadableFile

STYLES = (
    rb"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 Kapitel;}{\s2 heading 2;}{\s3 Title;}"
    rb"{\s4 toc 1;}{\s5 HTML Preformatted;}{\*\cs10 Strong;}}"
)
SAMPLE = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fnil\fcharset2 "
    rb"Symbol;}}" + STYLES + rb"{\info{\author Ann}{\creatim\yr2024}}{\header\pard Page 1\par}"
    rb"\pard\plain\s1 1 Cranes\par\pard\plain The blue crane lifts four tons.\par"
    rb"\pard\plain\s2 1.1 Ropes\par\pard\plain Ropes last nine years.\par"
    rb"{\listtext\pard\plain\f1\'b7\tab}\pard\ls1\ilvl0 inspect daily\par"
    rb"\trowd\cellx1000\cellx2000\pard\intbl part\cell made of\cell\row"
    rb"\trowd\cellx1000\cellx2000\pard\intbl rope\cell steel\cell\row}"
)
Taking = Callable[[bytes], Document]


class TestRtfContract(ReaderContract):
    suffix = ".rtf"
    markers = (b"{\\rtf1", b"{\\rtf1\\trowd\\cellx9", b"{\\rtf1\\u", b"{\\rtf1{\\*", SAMPLE)

    def write(self, path: Path) -> None:
        path.write_bytes(SAMPLE)


@pytest.fixture
def take(tmp_path: Path) -> Taking:
    def take(body: bytes) -> Document:
        path = tmp_path / "file.rtf"
        path.write_bytes(rb"{\rtf1\ansi " + body + b"}")
        document = read(path)
        check_document(document)
        return document

    return take


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def test_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "sample.rtf"
    path.write_bytes(SAMPLE)
    document = read(path)
    assert document.title == "1 Cranes"
    assert document.media_type == "application/rtf"
    assert document.metadata == {"author": "Ann"}
    assert cuts(document) == [
        ("heading", "1 Cranes"),
        ("paragraph", "The blue crane lifts four tons."),
        ("heading", "1.1 Ropes"),
        ("paragraph", "Ropes last nine years."),
        ("list", "- inspect daily"),
        ("table", "part | made of\nrope | steel"),
    ]
    assert document.blocks[2].headings == ("1 Cranes", "1.1 Ropes")
    start, end = document.blocks[-1].header or (0, 0)
    assert document.text[start:end] == "part | made of"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"K\'e4se \'80 5", "Käse € 5"),
        (rb"\ansicpg1251 \'d1\'e8\'ed\'e8\'e9", "Синий"),
        (rb"{\fonttbl{\f4\fcharset204 A;}}\f4 \'d1\'e8\'ed\'e8\'e9", "Синий"),
        (rb"{\fonttbl{\f4\fcharset128 A;}}{\f4 \'93\'fa\'96\'7b} x", "日本 x"),
        (rb"{\fonttbl{\f4\fcharset128 A;}}{\f4 \'83A\'83C}", "アイ"),
        (rb"\u1057?\u1080?", "Си"),
        (rb"\uc2\u8364\'80\'80\uc0\u8364 .", "€€."),
        (rb"\u-10179?\u-8704?", "\U0001f600"),
        (rb"\u-10179? alone", "\ufffd alone"),
        (rb"{\uc1\u960 ?}r{\upr{pi}{\*\ud{\u960 ?}}}", "πrπ"),
        (rb"a\~b\_c\-d\{e\}\\", "a\u00a0b‑cd{e}\\"),
        (rb"\ldblquote x\rdblquote\emdash y\bullet", "“x”—y•"),
        (b"one\r\ntwo", "onetwo"),
        (rb"one\line two\tab three", "one\ntwo\tthree"),
        (rb"\unknownword12 x{\*\unknown y}z", "xz"),
        (rb"{\pict\wmetafile8 0102ff}x{\object{\*\objdata 0105}{\result shown}}", "xshown"),
        (rb"{\field{\*\fldinst HYPERLINK http://192.0.2.1/}{\fldrslt here}}", "here"),
        (rb"{\v secret}seen {\deleted gone}", "seen"),
        (b"x\\bin5 {{}}}y", "xy"),
        (rb"{\shp{\*\shpinst{\sp{\sn a}{\sv 1}}{\shptxt boxed}}{\shprslt boxed}}", "boxed"),
        ("Gr\xf6\xdfe".encode("cp1252"), "Größe"),
        (b"x}y{\\b", "xy"),
    ],
)
def test_characters(take: Taking, body: bytes, text: str) -> None:
    assert take(body).text == text


def test_headings_by_outline_level_and_name_and_the_title(take: Taking) -> None:
    document = take(
        STYLES + rb"\pard\s3 The Manual\par\pard\s4 Cranes 1\par\pard\s1 Cranes\par\pard x\par"
        rb"\pard\outlinelevel2 Deep\par\pard\s1\outlinelevel9 no heading\par{\pard\s2 Ropes\par}"
    )
    assert document.title == "The Manual"
    levels = [block.level for block in document.blocks]
    assert levels == [1, 1, None, 3, None, 2]
    assert "Cranes 1" not in document.text  # the table of contents


def test_short_lines_in_bold_are_headings_where_no_style_marks_any(take: Taking) -> None:
    body = rb"{\b Cranes}\par The blue crane.\par{\b All of this is said.}\par x\par{\b End}\par"
    assert [kind for kind, _ in cuts(take(body))] == ["heading", *["paragraph"] * 4]
    styled = take(STYLES + rb"\pard\s1 Top\par\pard " + body)
    assert [kind for kind, _ in cuts(styled)].count("heading") == 1


def test_lists_keep_their_numbers_and_depth(take: Taking) -> None:
    document = take(
        rb"\pard{\listtext 1.\tab}First\par\pard\ilvl1{\listtext a)\tab}inner\par"
        rb"\pard{\pntext\f1\'b7\tab}dot\par\pard\bullet  typed\par\pard after\par"
    )
    assert cuts(document) == [
        ("list", "1. First\n  a) inner\n- dot\n- typed"),
        ("paragraph", "after"),
    ]


def test_tables_with_merged_cells_and_marked_header_rows(take: Taking) -> None:
    document = take(
        rb"\trowd\trhdr\cellx1000\cellx3000\intbl crane\cell lifts\cell\row"
        rb"\trowd\trhdr\cellx1000\cellx2000\cellx3000\intbl\cell min\cell max\cell\row"
        rb"\trowd\clvmgf\cellx1000\cellx2000\cellx3000\intbl blue\par one\cell 1\cell 4\cell\row"
        rb"\trowd\clvmrg\cellx1000\cellx2000\cellx3000\intbl\cell 2\cell 5\cell\row"
        rb"\pard\par\pard Below.\par"
    )
    assert cuts(document) == [
        ("table", "crane | lifts\n | min | max\nblue one | 1 | 4\n | 2 | 5"),
        ("paragraph", "Below."),
    ]
    start, end = document.blocks[0].header or (0, 0)
    assert document.text[start:end].count("\n") == 1


def test_a_frame_of_one_cell_is_no_table(take: Taking) -> None:
    assert cuts(take(rb"\trowd\cellx900\intbl Only words.\cell\row\pard x\par")) == [
        ("paragraph", "Only words."),
        ("paragraph", "x"),
    ]


def test_footnotes_follow_their_paragraph_and_code_stays_together(take: Taking) -> None:
    document = take(
        STYLES + rb"\pard Four tons{\footnote\pard\plain Metric\par ones.}. Yes.\par"
        rb"\pard\s5 if x:\par\pard\s5 \tab  go()\par\pard End.\par"
    )
    assert cuts(document) == [
        ("paragraph", "Four tons. Yes."),
        ("paragraph", "Metric ones."),
        ("code", "if x:\ngo()"),
        ("paragraph", "End."),
    ]


def test_the_file_says_its_title(take: Taking) -> None:
    document = take(rb"{\info{\title Krane \'fcberall}{\doccomm short}{\operator Eve}}x")
    assert document.title == "Krane überall"
    assert document.metadata == {"title": "Krane überall", "description": "short"}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "body",
    [
        b"{" * 100_000,
        rb"\u65?" * 100_000,
        rb"\trowd\cellx1" * 20_000,
        rb"\cell" * 50_000,
        rb"{\*\x" * 1_000,
        rb"\bin99999999999 x",
        rb"\cellx-2147483648\trowd" * 1_000,
    ],
)
def test_monstrous_files_take_seconds_at_most(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "file.rtf"
    path.write_bytes(rb"{\rtf1 words\par " + body)
    started = time.perf_counter()
    try:
        check_document(read(path))
    except UnreadableFile as error:
        assert "nested" in error.reason or "groups" in error.reason
    assert time.perf_counter() - started < 30
