"""A page's lines to pieces: paragraphs, lists, code and tables, with their places.

Which of them are headings is known only when the whole file has been read: `pdf_outline` decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal

from groundtone.documents.document import Box
from groundtone.documents.pdf_cells import BULLET, Cell
from groundtone.documents.pdf_grid import Table, build_tables
from groundtone.documents.pdf_lines import Line
from groundtone.documents.pdf_rules import Rules
from groundtone.documents.pdf_tables import find_tables
from groundtone.documents.pdf_words import SOFT

DIVIDED = "\x1f"
"""Stands where a line's end divided a word, until it is known whether its hyphen is its own."""

NUMBERED = re.compile(r"(?:\d{1,2}|[A-Z])(?:\.\d{1,3})*\.?\s+\S")
_ENDS = (".", "!", "?", ":", ";", "。", "！", "？")
_Kind = Literal["text", "list", "code", "table"]


@dataclass(slots=True)
class Piece:
    """A block with its place.

    Attributes:
        box: on the page as shown.
        lines: how many it had.
        size, bold: its type.
        header: for tables, how many of its text's first lines are header rows.
        columns: for tables, (left, right) of each column.
    """

    kind: _Kind
    text: str
    page: int
    box: Box
    lines: int
    size: float
    bold: bool
    header: int = 0
    columns: list[tuple[float, float]] = field(default_factory=list)


def pieces(
    parts: Sequence[Sequence[tuple[Line, list[Cell]]]],
    page: int,
    to_shown: Callable[[float, float, float, float], Box],
    drawn: Rules | None,
) -> Iterator[Piece]:
    """The pieces of one page.

    Args:
        parts: its regions' lines with their cells, in reading order.
        page: its number.
        to_shown: from a box in the frame of the lines to one on the page as shown.
        drawn: the page's ruling lines in the frame of the lines, where they were looked for.
    """
    for part in parts:
        lines, rows = [line for line, _ in part], [row for _, row in part]
        place = 0
        for span in find_tables(lines, rows):
            yield from _texts(lines[place : span.start], page, to_shown)
            for table in build_tables(
                lines[span.start : span.stop], rows[span.start : span.stop], drawn
            ):
                yield _table(table, page, to_shown)
            place = span.stop
        yield from _texts(lines[place:], page, to_shown)


def _table(table: Table, page: int, to_shown: Callable[[float, float, float, float], Box]) -> Piece:
    text = "\n".join(table.rows).replace(SOFT, "-")
    first = table.lines[0]
    box = to_shown(*_hull(table.lines))
    return Piece(
        "table", text, page, box, len(table.rows), first.size, False, table.header, table.columns
    )


def _hull(lines: Sequence[Line]) -> Box:
    return (
        min(line.left for line in lines),
        min(line.top for line in lines),
        max(line.right for line in lines),
        max(line.bottom for line in lines),
    )


def _texts(
    lines: Sequence[Line], page: int, to_shown: Callable[[float, float, float, float], Box]
) -> Iterator[Piece]:
    for group, kind in _groups(lines):
        if kind == "list":
            items: list[list[Line]] = []
            for line in group:
                if items and not _is_item(line):
                    items[-1].append(line)
                else:
                    items.append([line])
            text = "\n".join(joined(item) for item in items)
        elif kind == "code":
            text = _code(group)
        else:
            text = joined(group)
        first = group[0]
        box = to_shown(*_hull(group))
        bold = all(line.bold for line in group)
        yield Piece(kind, text, page, box, len(group), first.size, bold)


def _groups(lines: Sequence[Line]) -> Iterator[tuple[list[Line], _Kind]]:
    """Lines that belong together."""
    if not lines:
        return
    steps = [
        below.bottom - above.bottom
        for above, below in pairwise(lines)
        if 0 < below.bottom - above.bottom < 3 * max(above.size, 4)
    ]
    # Of few lines most may be headings, which stand further apart.
    step = (median(steps) if len(steps) > 9 else min(steps)) if steps else 0.0
    right = max(line.right for line in lines)
    group: list[Line] = []
    kind: _Kind = "text"
    for line in lines:
        now: _Kind = "text"
        if line.mono:
            now = "code"
        elif _is_item(line) and not (line.bold and NUMBERED.match(line.text)):
            now = "list"
        elif kind == "list" and group and line.left > group[0].left + 1 and not line.bold:
            now = "list"  # the hanging rest of an item
        if group and (now != kind or _breaks(group, line, kind, step, right)):
            yield group, kind
            group = []
        group.append(line)
        kind = now
    yield group, kind


def _is_item(line: Line) -> bool:
    words = line.words
    return len(words) > 1 and bool(BULLET.match(words[0].text)) and not words[0].text.isalpha()


def _breaks(group: Sequence[Line], line: Line, kind: _Kind, step: float, right: float) -> bool:
    """Whether a line of the same kind begins a new piece."""
    before = group[-1]
    down = line.bottom - before.bottom
    if kind == "code":
        return not 0 < down < 3 * max(step, line.size)
    if line.bold and before.bold and down > 1.6 * max(line.size, before.size):
        return True
    if down <= 0 or down > 1.45 * max(step, 1.1 * line.size):
        return not (kind == "list" and 0 < down <= 2.6 * max(step, line.size) and _is_item(line))
    if abs(line.size - before.size) > 0.1 * before.size or line.bold != before.bold:
        return kind != "list"
    if kind == "list":
        return False
    if line.bold and NUMBERED.match(line.text):
        return True
    ended = before.text.endswith(_ENDS)
    indented = line.left > before.left + 0.8 * line.size and len(group) > 1
    short = before.right < right - 0.3 * (right - before.left)
    return ended and (indented or short)


def joined(lines: Sequence[Line]) -> str:
    """Lines as running text; where a line's end divides a word stands `DIVIDED`."""
    text = ""
    for line in lines:
        new = line.text
        if text.endswith(("-", SOFT)) and text[-2:-1].isalpha() and new[:1].islower():
            text = text[:-1] + DIVIDED + new
        elif text.endswith(("-", SOFT)) and text[-2:-1].isalnum():
            text += new
        else:
            text += (" " if text else "") + new
    return text.replace(SOFT, "-")


def _code(lines: Sequence[Line]) -> str:
    """Lines with their indents and gaps, as wide as letters are."""
    widths = [
        (word.right - word.left) / len(word.text)
        for line in lines
        for word in line.words
        if len(word.text) > 1
    ]
    letter = max(median(widths), 1.0) if widths else max(0.6 * lines[0].size, 1.0)
    left = min(line.left for line in lines)
    made = []
    for line in lines:
        text = ""
        for word in line.words:
            place = min(round((word.left - left) / letter), 400)
            text += " " * max(place - len(text), 1 if text else 0) + word.text
        made.append(text.replace(SOFT, "-"))
    return "\n".join(made)
