from __future__ import annotations

import base64
import re
import zipfile
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser
from tests.inspection.test_understanding import guide, inspected

from groundtone.inspection.page import pieces, render

MANUAL = Path(__file__).parents[2] / "examples" / "manual"
SMALL = {"min_tokens": 32, "max_tokens": 64, "window_tokens": 48}


def test_pieces_are_the_whole_text_in_order(tmp_path: Path) -> None:
    (seen,) = inspected(guide(tmp_path, rows=60), **SMALL).documents
    found = list(pieces(seen))
    text = "\n".join("".join(run.text for run in piece.runs) for piece in found)
    assert text.split() == seen.document.text.split()
    assert [piece.seen for piece in found if piece.seen] == list(seen.chunks)
    assert "Empty" in "".join(run.text for p in found if p.seen is None for run in p.runs)


def test_windows_begin_where_they_say(tmp_path: Path) -> None:
    (seen,) = inspected(guide(tmp_path, rows=60), **SMALL).documents
    for piece in pieces(seen):
        if piece.seen is None or len(piece.seen.chunk.windows) < 2:
            continue
        begun = [number for run in piece.runs for number in run.starts]
        assert begun == list(range(1, len(piece.seen.chunk.windows) + 1))
        at = piece.seen.chunk.start
        for run in piece.runs:
            for number in run.starts:
                assert piece.seen.chunk.windows[number - 1].start == at
            at += len(run.text)


@pytest.fixture(scope="module")
def page() -> LexborHTMLParser:
    return LexborHTMLParser(render(inspected(MANUAL / "installation-guide.pdf")))


def test_each_page_of_a_pdf_is_pictured_with_its_boxes(page: LexborHTMLParser) -> None:
    images = page.css(".sheet img")
    assert len(images) == 4
    for image in images:
        kind, _, data = (image.attributes["src"] or "").partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data).startswith(b"\x89PNG")
    marks = page.css(".sheet a.mark")
    assert len(marks) > 20
    chunks = {node.attributes["id"] for node in page.css("section.chunk")}
    for mark in marks:
        assert (mark.attributes["href"] or "").removeprefix("#") in chunks
        numbers = [float(n) for n in re.findall(r": ([\d.]+)%", mark.attributes["style"] or "")]
        assert len(numbers) == 4
        assert all(0 <= number <= 100 for number in numbers)
    assert page.css(".sheet a.table")


def test_every_link_leads_somewhere_on_the_page(page: LexborHTMLParser) -> None:
    targets = {node.attributes["id"] for node in page.css("[id]")}
    links = {(node.attributes["href"] or "") for node in page.css("a")}
    assert {link for link in links if link.removeprefix("#") not in targets} == set()


def test_nothing_is_fetched_and_nothing_runs(page: LexborHTMLParser) -> None:
    html = page.html or ""
    assert "default-src 'none'" in html
    assert not page.css("script, link, iframe, object")
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)


def test_what_the_file_says_is_escaped(tmp_path: Path) -> None:
    html = render(inspected(guide(tmp_path)))
    assert "<b>daily</b>" not in html
    assert "&lt;b&gt;daily&lt;/b&gt;" in html


def test_pages_are_limited(tmp_path: Path) -> None:
    html = render(inspected(MANUAL / "installation-guide.pdf"), pages=2)
    assert html.count("<figure>") == 2
    assert "The first 2 of 4 pages are pictured." in html


def test_a_pdf_in_an_archive_is_pictured_too(tmp_path: Path) -> None:
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(MANUAL / "installation-guide.pdf", "guides/install.pdf")
        made.writestr("note.txt", "A note.")
    inspection = inspected(archive)
    assert [one.content is None for one in inspection.documents] == [False, True]
    html = render(inspection, pages=2)
    assert html.count("data:image/png;base64") == 2
