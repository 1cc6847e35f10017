from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.lib import colors
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table, TableStyle

from contracts.reader import ReaderContract, check_document
from documents.made_pdfs import NARROW, STYLES, build, cuts, draw, write_lines
from groundtone.documents import read
from groundtone.errors import UnreadableFile

PARTS = ["anchor", "bolt", "chain", "drum", "engine", "fork", "gear", "hook"]


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
        document = read(sample)
        found = cuts(document)
        assert ("table", "part | made of\nrope | steel\nhook | iron") in found
        assert ("list", "• inspect daily") in found
        assert document.title == "1 Cranes"
        (header,) = (block.header for block in document.blocks if block.kind == "table")
        assert header is not None and document.text[slice(*header)] == "part | made of"


def running_pages(count: int) -> list[Callable[[Canvas], None]]:
    def page(number: int) -> Callable[[Canvas], None]:
        def made(canvas: Canvas) -> None:
            canvas.setFont("Helvetica", 8)
            canvas.drawString(72, 810, "Crane Manual, third edition")
            canvas.drawString(280, 30, f"Page {number} of {count}")
            canvas.drawString(520, 30, str(number))
            part = PARTS[number % len(PARTS)]
            write_lines(canvas, [f"Check the {part} first.", f"Item {number}", "Stop."])

        return made

    return [page(number) for number in range(1, count + 1)]


def test_running_headers_and_footers_are_dropped(tmp_path: Path) -> None:
    document = read(draw(tmp_path / "running.pdf", *running_pages(5)))
    assert "edition" not in document.text
    assert "Page" not in document.text
    assert [block.page for block in document.blocks] == [1, 2, 3, 4, 5]
    assert "Check the drum first. Item 3 Stop." in document.text


def test_what_runs_only_through_one_chapter_is_dropped_too(tmp_path: Path) -> None:
    def plain(number: int) -> Callable[[Canvas], None]:
        words = [f"{word} {number}" for word in PARTS]
        return lambda canvas: write_lines(canvas, [*words[number % 8 :], *words[: number % 8]])

    pages = [*running_pages(6), *(plain(number) for number in range(30))]
    text = read(draw(tmp_path / "chapter.pdf", *pages)).text
    assert "edition" not in text and "Page" not in text
    assert "anchor 29" in text


def test_a_single_page_keeps_its_edges(tmp_path: Path) -> None:
    text = read(draw(tmp_path / "single.pdf", *running_pages(1))).text
    assert "edition" in text and "Page 1 of 1" in text


def test_divided_words_are_joined_unless_written_so_elsewhere(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(
            canvas,
            [
                "This well-known crane was inspec-",
                "ted and it is a very well-",
                "known crane indeed, of the long-",
                "term kind: the term is long, not inter-",
                "national.",
            ],
        )

    document = read(draw(tmp_path / "hyphen.pdf", page))
    assert document.text == (
        "This well-known crane was inspected and it is a very well-known crane indeed, "
        "of the long-term kind: the term is long, not international."
    )


def test_headings_by_size_weight_and_number(tmp_path: Path) -> None:
    body = " ".join(["Ropes are changed when strands break."] * 12)
    flow: list[object] = []
    for chapter in ("1 Lifting", "2 Lowering"):
        flow += [Paragraph(chapter, STYLES["Heading1"]), Paragraph(body, STYLES["BodyText"])]
        flow += [Paragraph("<b>Daily checks</b>", STYLES["BodyText"])]
        flow += [Paragraph(body, STYLES["BodyText"])]
        flow += [Paragraph(f"{chapter[0]}.3 Brakes in the cold", STYLES["BodyText"])]
        flow += [Paragraph(body, STYLES["BodyText"])]
    path = tmp_path / "headings.pdf"
    build(path, flow)
    document = read(path)
    check_document(document)
    headings = [block.headings for block in document.blocks if block.kind == "heading"]
    assert [titles[-1] for titles in headings] == [
        "1 Lifting",
        "Daily checks",
        "1.3 Brakes in the cold",
        "2 Lowering",
        "Daily checks",
        "2.3 Brakes in the cold",
    ]
    assert headings[1] == ("1 Lifting", "Daily checks")


def test_a_sentence_in_bold_is_no_heading(tmp_path: Path) -> None:
    body = " ".join(["Ropes are changed when strands break."] * 8)
    path = tmp_path / "bold.pdf"
    warning = Paragraph("<b>Never stand under the load.</b>", STYLES["BodyText"])
    build(path, [Paragraph(body, STYLES["BodyText"]), warning])
    assert "heading" not in [kind for kind, _ in cuts(read(path))]


def test_lists_keep_their_items(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(
            canvas, ["Before the shift, in this order and on every day of the week, do this:"]
        )
        for number, (mark, text) in enumerate(
            [
                ("1.", "Look at the rope"),
                ("2.", "Listen to the brake, which must"),
                ("", "not squeal"),
            ]
        ):
            canvas.drawString(80, 676 - 12 * number, mark)
            canvas.drawString(98, 676 - 12 * number, text)

    assert ("list", "1. Look at the rope\n2. Listen to the brake, which must not squeal") in cuts(
        read(draw(tmp_path / "list.pdf", page))
    )


def test_code_keeps_its_lines_and_indents(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["Type this at the console of the crane and wait for the answer:"])
        canvas.setFont("Courier", 10)
        for number, line in enumerate(["if load > 4:", "    stop()", "else:", "    lift()"]):
            canvas.drawString(72, 670 - 12 * number, line)

    document = read(draw(tmp_path / "code.pdf", page))
    assert ("code", "if load > 4:\n    stop()\nelse:\n    lift()") in cuts(document)


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


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_text_that_runs_up_or_down_the_page_is_read_in_order(tmp_path: Path, angle: int) -> None:
    lines = [f"row {name} of the sideways table" for name in PARTS]

    def page(canvas: Canvas) -> None:
        canvas.translate(300, 420)
        canvas.rotate(angle)
        write_lines(canvas, lines, x=-150, y=100)

    document = read(draw(tmp_path / "sideways.pdf", page))
    assert document.text == " ".join(lines)
    (block,) = document.blocks
    assert block.box is not None
    left, top, right, bottom = block.box
    assert 0 <= left < right <= 595.4 and 0 <= top < bottom <= 842
    assert (right - left < bottom - top) == (angle != 180)


def test_stamps_in_the_margin_stand_aside(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, [f"line {number} of the text goes on" for number in range(9)])
        canvas.rotate(90)
        canvas.drawString(300, -20, "Draft of the ninth of May")

    kinds = cuts(read(draw(tmp_path / "stamp.pdf", page)))
    assert kinds[-1] == ("paragraph", "Draft of the ninth of May")
    assert "Draft" not in kinds[0][1]


def test_words_beside_the_page_and_words_drawn_twice_are_left_out(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["Seen by everyone."])
        canvas.drawString(72.3, 700, "Seen by everyone.")
        canvas.drawString(700, 700, "Cut off.")

    assert read(draw(tmp_path / "beside.pdf", page)).text == "Seen by everyone."


def test_encryption(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["Not for printing."])

    locked = draw(tmp_path / "locked.pdf", page, encrypt=StandardEncryption("secret"))
    with pytest.raises(UnreadableFile, match="encrypted with a password"):
        read(locked)
    owned = StandardEncryption("", ownerPassword="owner", canPrint=0)
    assert read(draw(tmp_path / "owned.pdf", page, encrypt=owned)).text == "Not for printing."


def without_pages() -> bytes:
    data = b"%PDF-1.4\n"
    places = []
    for number, entry in enumerate(
        (b"/Type/Catalog/Pages 2 0 R", b"/Type/Pages/Kids[]/Count 0"), 1
    ):
        places.append(len(data))
        data += b"%d 0 obj<<%s>>endobj\n" % (number, entry)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Root 1 0 R/Size 3>>\nstartxref\n%d\n%%%%EOF" % len(data)
    return data + b"xref\n0 3\n0000000000 65535 f \n" + table + end


def test_damage_and_emptiness_have_reasons(tmp_path: Path) -> None:
    path = tmp_path / "damaged.pdf"
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20)
    with pytest.raises(UnreadableFile, match="damaged PDF"):
        read(path)
    path.write_bytes(without_pages())
    with pytest.raises(UnreadableFile, match="no pages"):
        read(path)
    with pytest.raises(UnreadableFile, match="all its pages are empty"):
        read(draw(tmp_path / "blank.pdf", lambda canvas: None))


def test_blank_pages_are_no_scans(tmp_path: Path) -> None:
    pages = [lambda canvas: write_lines(canvas, ["A page with letters."]), lambda canvas: None]
    assert read(draw(tmp_path / "blank.pdf", *pages)).notes == ()


def test_a_pdf_under_another_name_is_read_as_what_it_is(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["Mislabelled."])

    path = draw(tmp_path / "odd.pdf", page).rename(tmp_path / "odd.txt")
    assert read(path).media_type == "application/pdf"


def test_what_the_file_says_about_itself(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        canvas.setTitle("Crane Manual")
        canvas.setAuthor("Ada Hook")
        write_lines(canvas, ["All of one size.", "And no heading."])

    document = read(draw(tmp_path / "plain.pdf", page))
    assert document.title == "Crane Manual"
    assert document.metadata["author"] == "Ada Hook"
    assert document.metadata["pages"] == 1
    assert document.metadata["created"] == "2000-01-01T00:00:00"


def test_many_pages_in_parallel(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def page(number: int) -> Callable[[Canvas], None]:
        return lambda canvas: write_lines(canvas, [f"{PARTS[number]} line {n}" for n in range(40)])

    path = draw(tmp_path / "many.pdf", *(page(n) for n in range(5)))
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(read, [path] * 8))
    assert all(document == documents[0] for document in documents)
    check_document(documents[0])
    assert documents[0].text.startswith("anchor line 0")


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
