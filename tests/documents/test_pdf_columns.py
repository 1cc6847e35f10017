from __future__ import annotations

from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from documents.made_pdfs import cuts, draw, write_lines
from groundtone.documents import read

LEFT = [f"left column line {number} goes on and on" for number in range(20)]
RIGHT = [f"right column line {number} goes on and on" for number in range(20)]


def order(text: str, *parts: str) -> bool:
    places = [text.index(part) for part in parts]
    return places == sorted(places)


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, LEFT, x=60)
        write_lines(canvas, RIGHT, x=320)

    text = read(draw(tmp_path / "columns.pdf", page)).text
    assert order(text, "left column line 0", "left column line 19", "right column line 0")


def test_columns_drawn_right_before_left(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, RIGHT, x=320)
        write_lines(canvas, LEFT, x=60)

    text = read(draw(tmp_path / "right.pdf", page)).text
    assert order(text, "left column line 0", "left column line 19", "right column line 0")


def test_columns_drawn_line_by_line_across(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            write_lines(canvas, [left], x=60, y=700 - 12 * number)
            write_lines(canvas, [right], x=320, y=700 - 12 * number)

    text = read(draw(tmp_path / "across.pdf", page)).text
    assert order(text, "left column line 0", "left column line 19", "right column line 0")


def test_what_crosses_the_gutter_divides_the_columns(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["A title that runs over both of the columns below it"], x=120, y=760)
        write_lines(canvas, LEFT[:10], x=60, y=730)
        write_lines(canvas, RIGHT[:10], x=320, y=730)
        wide = "a caption that runs from the left margin over the gutter to the right margin"
        write_lines(canvas, [wide], x=100, y=560)
        write_lines(canvas, LEFT[10:], x=60, y=520)
        write_lines(canvas, RIGHT[10:], x=320, y=520)

    text = read(draw(tmp_path / "bands.pdf", page)).text
    assert order(
        text,
        "A title",
        "left column line 0",
        "left column line 9",
        "right column line 0",
        "right column line 9",
        "a caption",
        "left column line 10",
        "right column line 10",
    )


def test_three_columns(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        for x, name in ((40, "one"), (225, "two"), (410, "three")):
            lines = [f"column {name} line {number} of words" for number in range(15)]
            write_lines(canvas, lines, x=x)

    text = read(draw(tmp_path / "three.pdf", page)).text
    assert order(text, "one line 0", "one line 14", "two line 0", "two line 14", "three line 0")


def test_rows_of_a_table_are_no_columns(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        for number in range(12):
            write_lines(canvas, [f"part {number}"], x=60, y=700 - 12 * number)
            write_lines(canvas, [f"{number * 17}"], x=320, y=700 - 12 * number)

    ((kind, text),) = cuts(read(draw(tmp_path / "rows.pdf", page)))
    assert kind == "table"
    assert text.split("\n")[3] == "part 3 | 51"


def test_a_paragraph_goes_on_where_a_line_is_drawn_out_of_order(tmp_path: Path) -> None:
    def page(canvas: Canvas) -> None:
        write_lines(canvas, ["First line of the only paragraph,"], y=700)
        write_lines(canvas, ["and the third ends it."], y=676)
        write_lines(canvas, ["second line that was drawn last,"], y=688)

    assert cuts(read(draw(tmp_path / "order.pdf", page))) == [
        (
            "paragraph",
            "First line of the only paragraph, second line that was drawn last, "
            "and the third ends it.",
        )
    ]
