"""Lines of words on pages to blocks: paragraphs, headings, lists, tables.

The order is the file's own, which programs that write PDFs keep as the reading order, columns
included. All sizes and places are PDF points from the shown page's top left corner.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from groundtone.documents.document import BlockKind, Box
from groundtone.documents.lines import (
    LETTERS,
    Line,
    hull,
    rows_made_whole,
    without_running_lines,
)

_BULLET = re.compile(r"[•‣◦▪●○■□–—*·-]\s|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)]\s")
_NUMBERED = re.compile(r"(?:\d{1,2}|[A-Z])(?:\.\d{1,3})*\.?\s+\S")


@dataclass(frozen=True, slots=True)
class Piece:
    """A block with its place; `level` is 0 for all but headings."""

    kind: BlockKind
    text: str
    level: int
    page: int
    box: Box


def arrange(pages: Sequence[Sequence[Line]]) -> Iterator[Piece]:
    """The blocks of a document.

    Args:
        pages: lines of each page, in the file's order.
    """
    kept = [rows_made_whole(page) for page in without_running_lines(pages)]
    lines = [line for page in kept for line in page]
    if not lines:
        return
    body = _body_size(lines)
    levels = _heading_levels(lines, body)
    whole = {word for line in lines for word in _compounds(line.text)}
    for page in kept:
        for group, kind in _groups(page, body):
            yield _piece(group, kind, levels, body, whole)


def _body_size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size))


def _is_heading(line: Line, body: float) -> bool:
    text = line.text
    if len(text) > 150 or len(line.cells) > 2 or not LETTERS.search(text) or line.sideways:
        return False
    if line.size >= 1.12 * body:
        return True
    if not line.bold or line.size < 0.95 * body or text.endswith((".", ",", ";")):
        return False
    # Bold alone is also used for emphasis: the line must be short and not begin mid-sentence.
    return len(text) <= 80 and not text[0].islower() and len(line.cells) == 1


def _heading_levels(lines: Sequence[Line], body: float) -> dict[tuple[float, bool], int]:
    """Level of each look of heading: larger before smaller, bold before plain."""
    looks = {_look(line) for line in lines if _is_heading(line, body)}
    ordered = sorted(looks, reverse=True)
    return {look: min(level, 6) for level, look in enumerate(ordered, 1)}


def _look(line: Line) -> tuple[float, bool]:
    return (round(line.size * 2) / 2, line.bold)


def _groups(lines: Sequence[Line], body: float) -> Iterator[tuple[list[Line], BlockKind]]:
    """Lines that belong to one block, page by page."""
    if not lines:
        return
    rows = _table_rows(lines)
    steps = [
        after.box[3] - before.box[3]
        for before, after in pairwise(lines)
        if 0 < after.box[3] - before.box[3] < 3 * max(before.size, 4)
    ]
    step = median(steps) if steps else 0.0
    right = max(line.box[2] for line in lines)
    group: list[Line] = []
    kind: BlockKind = "paragraph"
    for number, line in enumerate(lines):
        now: BlockKind = "paragraph"
        if number in rows:
            now = "table"
        elif _is_heading(line, body):
            now = "heading"
        elif _BULLET.match(line.text):
            now = "list"
        elif kind == "list" and group and line.box[0] > group[0].box[0] + 1:
            now = "list"  # the hanging rest of an item
        if group and (now != kind or _breaks(group, line, kind, step, right)):
            yield group, kind
            group = []
        group.append(line)
        kind = now
    yield group, kind


def _breaks(group: list[Line], line: Line, kind: BlockKind, step: float, right: float) -> bool:
    """Whether a line of the same kind begins a new block."""
    before = group[-1]
    down = line.box[3] - before.box[3]
    if kind == "table":
        return down <= 0 or down > 4 * max(step, line.size)
    if down <= 0 or down > 1.45 * max(step, 1.1 * line.size):
        return True
    if kind == "heading":
        return _look(line) != _look(before) or bool(_NUMBERED.match(line.text))
    if kind == "list":
        return False
    if abs(line.size - before.size) > 0.1 * before.size or line.bold != before.bold:
        return True
    ended = before.text.endswith((".", "!", "?", ":"))
    indented = line.box[0] > before.box[0] + 0.8 * line.size and len(group) > 1
    short = before.box[2] < right - 0.3 * (right - before.box[0])
    return ended and (indented or short)


def _table_rows(lines: Sequence[Line]) -> set[int]:
    """Numbers of the lines that are rows: their cells line up with a neighbour's."""
    rows: set[int] = set()
    several = [number for number, line in enumerate(lines) if len(line.cells) > 1]
    for first, second in pairwise(several):
        if second - first <= 3 and _aligned(lines[first], lines[second]):
            between = lines[first + 1 : second]
            # Labels of a group of rows, and labels that wrap, are part of the table.
            if all(len(line.text) < 90 for line in between):
                rows.update(range(first, second + 1))
    for number in sorted(rows):
        # Titles over several columns at once line up with none of them.
        above = number - 1
        if above in several and above not in rows:
            distance = lines[number].box[1] - lines[above].box[3]
            if -lines[number].size < distance < 1.5 * lines[number].size:
                rows.add(above)
    return rows


def _aligned(one: Line, other: Line) -> bool:
    if other.box[3] <= one.box[3] or other.box[1] - one.box[3] > 4 * one.size:
        return False
    slack = 0.6 * one.size
    return any(
        abs(left - left2) < slack
        or abs(right - right2) < slack
        or abs(left + right - left2 - right2) < slack
        for left, right, _ in one.cells[1:]
        for left2, right2, _ in other.cells[1:]
    )


def _compounds(text: str) -> Iterator[str]:
    for word in text.split():
        if "-" in word[1:-1]:
            yield word.strip(".,;:!?()\"'").lower()


def _joined(lines: Sequence[Line], whole: set[str]) -> str:
    """Lines as running text; a word divided at a line's end is made whole."""
    text = ""
    for line in lines:
        new = line.text
        if text.endswith(("-", "\u00ad")) and text[-2:-1].isalpha() and new[:1].islower():
            head, tail = text[:-1].rpartition(" ")[2], new.partition(" ")[0]
            compound = f"{head}-{tail}".strip(".,;:!?()\"'").lower()
            # "well-" + "known" stays hyphened when it is written so elsewhere.
            text = (text[:-1] + "-" if compound in whole else text[:-1]) + new
        elif text.endswith("-") and text[-2:-1].isalnum():
            text += new
        else:
            text += (" " if text else "") + new
    return text.replace("\u00ad", "-")


def _piece(
    lines: Sequence[Line],
    kind: BlockKind,
    levels: dict[tuple[float, bool], int],
    body: float,
    whole: set[str],
) -> Piece:
    level = 0
    if kind == "table":
        rows = (" | ".join(text for _, _, text in line.cells) for line in lines)
        text = "\n".join(row.replace("\u00ad", "-") for row in rows)
    elif kind == "list":
        items: list[list[Line]] = []
        for line in lines:
            if items and not _BULLET.match(line.text):
                items[-1].append(line)
            else:
                items.append([line])
        text = "\n".join(_joined(item, whole) for item in items)
    else:
        text = _joined(lines, whole)
        if kind == "heading":
            level = levels.get(_look(lines[0]), 6)
            number = _NUMBERED.match(text)
            if number and lines[0].size < 1.12 * body:
                level = min(6, level + text.split()[0].strip(".").count("."))
    return Piece(kind, text, level, lines[0].page, hull([line.box for line in lines]))
