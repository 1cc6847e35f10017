"""What readers get out of files whose words are known: recall and precision of words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from pptx.util import Inches

from contracts.reader import check_document
from documents.generated import Section, all_words, content, recall_and_precision, words
from groundtone.documents import read

LEAST = 0.98


def write_docx(path: Path, sections: list[Section]) -> None:
    word = docx.Document()
    for section in sections:
        word.add_heading(section.title, 1)
        for paragraph in section.paragraphs:
            word.add_paragraph(paragraph)
        for item in section.items:
            word.add_paragraph(item, style="List Bullet")
        table = word.add_table(rows=0, cols=3)
        for row in section.table:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
        for line in section.code:
            word.add_paragraph(line, style="macro")
    word.sections[0].header.paragraphs[0].text = "running header"
    word.save(str(path))


def write_pptx(path: Path, sections: list[Section]) -> None:
    show = pptx.Presentation()
    for section in sections:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = section.title
        slide.placeholders[1].text_frame.text = "\n".join(section.items)
        box = slide.shapes.add_textbox(Inches(1), Inches(5), Inches(8), Inches(1))
        box.text_frame.text = "\n".join(section.paragraphs)
        frame = slide.shapes.add_table(
            len(section.table), 3, Inches(1), Inches(6), Inches(8), Inches(1)
        )
        for number, row in enumerate(section.table):
            for place, text in enumerate(row):
                frame.table.cell(number, place).text = text
        slide.notes_slide.notes_text_frame.text = " ".join(section.code)
    show.save(str(path))


def write_xlsx(path: Path, sections: list[Section]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for section in sections:
        sheet = book.create_sheet(section.title)
        for row in section.table:
            sheet.append([int(cell) if cell.isdigit() else cell for cell in row])
        for block in (section.paragraphs, section.items, section.code):
            sheet.append([])
            for text in block:
                sheet.append([text])
    book.save(str(path))


def write_markdown(path: Path, sections: list[Section]) -> None:
    lines = []
    for section in sections:
        lines += [f"# {section.title}", ""]
        for paragraph in section.paragraphs:
            lines += [paragraph, ""]
        lines += [*(f"- {item}" for item in section.items), ""]
        head, *rows = section.table
        lines += [
            "| " + " | ".join(head) + " |",
            "|---|---|---|",
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
            "```",
            *section.code,
            "```",
            "",
        ]
    path.write_text("\n".join(lines))


def write_rst(path: Path, sections: list[Section]) -> None:
    lines = []
    for number, section in enumerate(sections):
        lines += [section.title, "=" * len(section.title), ""]
        for paragraph in section.paragraphs:
            lines += [paragraph, ""]
        lines += [*(f"* {item}" for item in section.items), ""]
        widths = [max(len(row[place]) for row in section.table) for place in range(3)]
        border = "  ".join("=" * width for width in widths)
        rows = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in section.table
        ]
        lines += [border, rows[0], border, *rows[1:], border, ""]
        lines += [f".. _target{number}:", "", ".. code-block:: sh", ""]
        lines += [*(f"   {line}" for line in section.code), ""]
    path.write_text("\n".join(lines))


def write_asciidoc(path: Path, sections: list[Section]) -> None:
    lines = []
    for section in sections:
        lines += [f"== {section.title}", ""]
        for paragraph in section.paragraphs:
            lines += [paragraph, ""]
        lines += [*(f"* {item}" for item in section.items), "", "|==="]
        lines += ["|" + " |".join(row) for row in section.table[:1]] + [""]
        lines += ["|" + " |".join(row) for row in section.table[1:]]
        lines += ["|===", "", "[source,sh]", "----", *section.code, "----", ""]
    path.write_text("\n".join(lines))


WRITERS: dict[str, Callable[[Path, list[Section]], None]] = {
    ".docx": write_docx,
    ".pptx": write_pptx,
    ".xlsx": write_xlsx,
    ".md": write_markdown,
    ".rst": write_rst,
    ".adoc": write_asciidoc,
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_nearly_every_word_and_no_others(tmp_path: Path, suffix: str, seed: int) -> None:
    sections = content(seed)
    path = tmp_path / f"file{suffix}"
    WRITERS[suffix](path, sections)
    document = read(path)
    check_document(document)
    found = words("\n".join(document.text[block.start : block.end] for block in document.blocks))
    recall, precision = recall_and_precision(found, all_words(sections))
    assert recall >= LEAST, all_words(sections) - found
    assert precision >= LEAST, found - all_words(sections)


@pytest.mark.parametrize("suffix", WRITERS)
def test_structure_is_found_again(tmp_path: Path, suffix: str) -> None:
    sections = content(3)
    path = tmp_path / f"file{suffix}"
    WRITERS[suffix](path, sections)
    document = read(path)
    titles = [block.headings[-1] for block in document.blocks if block.kind == "heading"]
    assert titles == [section.title for section in sections]
    tables = [block for block in document.blocks if block.kind == "table"]
    assert len(tables) == len(sections)
    for section, table in zip(sections, tables, strict=True):
        assert table.headings == (section.title,)
        assert table.header is not None
        head = document.text[slice(*table.header)]
        assert words(head) == words(" ".join(section.table[0]))
        body = document.text[table.header[1] : table.end]
        for row in section.table[1:]:
            assert any(all(cell in line for cell in row) for line in body.splitlines())
