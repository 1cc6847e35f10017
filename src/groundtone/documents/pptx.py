"""PowerPoint presentations (.pptx): each slide a page and a section, shapes in reading order."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from groundtone.documents.composing import Composer
from groundtone.documents.document import BlockKind, Document
from groundtone.documents.grid import Cell, rows_to_text
from groundtone.documents.office import check_package
from groundtone.documents.tablehead import header_rows

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_DEEPEST_GROUP = 12
_LONGEST_TITLE = 120
_Piece = tuple[BlockKind, str, int]
# Shapes whose upper halves overlap by this share of the lower one stand beside each other.
_SAME_ROW = 0.5


def read(path: Path, data: bytes) -> Document:
    """Read a presentation.

    Each slide begins with a heading: its title, or its first line when it is short, or "Slide 7".
    Shapes follow from top to bottom and, side by side, from left to right; groups stay together.
    Tables and the numbers of charts become tables. Speaker notes come last, after "Notes:".
    Slide numbers, dates and footers are left out; hidden slides are read, and a note says which.
    Linked files are never fetched.

    Raises:
        UnreadableFile: see `office.check_package`.
    """
    from pptx import Presentation

    properties = check_package(path, data)
    show = Presentation(io.BytesIO(data))
    composer = Composer()
    hidden: list[int] = []
    title = properties.get("title", "")
    for number, slide in enumerate(show.slides, 1):
        if slide.element.get("show") in ("0", "false"):
            hidden.append(number)
        name = _slide(composer, slide, number)
        title = title or name
    notes = []
    if hidden:
        notes.append(f"hidden slide(s): {', '.join(map(str, hidden))}")
    return composer.document(title or path.stem, _MEDIA_TYPE, tuple(notes), properties)


def _slide(composer: Composer, slide: Any, number: int) -> str:
    """Append one slide; its title, "" without one."""
    shape = slide.shapes.title
    named = _lines(shape.text_frame) if shape is not None else []
    title = " ".join(named)
    pieces: list[_Piece] = list(_pieces(_ordered(slide.shapes), 0, shape))
    if len(title) > _LONGEST_TITLE:  # a whole text in the place of the title
        first = named.pop(0) if len(named[0]) <= _LONGEST_TITLE else ""
        pieces.insert(0, ("paragraph", "\n".join(named), 0))
        title = first
    heading = title
    if not heading and pieces:
        kind, text, _ = pieces[0]
        if kind == "paragraph" and len(text) <= _LONGEST_TITLE and "\n" not in text:
            heading = text
            del pieces[0]
    spoken = ""
    if slide.has_notes_slide:
        frame = slide.notes_slide.notes_text_frame
        spoken = "\n".join(_lines(frame)) if frame is not None else ""
    if not (heading or pieces or spoken):
        return ""
    composer.add("heading", heading or f"Slide {number}", level=1, page=number)
    for kind, text, header_lines in pieces:
        composer.add(kind, text, page=number, header_lines=header_lines)
    if spoken.strip():
        composer.add("paragraph", f"Notes: {spoken.strip()}", page=number)
    return title


def _pieces(shapes: Sequence[Any], depth: int, title: Any) -> Iterator[_Piece]:
    """(kind, text, header lines) of each shape with text."""
    for shape in shapes:
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if hasattr(shape, "shapes"):
            if depth < _DEEPEST_GROUP:
                yield from _pieces(_ordered(shape.shapes), depth + 1, title)
        elif _is_furniture(shape):
            continue
        elif getattr(shape, "has_table", False):
            yield _table(shape.table)
        elif getattr(shape, "has_chart", False):
            yield from _chart(shape)
        elif shape.has_text_frame:
            yield _text(shape)
        else:
            text = _diagram(shape)
            if text:
                yield "list", text, 0


def _ordered(shapes: Any) -> list[Any]:
    """Shapes by rows from the top, each row from the left."""
    placed = []
    for shape in shapes:
        left, top, height = shape.left, shape.top, shape.height
        placed.append((top or 0, left or 0, height or 0, shape))
    placed.sort(key=lambda item: item[:2])
    rows: list[list[tuple[int, int, int, Any]]] = []
    for item in placed:
        first = rows[-1][0] if rows else None
        if first is not None and first[0] + first[2] - item[0] > _SAME_ROW * max(
            min(first[2], item[2]), 1
        ):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [item[3] for row in rows for item in sorted(row, key=lambda item: (item[1], item[0]))]


def _is_furniture(shape: Any) -> bool:
    if not shape.is_placeholder:
        return False
    from pptx.enum.shapes import PP_PLACEHOLDER

    return shape.placeholder_format.type in (
        PP_PLACEHOLDER.SLIDE_NUMBER,
        PP_PLACEHOLDER.DATE,
        PP_PLACEHOLDER.FOOTER,
        PP_PLACEHOLDER.HEADER,
    )


def _lines(frame: Any) -> list[str]:
    return [
        " ".join(line.split())
        for paragraph in frame.paragraphs
        for line in paragraph.text.split("\v")
        if line.strip()
    ]


def _text(shape: Any) -> _Piece:
    from pptx.enum.shapes import PP_PLACEHOLDER

    paragraphs = [
        (paragraph.level, " ".join(paragraph.text.split()))
        for paragraph in shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]
    bulleted = shape.is_placeholder and shape.placeholder_format.type in (
        PP_PLACEHOLDER.BODY,
        PP_PLACEHOLDER.OBJECT,
    )
    if (bulleted and len(paragraphs) > 1) or any(level for level, _ in paragraphs):
        return "list", "\n".join(f"{'  ' * level}- {text}" for level, text in paragraphs), 0
    return "paragraph", "\n".join(_lines(shape.text_frame)), 0


def _table(table: Any) -> _Piece:
    rows = [
        [
            Cell(" ".join(cell.text.split()), cell.span_width, cell.span_height)
            for cell in row.cells
            if not cell.is_spanned
        ]
        for row in table.rows
    ]
    text = rows_to_text(rows)
    cells = [[cell.text for cell in row] for row in rows]
    if table.first_row and len(rows) > 1 and any(cells[0]):
        return "table", text, 1
    return "table", text, header_rows(cells)


def _chart(shape: Any) -> Iterator[_Piece]:
    chart = shape.chart
    # A chart kind that python-pptx does not know raises at any of these.
    with contextlib.suppress(Exception):
        if chart.has_title and chart.chart_title.has_text_frame:
            yield "paragraph", "\n".join(_lines(chart.chart_title.text_frame)), 0
    rows: list[list[str]] = []
    with contextlib.suppress(Exception):
        for plot in chart.plots:
            categories = [" ".join(str(category).split()) for category in plot.categories]
            series = [(one.name or "", list(one.values)) for one in plot.series]
            rows.append(["", *(name for name, _ in series)])
            for at, category in enumerate(categories):
                values = [values[at] if at < len(values) else None for _, values in series]
                rows.append([category, *("" if v is None else f"{v:.10g}" for v in values)])
    if rows:
        yield "table", rows_to_text([[Cell(text) for text in row] for row in rows]), 1


def _diagram(shape: Any) -> str:
    """The texts of a SmartArt diagram, which stand in a part of their own."""
    place = next(shape.element.iter(f"{{{_DIAGRAM}}}relIds"), None)
    name = place.get(f"{_R}dm") if place is not None else None
    if not name:
        return ""
    from lxml import etree

    try:
        xml = shape.part.related_part(name).blob
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except (KeyError, etree.XMLSyntaxError):
        return ""
    lines = (
        " ".join("".join(text.text or "" for text in paragraph.iter(f"{_A}t")).split())
        for paragraph in root.iter(f"{_A}p")
    )
    return "\n".join(f"- {line}" for line in lines if line)
