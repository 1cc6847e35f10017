"""Lines of words on pages to blocks: paragraphs, headings, lists, tables.

The order is the file's own, which programs that write PDFs keep as the reading order, columns
included. All sizes and places are PDF points from the shown page's top left corner.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from groundtone.documents.document import BlockKind, Box

_BULLET = re.compile(r"[•‣◦▪●○■□–—*·-]\s|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)]\s")
_NUMBERED = re.compile(r"(?:\d{1,2}|[A-Z])(?:\.\d{1,3})*\.?\s+\S")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = frozenset("$€£¥(")
_CLOSING = frozenset(")%")
_DOTS = frozenset("•‣◦▪●○■□–—*·-")
# Where running headers and footers stand: this share of the page's height at each end.
_MARGIN = 0.12
# Lines of one cell looked back over for a cell beside it; two short columns look alike.
_HIGHEST_CELL = 4


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a space between them."""

    text: str
    box: Box
    size: float
    bold: bool


@dataclass(slots=True)
class Line:
    """Words on one line, in reading order, and the size of the page they stand on."""

    page: int
    words: list[Word]
    page_width: float
    page_height: float
    box: Box = field(init=False)
    size: float = field(init=False)
    bold: bool = field(init=False)
    cells: list[tuple[float, float, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.box = _hull([word.box for word in self.words])
        sizes: Counter[float] = Counter()
        for word in self.words:
            sizes[word.size] += len(word.text)
        self.size = max(sizes, key=lambda size: (sizes[size], size))
        letters = sum(len(word.text) for word in self.words)
        self.bold = sum(len(word.text) for word in self.words if word.bold) > 0.8 * letters
        self.cells = _cells(self.words, self.size)

    def joined(self, other: Line) -> Line:
        """One row of both: what stands below a cell belongs to it, what stands beside is new."""
        row = Line(self.page, self.words + other.words, self.page_width, self.page_height)
        cells = list(self.cells)
        for left, right, text in other.cells:
            for number, (left2, right2, text2) in enumerate(cells):
                if min(right, right2) - max(left, left2) > 0.3 * min(right - left, right2 - left2):
                    cells[number] = (min(left, left2), max(right, right2), f"{text2} {text}")
                    break
            else:
                cells.append((left, right, text))
        row.cells = []
        for left, right, text in sorted(cells):
            if row.cells and left - row.cells[-1][1] < 0.7 * row.size:  # a footnote's number
                first, _, before = row.cells[-1]
                row.cells[-1] = (first, right, f"{before} {text}")
            else:
                row.cells.append((left, right, text))
        return row

    @property
    def sideways(self) -> bool:
        """Whether it runs up or down the page, as stamps in margins do."""
        wide, high = self.box[2] - self.box[0], self.box[3] - self.box[1]
        return high > 2 * wide and len(self.text) > 3

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


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
    kept = [_rows_made_whole(page) for page in _without_running_lines(pages)]
    lines = [line for page in kept for line in page]
    if not lines:
        return
    body = _body_size(lines)
    levels = _heading_levels(lines, body)
    whole = {word for line in lines for word in _compounds(line.text)}
    for page in kept:
        for group, kind in _groups(page, body):
            yield _piece(group, kind, levels, body, whole)


def _hull(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _cells(words: Sequence[Word], size: float) -> list[tuple[float, float, str]]:
    """(left, right, text) of the parts of a line that wide gaps set apart."""
    cells: list[tuple[float, float, str]] = []
    for word in words:
        left, _, right, _ = word.box
        if cells:
            start, end, text = cells[-1]
            near = left - end < max(size, 4.0)
            # A currency sign belongs to its number, wherever the accountant put it.
            if (near and left >= start) or text in _SIGNS or text in _DOTS or word.text in _CLOSING:
                cells[-1] = (start, max(end, right), f"{text} {word.text}")
                continue
        cells.append((left, right, word.text))
    return cells


def _rows_made_whole(lines: Sequence[Line]) -> list[Line]:
    """Join what stands side by side: table rows are often drawn cell by cell, and a cell may have
    several lines of its own, so that the next cell begins further up again."""
    rows: list[Line] = []
    for line in lines:
        first = _beside(rows, line)
        if first < len(rows):
            whole = rows[first]
            for part in [*rows[first + 1 :], line]:
                whole = whole.joined(part)
            rows[first:] = [whole]
        else:
            rows.append(line)
    return rows


def _beside(rows: Sequence[Line], line: Line) -> int:
    """Number of the first of the last rows that `line` stands to the right of; their count if it
    stands below them all."""
    none = len(rows)
    if not rows:
        return none
    slack = 0.3 * line.size
    last = rows[-1]
    if len(last.cells) > 1 and line.box[0] >= last.cells[-2][1] - slack:
        # The rest of the row's last cell; numbers below it are a row of their own.
        down = line.box[1] - last.box[3]
        if line.box[1] > last.box[1] and (
            down < -slack or (down < 0.2 * line.size and bool(_WORD.search(line.text)))
        ):
            return none - 1
    if line.box[1] >= last.box[3] - slack or line.box[0] < last.box[2] - slack:
        return none
    first = none
    while first > 0 and none - first < _HIGHEST_CELL:
        above = rows[first - 1]
        if (
            above.box[3] <= line.box[1] + slack
            or above.box[2] > line.box[0] + slack
            or above.box[1] < line.box[1] - 2 * line.size
            or (first < none and above.box[1] >= rows[first].box[1])
        ):
            break
        first -= 1
    return first


def _without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Leave out what begins or ends most pages, whatever number stands in it."""
    outer = [_outer(page) for page in pages]
    seen: Counter[str] = Counter()
    for names in outer:
        seen.update(set(names.values()))
    most = max(3, sum(1 for page in pages if page) // 2 + 1)
    return [
        [line for number, line in enumerate(page) if seen[names.get(number, "")] < most]
        for page, names in zip(pages, outer, strict=True)
    ]


def _outer(page: Sequence[Line]) -> dict[int, str]:
    """Line number -> what to compare, of lines in the margins and the two outermost at each end."""
    ordered = sorted(range(len(page)), key=lambda number: page[number].box[1])
    names = {}
    for place, number in enumerate(ordered):
        line = page[number]
        if place < 2 or line.box[3] < _MARGIN * line.page_height:
            edge = "top"
        elif place >= len(page) - 2 or line.box[1] > (1 - _MARGIN) * line.page_height:
            edge = "bottom"
        else:
            continue
        names[number] = f"{edge} {_DIGITS.sub('#', line.text)}"
    return names


def _body_size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size))


def _is_heading(line: Line, body: float) -> bool:
    text = line.text
    if len(text) > 150 or len(line.cells) > 2 or not _WORD.search(text) or line.sideways:
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
    return Piece(kind, text, level, lines[0].page, _hull([line.box for line in lines]))
