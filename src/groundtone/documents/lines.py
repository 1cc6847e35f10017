"""Words on pages to lines: table rows made whole, running headers and footers left out.

All sizes and places are PDF points from the shown page's top left corner.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from groundtone.documents.document import Box

_DIGITS = re.compile(r"\d+")
LETTERS = re.compile(r"[^\W\d_]+")
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
        self.box = hull([word.box for word in self.words])
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


def rows_made_whole(lines: Sequence[Line]) -> list[Line]:
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


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
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


def hull(boxes: Sequence[Box]) -> Box:
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
            down < -slack or (down < 0.2 * line.size and bool(LETTERS.search(line.text)))
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
