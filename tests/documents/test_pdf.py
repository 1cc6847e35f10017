from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.lib import colors, pagesizes
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read
from groundtone.errors import UnreadableFile

STYLES = getSampleStyleSheet()
NARROW = ParagraphStyle("narrow", parent=STYLES["BodyText"], fontSize=8, leading=10)


def build(path: Path, flow: list[object], **options: object) -> None:
    SimpleDocTemplate(str(path), pagesize=pagesizes.A4, invariant=1, **options).build(flow)


def draw(path: Path, *pages: Callable[[Canvas], None], **options: object) -> Path:
    canvas = Canvas(str(path), pagesize=pagesizes.A4, invariant=1, **options)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return path


def write_lines(canvas: Canvas, lines: list[str], x: float = 72, y: float = 700) -> None:
    canvas.setFont("Helvetica", 10)
    for number, line in enumerate(lines):
        canvas.drawString(x, y - 12 * number, line)


def picture(canvas: Canvas) -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    canvas.drawImage(ImageReader(Image.new("RGB", (40, 40), "red")), 100, 400, 200, 200)


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


class TestPdfContract(ReaderContract):
    suffix = ".pdf"
    markers = (b"%PDF-1.4\n", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n")

    def write(self, path: Path) -> None:
        grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
        build(
            path,
            [
                Paragraph("1 Cranes", STYLES["Heading1"]),
                Paragraph("The blue crane lifts four tons.", STYLES["BodyText"]),
                Paragraph("1.1 Ropes", STYLES["Heading2"]),
                Paragraph("Ropes last nine years.", STYLES["BodyText"]),
                Paragraph("• inspect daily", STYLES["BodyText"]),
                Table(
                    [["part", "made of"], ["rope", "steel"], ["hook", "iron"]], [90, 90], style=grid
                ),
            ],
        )

    def test_pages_and_boxes(self, sample: Path) -> None:
        document = read(sample)
        boxes = [block.box for block in document.blocks]
        assert {block.page for block in document.blocks} == {1}
        assert all(box is not None for box in boxes)
        tops = [box[1] for box in boxes if box]
        assert tops == sorted(tops)
        first = boxes[0]
        assert first is not None and 70 < first[0] < 85 and 70 < first[1] < 110

    def test_tables_and_lists(self, sample: Path) -> None:
        found = cuts(read(sample))
        assert ("table", "part | made of\nrope | steel\nhook | iron") in found
        assert ("list", "• inspect daily") in found
        assert read(sample).title == "1 Cranes"


def test_cells_of_several_lines_stay_together(tmp_path: Path) -> None:
    path = tmp_path / "table.pdf"
    rows = [
        ["Task", "Where"],
        ["Reset the password of a locked account", "Settings, then Account, then Reset"],
        ["Export all invoices of one year", "Billing, then Invoices, then Export"],
    ]
    build(path, [Table([[Paragraph(c, NARROW) for c in row] for row in rows], [90, 90])])
    assert cuts(read(path)) == [
        (
            "table",
            "Task | Where\n"
            "Reset the password of a locked account | Settings, then Account, then Reset\n"
            "Export all invoices of one year | Billing, then Invoices, then Export",
        )
    ]


def test_divided_words_are_joined_unless_written_so_elsewhere(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(
            canvas,
            [
                "This well-known crane was inspec-",
                "ted and it is a very well-",
                "known crane indeed.",
            ],
        )

    document = read(draw(tmp_path / "hyphen.pdf", page))
    assert document.text == (
        "This well-known crane was inspected and it is a very well-known crane indeed."
    )


def test_running_headers_and_footers_are_dropped(tmp_path: Path) -> None:
    def page(number: int) -> Callable[[Canvas], None]:
        def made(canvas: Canvas) -> None:
            canvas.setFont("Helvetica", 8)
            canvas.drawString(72, 810, "Crane Manual, third edition")
            canvas.drawString(280, 30, f"Page {number} of 5")
            words = ["anchor", "bolt", "chain", "drum", "engine"]
            write_lines(canvas, [f"Check the {words[number - 1]} first.", "Then go on.", "Stop."])

        return made

    document = read(draw(tmp_path / "running.pdf", *(page(n) for n in range(1, 6))))
    assert "edition" not in document.text
    assert "Page" not in document.text
    assert [block.page for block in document.blocks] == [1, 2, 3, 4, 5]
    assert "Check the drum first." in document.text


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, [f"left column line {n} goes on and on" for n in range(20)], x=60)
        write_lines(canvas, [f"right column line {n} goes on and on" for n in range(20)], x=320)

    text = read(draw(tmp_path / "columns.pdf", page)).text
    assert text.index("left column line 19") < text.index("right column line 0")


def test_rotated_pages_have_boxes_as_shown(tmp_path: Path) -> None:
    def upright(canvas: Canvas) -> None:
        write_lines(canvas, ["Seen the right way up."], x=100, y=500)

    for rotation in (0, 90, 180, 270):

        def turned(canvas: Canvas, rotation: int = rotation) -> None:
            canvas.setPageRotation(rotation)
            upright(canvas)

        (block,) = read(draw(tmp_path / f"turned{rotation}.pdf", turned)).blocks
        assert block.box is not None
        wide, high = block.box[2] - block.box[0], block.box[3] - block.box[1]
        assert (wide > high) == (rotation in (0, 180))
        assert all(value >= 0 for value in block.box)


def test_a_scanned_page_is_noted_and_a_scanned_file_refused(tmp_path: Path) -> None:
    def text(canvas: Canvas) -> None:
        write_lines(canvas, ["A page with letters."])

    document = read(draw(tmp_path / "mixed.pdf", text, picture, picture))
    (note,) = document.notes
    assert note.startswith("pages 2-3 have no text layer")
    assert "groundtone[ocr]" in note
    with pytest.raises(UnreadableFile, match="no text layer"):
        read(draw(tmp_path / "scan.pdf", picture))


def test_blank_pages_are_no_scans(tmp_path: Path) -> None:
    def text(canvas: Canvas) -> None:
        write_lines(canvas, ["A page with letters."])

    assert read(draw(tmp_path / "blank.pdf", text, lambda canvas: None)).notes == ()


def test_encryption(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["Not for printing."])

    locked = draw(tmp_path / "locked.pdf", page, encrypt=StandardEncryption("secret"))
    with pytest.raises(UnreadableFile, match="encrypted with a password"):
        read(locked)
    owned = StandardEncryption("", ownerPassword="owner", canPrint=0)
    assert read(draw(tmp_path / "owned.pdf", page, encrypt=owned)).text == "Not for printing."


def test_damage(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pdf"
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20)
    with pytest.raises(UnreadableFile, match="damaged PDF"):
        read(path)


def test_a_pdf_under_another_name_is_read_as_what_it_is(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["Mislabelled."])

    path = draw(tmp_path / "odd.pdf", page).rename(tmp_path / "odd.txt")
    assert read(path).media_type == "application/pdf"


def test_title_from_metadata_when_no_heading_stands_out(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setTitle("Crane Manual")
        write_lines(canvas, ["All of one size.", "And no heading."])

    assert read(draw(tmp_path / "plain.pdf", page)).title == "Crane Manual"


def test_many_pages_in_parallel(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def page(number: int) -> Callable[[Canvas], None]:
        words = ["anchor", "bolt", "chain", "drum", "engine"]
        return lambda canvas: write_lines(canvas, [f"{words[number]} line {n}" for n in range(40)])

    path = draw(tmp_path / "many.pdf", *(page(n) for n in range(5)))
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(read, [path] * 8))
    assert all(document == documents[0] for document in documents)
    check_document(documents[0])
    assert documents[0].text.startswith("anchor line 0")
