from __future__ import annotations

from pathlib import Path

from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Spacer, Table, TableStyle

from contracts.reader import check_document
from documents.made_pdfs import NARROW, STYLES, build, cuts, draw
from groundtone.documents import Block, Document, read

GRID = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])


def tables(document: Document) -> list[tuple[str, str | None]]:
    """(text, header) of each table."""
    return [
        (
            document.text[block.start : block.end],
            document.text[slice(*block.header)] if block.header else None,
        )
        for block in document.blocks
        if block.kind == "table"
    ]


def place(document: Document, words: str) -> Block:
    return next(b for b in document.blocks if words in document.text[b.start : b.end])


def statement(canvas: Canvas) -> None:
    """A table of figures without any ruling, with titles over two columns each."""
    canvas.setFont("Helvetica-Bold", 8)
    canvas.drawCentredString(370, 700, "Three Months Ended")
    canvas.drawCentredString(510, 700, "Nine Months Ended")
    rights = (360, 420, 500, 560)
    for right, (day, year) in zip(rights, (("May 7,", 2031), ("May 9,", 2030)) * 2, strict=True):
        canvas.drawCentredString(right - 20, 690, day)
        canvas.drawCentredString(right - 20, 681, str(year))
    canvas.setFont("Helvetica", 9)
    rows = [
        ("Net sales:", ()),
        ("  Cranes", ("$ 4,120", "$ 3,998", "$ 12,005", "$ 11,340")),
        ("  Ropes and hooks sold to owners of", ()),
        ("  cranes of other makers", ("77", "(12)", "201", "—")),
        ("Margin", ("41.5 %", "40.2 %", "41.0 %", "39.8 %")),
    ]
    y = 664.0
    for label, figures in rows:
        canvas.drawString(60 + 8 * label.startswith("  "), y, label.strip())
        for right, figure in zip(rights, figures, strict=False):
            if figure.startswith("$"):
                canvas.drawString(right - 50, y, "$")
            canvas.drawRightString(right + 8 * figure.endswith("%"), y, figure.lstrip("$ "))
        y -= 10 if label.endswith("owners of") else 13


def test_unruled_figures_under_titles_that_span(tmp_path: Path) -> None:
    document = read(draw(tmp_path / "statement.pdf", statement))
    check_document(document)
    header = (
        "| Three Months Ended May 7, 2031 | Three Months Ended May 9, 2030"
        " | Nine Months Ended May 7, 2031 | Nine Months Ended May 9, 2030"
    )
    assert tables(document) == [
        (
            f"{header}\n"
            "Net sales:\n"
            "Cranes | $ 4,120 | $ 3,998 | $ 12,005 | $ 11,340\n"
            "Ropes and hooks sold to owners of cranes of other makers | 77 | (12) | 201 | —\n"
            "Margin | 41.5 % | 40.2 % | 41.0 % | 39.8 %",
            header,
        )
    ]
    box = place(document, "Cranes").box
    assert box is not None
    assert 55 < box[0] <= 60 and 130 < box[1] < 142 and 560 < box[2] < 575 and 225 < box[3] < 236


def test_a_second_header_begins_a_second_table(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 9)
        y = 700
        for year in ("2031", "2030"):
            for right, title in ((360, "Sold"), (460, f"Kept in {year}")):
                canvas.drawRightString(right, y, title)
            for label, sold, kept in (("Cranes", "17", "4"), ("Ropes", "230", "61")):
                y -= 13
                canvas.drawString(60, y, label)
                canvas.drawRightString(360, y, sold)
                canvas.drawRightString(460, y, kept)
            y -= 20

    assert tables(read(draw(tmp_path / "two.pdf", page))) == [
        ("| Sold | Kept in 2031\nCranes | 17 | 4\nRopes | 230 | 61", "| Sold | Kept in 2031"),
        ("| Sold | Kept in 2030\nCranes | 17 | 4\nRopes | 230 | 61", "| Sold | Kept in 2030"),
    ]


def test_ruling_lines_tell_rows_of_wrapped_cells(tmp_path: Path) -> None:
    rows = [
        ["Part", "Check", "Who"],
        ["Rope", "no strand may be broken over a length of six times its width", "driver"],
        ["Hook and its safety latch", "latch closes by itself", "driver or second person"],
    ]
    path = tmp_path / "ruled.pdf"
    cells = [[Paragraph(cell, NARROW) for cell in row] for row in rows]
    build(path, [Table(cells, [70, 120, 70], style=GRID)])
    assert tables(read(path)) == [
        ("\n".join(" | ".join(row) for row in rows), "Part | Check | Who")
    ]


def test_a_table_over_pages_has_its_header_on_each(tmp_path: Path) -> None:
    rows = [["Part", "Weight in kg", "Price"]]
    rows += [[f"part {number}", str(3 * number), f"{7 * number}.50"] for number in range(120)]
    for repeated in (0, 1):
        path = tmp_path / f"long{repeated}.pdf"
        table = Table(rows, [120, 90, 90], repeatRows=repeated)
        build(path, [Paragraph("Parts", STYLES["Heading1"]), table])
        document = read(path)
        check_document(document)
        found = [block for block in document.blocks if block.kind == "table"]
        assert [block.page for block in found] == list(range(1, len(found) + 1))
        assert len(found) > 2
        assert {header for _, header in tables(document)} == {"Part | Weight in kg | Price"}
        body = [line for text, _ in tables(document) for line in text.split("\n")[1:]]
        assert body == [" | ".join(row) for row in rows[1:]]


def test_prose_between_tables_is_no_row(tmp_path: Path) -> None:
    table = [["Year", "Cranes"], ["first", "12"], ["second", "19"], ["third", "23"]]
    prose = Paragraph(
        "In the years after that, the number of cranes fell, since ropes were hard to come by "
        "and drivers left for the harbour, where they were paid twice as much as before.",
        STYLES["BodyText"],
    )
    path = tmp_path / "between.pdf"
    build(
        path, [Table(table, [120, 60]), Spacer(1, 4), prose, Spacer(1, 4), Table(table, [120, 60])]
    )
    assert [kind for kind, _ in cuts(read(path))] == ["table", "paragraph", "table"]


def test_empty_cells_keep_their_place(tmp_path: Path) -> None:
    rows = [["Part", "First", "Second"], ["rope", "", "8"], ["hook", "3", ""], ["drum", "5", "6"]]
    path = tmp_path / "empty.pdf"
    build(path, [Table(rows, [90, 60, 60])])
    ((text, _),) = tables(read(path))
    assert text == "Part | First | Second\nrope |  | 8\nhook | 3\ndrum | 5 | 6"


def test_leading_dots_are_no_text(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        for number, title in enumerate(("Ropes", "Hooks", "Drums")):
            dots = "." * (60 - len(title))
            canvas.drawString(72, 700 - 14 * number, f"{title} {dots} {number + 3}")

    text = read(draw(tmp_path / "contents.pdf", page)).text
    assert "..." not in text
    assert "Hooks | 4" in text
