"""Files made to harm: bombs, references to elsewhere, odd names. Each costs only itself."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.reader import check_reading
from groundtone.documents import read, read_all
from groundtone.errors import UnreadableFile

Making = Callable[[], bytes]


def docx() -> bytes:
    from docx import Document

    word = Document()
    word.add_paragraph("The blue crane lifts four tons.")
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


def pptx() -> bytes:
    from pptx import Presentation

    slides = Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[5])
    slide.shapes.title.text = "The blue crane lifts four tons."
    buffer = io.BytesIO()
    slides.save(buffer)
    return buffer.getvalue()


def xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["crane", "tons"])
    book.active.append(["blue", 4])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


OFFICE: dict[str, tuple[Making, str]] = {
    "docx": (docx, "word/document.xml"),
    "pptx": (pptx, "ppt/slides/slide1.xml"),
    "xlsx": (xlsx, "xl/worksheets/sheet1.xml"),
}


def changed(package: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A package with one part changed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == part else content)
    return buffer.getvalue()


def with_doctype(doctype: str, encoding: str = "utf-8") -> Callable[[bytes], bytes]:
    def change(xml: bytes) -> bytes:
        text = xml.decode("utf-8")
        body = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
        return f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{body}'.encode(encoding)

    return change


def reason(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value.reason


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 15))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("format", OFFICE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_bombs_in_office_files(tmp_path: Path, format: str, encoding: str) -> None:
    make, part = OFFICE[format]
    doctype = f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>'
    path = tmp_path / f"bomb.{format}"
    path.write_bytes(changed(make(), part, with_doctype(doctype, encoding)))
    assert "type definition" in reason(path)


@pytest.mark.parametrize("format", OFFICE)
def test_office_files_do_not_read_other_files(tmp_path: Path, format: str) -> None:
    (tmp_path / "secret.txt").write_text("secret words")
    make, part = OFFICE[format]
    doctype = f'<!DOCTYPE x [<!ENTITY s SYSTEM "file://{tmp_path}/secret.txt">]>'

    def change(xml: bytes) -> bytes:
        return with_doctype(doctype)(xml.replace(b"blue", b"&s;"))

    path = tmp_path / f"curious.{format}"
    path.write_bytes(changed(make(), part, change))
    assert "secret words" not in reason(path)


@pytest.mark.parametrize("format", OFFICE)
def test_bombs_in_office_files(tmp_path: Path, format: str) -> None:
    make, part = OFFICE[format]
    path = tmp_path / f"dense.{format}"
    path.write_bytes(changed(make(), part, lambda xml: xml + b" " * 25_000_000))
    start = time.process_time()
    assert "bomb" in reason(path)
    assert time.process_time() - start < 5


WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml."
SLIDES = b"application/vnd.openxmlformats-officedocument.presentationml."
SHEETS = b"application/vnd.openxmlformats-officedocument.spreadsheetml."


@pytest.mark.parametrize(
    ("format", "ending", "plain", "variant"),
    [
        ("docx", ".docm", WORD + b"document", b"application/vnd.ms-word.document.macroEnabled"),
        ("docx", ".dotx", WORD + b"document", WORD + b"template"),
        (
            *("pptx", ".pptm", SLIDES + b"presentation"),
            b"application/vnd.ms-powerpoint.presentation.macroEnabled",
        ),
        ("pptx", ".ppsx", SLIDES + b"presentation", SLIDES + b"slideshow"),
        ("xlsx", ".xlsm", SHEETS + b"sheet", b"application/vnd.ms-excel.sheet.macroEnabled"),
    ],
)
def test_macros_are_not_run_and_the_text_is_read(
    tmp_path: Path, format: str, ending: str, plain: bytes, variant: bytes
) -> None:
    make, _ = OFFICE[format]

    def declare(xml: bytes) -> bytes:
        assert plain + b".main+xml" in xml
        return xml.replace(plain + b".main+xml", variant + b".main+xml")

    buffer = io.BytesIO(changed(make(), "[Content_Types].xml", declare))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0 Sub AutoOpen")
    path = tmp_path / f"macros{ending}"
    path.write_bytes(buffer.getvalue())
    assert "blue" in read(path).text
    assert "AutoOpen" not in read(path).text


def test_pages_fetch_nothing(tmp_path: Path) -> None:
    # Tests cannot reach the network: whatever tried to would fail here.
    path = tmp_path / "page.html"
    path.write_text(
        "<html><head><link rel=stylesheet href='http://192.0.2.1/a.css'>"
        "<script src='http://192.0.2.1/a.js'></script><base href='http://192.0.2.1/'></head>"
        "<body><p>words</p><img src='http://192.0.2.1/a.png'><iframe src='http://192.0.2.1/'>"
        "</iframe><object data='file:///etc/passwd'></object></body></html>"
    )
    assert read(path).text == "words"


@pytest.mark.parametrize("name", ["two\nlines.md", "tab\there.txt", "bell\a.md", "a" * 200 + ".md"])
def test_odd_names_are_only_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("# Cranes\n\nwords\n")
    check_reading(read_all(path))


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX systems only")
def test_names_that_are_not_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt"))
    path.write_text("words")
    check_reading(read_all(path))


def test_a_text_beyond_the_limit_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "endless.txt"
    with path.open("wb") as file:
        file.truncate(500_000_000)
    assert "too large: 500.0 MB, limit 100.0 MB" in reason(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device files here")
def test_device_files(tmp_path: Path) -> None:
    assert "a device" in reason(Path("/dev/zero"))
    link = tmp_path / "endless.txt"
    link.symlink_to("/dev/zero")
    assert "a device" in reason(link)


def test_links_that_lead_to_themselves(tmp_path: Path) -> None:
    path = tmp_path / "loop.md"
    path.symlink_to(path)
    assert reason(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", b"[" * 50_000),
        ("b.md", b"> " * 20_000 + b"x"),
        ("c.md", b"*a_" * 30_000),
        ("d.md", b"- " * 5_000 + b"x"),
        ("e.md", b"| a " * 50_000 + b"\n" + b"|-" * 50_000),
        ("f.txt", b"\n" * 300_000 + b"x"),
        ("g.txt", b"x" * 2_000_000),
        ("h.json", b"[" * 100_000),
        ("i.json", b'{"a":' * 50_000),
        ("j.csv", b"a," * 500_000),
        ("k.csv", b'"' * 500_001),
        ("l.html", b"<a " * 100_000),
        ("m.html", b"&amp" * 100_000),
        ("n.rst", b"=" * 200_000 + b"\nx\n" + b"=" * 200_000),
        ("o.rst", b".. a::\n   " * 20_000),
        ("p.adoc", b"=" * 100_000 + b" x\n" + b"|===\n" * 20_000),
        ("q.py", b"(" * 20_000),
        ("r.py", b"def a():\n" + b" " * 200_000 + b"x = 1\n"),
    ],
)
def test_monstrous_texts_take_seconds_at_most(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    start = time.process_time()
    try:
        check_reading(read_all(path))
    except UnreadableFile as error:
        assert error.reason
    assert time.process_time() - start < 20
