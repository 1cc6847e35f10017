from __future__ import annotations

from pathlib import Path
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document, read


class TestPptxContract(ReaderContract):
    suffix = ".pptx"
    markers = (b"PK\x03\x04",)

    def write(self, path: Path) -> None:
        show = pptx.Presentation()
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = "1 Cranes"
        slide.placeholders[1].text_frame.text = "The blue crane lifts four tons."
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = "1.1 Ropes"
        text_box(slide, 1, 2, "Ropes last nine years.")
        text_box(slide, 1, 4, "inspect daily")
        frame = slide.shapes.add_table(2, 2, Inches(1), Inches(5), Inches(4), Inches(1))
        for place, text in enumerate(("part", "made of", "rope", "steel")):
            frame.table.cell(place // 2, place % 2).text = text
        show.save(str(path))

    def test_blocks_know_their_section(self, sample: Path) -> None:
        where = {
            cut: (block.headings, block.page)
            for block, (_, cut) in zip(read(sample).blocks, cuts(read(sample)), strict=True)
        }
        assert where["The blue crane lifts four tons."] == (("1 Cranes",), 1)
        assert where["Ropes last nine years."] == (("1.1 Ropes",), 2)
        assert where["part | made of\nrope | steel"] == (("1.1 Ropes",), 2)


def text_box(slide: Any, left: float, top: float, text: str) -> None:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(1))
    box.text_frame.text = text


def cuts(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


@pytest.fixture
def show() -> Any:
    return pptx.Presentation()


def saved(show: Any, folder: Path) -> Document:
    show.save(str(folder / "file.pptx"))
    document = read(folder / "file.pptx")
    check_document(document)
    return document


def test_shapes_are_read_by_rows_and_from_the_left(show: Any, tmp_path: Path) -> None:
    slide = show.slides.add_slide(show.slide_layouts[6])
    places = ((5, 3.1, "fourth"), (1, 3, "third"), (5, 1, "second"), (1, 1.2, "first"))
    for left, top, text in places:
        text_box(slide, left, top, text)
    texts = [text for _, text in cuts(saved(show, tmp_path))]
    assert texts == ["first", "second", "third", "fourth"]


def test_groups_stay_together(show: Any, tmp_path: Path) -> None:
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Groups"
    text_box(slide, 1, 6, "below")
    group = slide.shapes.add_group_shape()
    for top, text in ((4, "inner two"), (2, "inner one")):
        group.shapes.add_textbox(Inches(1), Inches(top), Inches(3), Inches(1)).text = text
    assert [text for _, text in cuts(saved(show, tmp_path))][1:] == [
        "inner one",
        "inner two",
        "below",
    ]


def test_notes_hidden_slides_and_levels(show: Any, tmp_path: Path) -> None:
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Ropes"
    frame = slide.placeholders[1].text_frame
    frame.text = "wire"
    paragraph = frame.add_paragraph()
    paragraph.text, paragraph.level = "steel", 1
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    slide.element.set("show", "0")
    document = saved(show, tmp_path)
    assert cuts(document)[1:] == [
        ("list", "- wire\n  - steel"),
        ("paragraph", "Notes: Say it slowly."),
    ]
    assert document.notes == ("hidden slide(s): 1",)


def test_slides_without_a_title_are_named(show: Any, tmp_path: Path) -> None:
    slide = show.slides.add_slide(show.slide_layouts[6])
    text_box(slide, 1, 1, "A long text. " * 20)
    show.slides.add_slide(show.slide_layouts[6])  # empty: nothing to say
    text_box(show.slides.add_slide(show.slide_layouts[6]), 1, 1, "Short line")
    document = saved(show, tmp_path)
    headings = [(block.headings[-1], block.page) for block in document.blocks if block.level]
    assert headings == [("Slide 1", 1), ("Short line", 3)]


def test_merged_cells_are_said_once(show: Any, tmp_path: Path) -> None:
    slide = show.slides.add_slide(show.slide_layouts[6])
    table = slide.shapes.add_table(3, 3, Inches(1), Inches(1), Inches(4), Inches(2)).table
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(0, 0).merge(table.cell(0, 1))
    table.cell(0, 0).text = "wide"
    document = saved(show, tmp_path)
    assert cuts(document)[-1] == ("table", "wide |  | 02\n10 | 11 | 12\n20 | 21 | 22")


def test_charts_become_tables(show: Any, tmp_path: Path) -> None:
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("2023", (1.5, 2))
    data.add_series("2024", (3, 4.25))
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Sales"
    place = (Inches(1), Inches(2), Inches(6), Inches(4))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Tons sold"
    assert cuts(saved(show, tmp_path))[1:] == [
        ("paragraph", "Tons sold"),
        ("table", "| 2023 | 2024\nNorth | 1.5 | 3\nSouth | 2 | 4.25"),
    ]
