"""What a file is, told by its content whatever its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents.archives import zipped
from groundtone.documents import SUPPORTED, read, read_all
from groundtone.documents.families import FAMILIES
from groundtone.errors import UnreadableFile

PAGE = b"<!DOCTYPE html><html><body><h1>Cranes</h1><p>The blue crane.</p></body></html>"


@pytest.fixture
def pdf(tmp_path: Path) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(tmp_path / "made.pdf"))
    canvas.drawString(72, 720, "The blue crane lifts four tons.")
    canvas.save()
    return (tmp_path / "made.pdf").read_bytes()


@pytest.fixture
def docx(tmp_path: Path) -> bytes:
    from docx import Document

    word = Document()
    word.add_paragraph("The blue crane lifts four tons.")
    word.save(str(tmp_path / "made.docx"))
    return (tmp_path / "made.docx").read_bytes()


def test_every_reader_is_there() -> None:
    for family in FAMILIES:
        __import__(f"groundtone.documents.{family}")


@pytest.mark.parametrize("name", ["report.txt", "report", "report.md", "report.docx", "a.zip"])
def test_a_pdf_is_a_pdf(tmp_path: Path, pdf: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(pdf)
    assert read(tmp_path / name).media_type == "application/pdf"


@pytest.mark.parametrize("name", ["letter.zip", "letter.doc", "letter", "letter.pdf", "letter.txt"])
def test_a_word_document_is_one(tmp_path: Path, docx: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(docx)
    [part] = read_all(tmp_path / name).parts
    assert part.name == ""
    assert "wordprocessingml" in part.document.media_type


@pytest.mark.parametrize("name", ["page", "page.aspx", "page.doc", "page.pdf", "page.txt", "p.xls"])
@pytest.mark.parametrize("before", [b"", b"\n \n", b"<!-- made by hand -->\n", b"\xef\xbb\xbf"])
def test_a_web_page_is_one(tmp_path: Path, name: str, before: bytes) -> None:
    (tmp_path / name).write_bytes(before + PAGE)
    assert read(tmp_path / name).title == "Cranes"


def test_what_a_name_says_is_kept_where_content_could_be_both(tmp_path: Path) -> None:
    for name, content, media_type in (
        ("notes.md", b"From: Ann\nTo: Bob\nSubject: x\nMessage-ID: <a@b>\n\nHi", "text/markdown"),
        ("notes.txt", b"# No heading here", "text/plain"),
        ("about.txt", b"We write <html> at the top of each page.", "text/plain"),
        ("ftyp.txt", b"The ftyp box begins each file.", "text/plain"),
        ("gif.txt", b"GIF89a is how such files begin.", "text/plain"),
        ("id3.txt", b"ID3 tags name the singer.", "text/plain"),
    ):
        (tmp_path / name).write_bytes(content)
        assert read(tmp_path / name).media_type == media_type, name


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG image"),
        (b"GIF89a" + bytes(50), "a GIF image"),
        (b"II*\0" + bytes(50), "a TIFF image"),
        (b"BM" + (56).to_bytes(4, "little") + bytes(50), "a BMP image"),
        (bytes(4) + b"ftypheic" + bytes(50), "a HEIC image"),
        (b"RIFF\x10\0\0\0WAVE" + bytes(50), "a WAV sound file"),
        (b"ID3\x04" + bytes(50), "an MP3 sound file"),
        (b"\0\0\0\x18ftypmp42" + bytes(50), "an MP4 film"),
        (b"\x7fELF" + bytes(50), "a Linux program"),
        (b"MZ" + bytes(100) + b"PE\0\0" + bytes(50), "a Windows program"),
        (b"Rar!\x1a\x07\x01\0" + bytes(50), "a RAR archive; pack it as .zip"),
        (b"SQLite format 3\0" + bytes(50), "an SQLite database; export"),
        (b"!BDN" + bytes(50), "an Outlook mailbox"),
        (bytes(60) + b"BOOKMOBI" + bytes(50), "a Mobipocket or Kindle book; convert"),
        (zipped({"META-INF/MANIFEST.MF": "x", "a.class": "x"}), "a Java or Android program"),
        (zipped({"Index/Document.iwa": "x"}), "an Apple iWork document; export"),
        (zipped({"[Content_Types].xml": "x"}), "an Office file without its main part"),
        (zipped({"xl/workbook.bin": "x"}), "a binary Excel workbook"),
        (b"\x00\x01\x02\x03" * 100, "binary content"),
    ],
)
@pytest.mark.parametrize("name", ["file", "file.md", "file.pdf", "file.unheard-of"])
def test_kinds_that_are_not_read_are_named(
    tmp_path: Path, data: bytes, expected: str, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableFile) as caught:
        read_all(path)
    if expected == "binary content" and name == "file.pdf":
        expected = "is not a PDF"
    assert expected in caught.value.reason
    assert caught.value.path == str(path)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("WordDocument", "(.doc); save it as .docx"),
        ("Workbook", "(.xls); save it as .xlsx"),
        ("PowerPoint Document", "(.ppt); save it as .pptx"),
        ("EncryptedPackage", "encrypted with a password"),
    ],
)
def test_old_office_files_say_what_to_do(tmp_path: Path, stream: str, expected: str) -> None:
    path = tmp_path / "old.docx"
    path.write_bytes(OLE + stream.encode("utf-16-le"))
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert expected in caught.value.reason


def test_folders_take_the_endings_that_are_read() -> None:
    wanted = """.pdf .docx .pptx .xlsx .csv .tsv .html .md .rst .adoc .txt .eml .mbox .epub .json
    .jsonl .py .msg .rtf .zip .tar .tgz .gz .bz2 .xz"""
    assert set(wanted.split()) <= SUPPORTED
    assert not {".png", ".exe", ".doc", ""} & SUPPORTED
