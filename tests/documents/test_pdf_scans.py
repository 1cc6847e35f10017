from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from contracts.reader import check_document
from documents.made_pdfs import draw, write_lines
from groundtone.documents import ocr, read
from groundtone.documents.pdf_pages import page_png
from groundtone.errors import UnreadableFile

SENTENCES = ["The blue crane lifts four tons.", "Ropes last nine years in dry air."]


def picture(canvas: Canvas) -> None:
    from PIL import Image

    canvas.drawImage(ImageReader(Image.new("RGB", (40, 40), "red")), 100, 300, 300, 300)


def text(canvas: Canvas) -> None:
    write_lines(canvas, ["A page with letters."])


def scan(tmp_path: Path, *lines: str) -> Callable[[Canvas], None]:
    """A page that is a picture of lines."""

    def lettered(canvas: Canvas) -> None:
        write_lines(canvas, lines, size=20)

    pixels = page_png(draw(tmp_path / "lettered.pdf", lettered), 1, scale=2)
    return lambda canvas: canvas.drawImage(ImageReader(io.BytesIO(pixels)), 0, 0, 595, 842)


def without_letters(tmp_path: Path) -> Path:
    """A file whose font does not say which letters its shapes are."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))

    def page(canvas: Canvas) -> None:
        canvas.setFont("Vera", 12)
        canvas.drawString(72, 700, "àéîõüçñåøæ ßþðýÿ ÀÉÎÕÜÇÑ ÅØÆ")

    path = draw(tmp_path / "shapes.pdf", page, pageCompression=0)
    data = path.read_bytes()
    assert b"/ToUnicode" in data
    path.write_bytes(data.replace(b"/ToUnicode", b"/ToNothing"))
    return path


def test_scanned_pages_are_noted_and_scanned_files_refused_with_the_remedy(tmp_path: Path) -> None:
    document = read(draw(tmp_path / "mixed.pdf", text, picture, picture, text, picture))
    (note,) = document.notes
    assert note.startswith("pages 2-3, 5 have no text layer")
    assert "groundtone[ocr]" in note
    with pytest.raises(UnreadableFile, match=r"no text layer.*groundtone\[ocr\]"):
        read(draw(tmp_path / "scan.pdf", picture))


def test_a_stamp_does_not_make_a_scan_readable(tmp_path: Path) -> None:
    full = scan(tmp_path, *SENTENCES)

    def stamped(canvas: Canvas) -> None:
        full(canvas)
        write_lines(canvas, ["COPY 17"], y=30)

    document = read(draw(tmp_path / "stamped.pdf", text, stamped))
    assert "COPY 17" in document.text
    assert document.notes[0].startswith("page 2 has no text layer")


def test_lines_and_boxes_alone_are_no_scan(tmp_path: Path) -> None:
    def ruled(canvas: Canvas) -> None:
        canvas.rect(100, 100, 300, 500)

    assert read(draw(tmp_path / "ruled.pdf", text, ruled)).notes == ()


def test_letters_without_meaning_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="fonts do not say which letters"):
        read(without_letters(tmp_path))


class Engine:
    """Stands in for an OCR engine: reads the same words on every page."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages = 0
        monkeypatch.setattr(ocr, "engine", lambda: "rapidocr")
        monkeypatch.setattr(ocr, "recognise", self.recognise)

    def recognise(self, pixels: object) -> list[ocr.Recognised]:
        self.pages += 1
        shape = getattr(pixels, "shape", ())
        assert len(shape) == 3 and shape[2] == 3 and shape[1] > 1500
        return [ocr.Recognised("read from the picture", (278, 278, 1111, 320))]


def test_scans_go_to_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(monkeypatch)
    document = read(draw(tmp_path / "mixed.pdf", text, picture))
    check_document(document)
    assert engine.pages == 1
    assert document.notes == ("page 2 read by OCR (rapidocr)",)
    (block,) = (block for block in document.blocks if block.page == 2)
    assert document.text[block.start : block.end] == "read from the picture"
    assert block.box == pytest.approx((100, 100, 400, 115.2), abs=0.5)


def test_unreadable_letters_go_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Engine(monkeypatch)
    assert read(without_letters(tmp_path)).text == "read from the picture"


def test_the_time_for_ocr_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(monkeypatch)
    monkeypatch.setenv("GROUNDTONE_OCR_SECONDS", "-1")
    document = read(draw(tmp_path / "mixed.pdf", text, picture, picture))
    assert engine.pages == 0
    assert document.notes == ("pages 2-3 not read: the time for OCR was spent",)


def test_an_engine_that_fails_costs_only_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(pixels: object) -> list[ocr.Recognised]:
        raise RuntimeError("tesseract failed: no language data")

    Engine(monkeypatch)
    monkeypatch.setattr(ocr, "recognise", fails)
    document = read(draw(tmp_path / "mixed.pdf", text, picture))
    assert document.notes == ("page 2 not read: tesseract failed: no language data",)


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTONE_OCR", "off")
    assert ocr.engine() is None
    with pytest.raises(RuntimeError, match=r"groundtone\[ocr\]"):
        ocr.recognise(None)


@pytest.mark.slow
def test_a_picture_of_words_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTONE_OCR", "on")
    if ocr.engine() is None:
        pytest.skip(f"no OCR engine: {ocr.REMEDY}")
    document = read(draw(tmp_path / "scanned.pdf", scan(tmp_path, *SENTENCES)))
    assert document.text == " ".join(SENTENCES)
    assert document.notes == (f"page 1 read by OCR ({ocr.engine()})",)
    box = document.blocks[0].box
    assert box is not None
    assert box[:2] == pytest.approx((72, 126), abs=12)


def test_tesseract_is_used_where_it_is_all_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        "level\tleft\ttop\twidth\theight\tconf\ttext",
        "4\t0\t0\t900\t60\t-1\t",
        "5\t278\t278\t300\t42\t96.5\tread",
        "5\t600\t278\t300\t42\t91\ttoo",
        "5\t910\t278\t30\t42\t12\t~%",
    ]
    (tmp_path / "answer.tsv").write_text("\n".join(rows) + "\n")
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\ncat > /dev/null\ncat '{tmp_path}/answer.tsv'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("GROUNDTONE_OCR", "on")
    monkeypatch.setattr(ocr, "_models", lambda: None)
    document = read(draw(tmp_path / "scan.pdf", picture))
    assert document.text == "read too"
    assert document.notes == ("page 1 read by OCR (tesseract)",)
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(UnreadableFile, match="OCR failed: tesseract failed"):
        read(tmp_path / "scan.pdf")
