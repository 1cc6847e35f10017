"""Running headers, footers and page numbers: what begins or ends page after page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundtone.documents.pdf_lines import LETTERS, Line

REACH = 5
"""Pages looked at before and after a page."""

_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxlc]+|[IVXLC]+")
_MARGIN = 0.085  # of the page's height at each end
_OUTERMOST = 2  # lines at each end that are looked at wherever they stand, if set off


@dataclass(frozen=True, slots=True)
class Edge:
    """A line at a page's end: what to compare, the first number in it, whether it stands in the
    margin, whether it has several figures, as rows of tables have, and whether it is bold."""

    key: str
    number: int | None
    in_margin: bool
    tabular: bool
    bold: bool


def edges(lines: Sequence[Line], height: float) -> dict[int, Edge]:
    """Line number -> what to compare, of the lines at a page's two ends."""
    ordered = sorted(range(len(lines)), key=lambda number: lines[number].top)
    first, last = _set_off([lines[number] for number in ordered])
    found: dict[int, Edge] = {}
    for place, number in enumerate(ordered):
        line = lines[number]
        above, below = line.bottom < _MARGIN * height, line.top > (1 - _MARGIN) * height
        if place < first or above:
            end = "top"
        elif place >= len(lines) - last or below:
            end = "bottom"
        else:
            continue
        if len(line.text) > 200:
            continue
        numbers = _DIGITS.findall(line.text)
        text = _DIGITS.sub("#", line.text)
        value = int(numbers[0]) if numbers and len(numbers[0]) < 7 else None
        if _ROMAN.fullmatch(text):
            text, value = "#roman", None
        words = line.text.split()
        figures = sum(1 for word in words if not LETTERS.search(word) and _DIGITS.search(word))
        tabular = figures >= 2 and figures >= 0.4 * len(words)
        found[number] = Edge(f"{end} {text}", value, above or below, tabular, line.bold)
    return found


def _set_off(lines: Sequence[Line]) -> tuple[int, int]:
    """How many of the first and of the last lines a gap sets off from the rest, 0 to 2 each."""

    def apart(above: Line, below: Line) -> bool:
        return below.top - above.bottom > 0.8 * max(above.size, below.size)

    most = min(_OUTERMOST, len(lines) - 1)
    first = [count for count in range(1, most + 1) if apart(lines[count - 1], lines[count])]
    last = [count for count in range(1, most + 1) if apart(lines[-count - 1], lines[-count])]
    if len(lines) == 1:
        return 1, 0
    return max(first, default=0), max(last, default=0)


def running(
    own: Mapping[int, Edge], page: int, around: Mapping[int, Mapping[int, Edge]], pages: int
) -> set[int]:
    """Numbers of the lines of a page that are no part of its text.

    Args:
        own: the page's edges.
        page: its number.
        around: page number -> edges, of the pages at most `REACH` away that have text, this one
            included.
        pages: how many pages the file has.
    """
    counts: Counter[str] = Counter()
    steps: Counter[tuple[str, int]] = Counter()  # (key, its number less the page's)
    for other, found in around.items():
        counts.update({edge.key for edge in found.values()})
        steps.update({(e.key, e.number - other) for e in found.values() if e.number is not None})
    least = max(3, 0.4 * len(around))
    most = max(least, 0.6 * len(around))  # similar chapters may begin alike, in bold
    gone: set[int] = set()
    for number, edge in own.items():
        if edge.tabular and not edge.in_margin:
            continue
        counted = edge.number is not None and steps[edge.key, edge.number - page]
        if not LETTERS.search(edge.key.partition(" ")[2]):
            # A lone number must count along with the pages.
            if counted and counted >= (2 if edge.in_margin else 3):
                gone.add(number)
        elif counts[edge.key] >= (least if edge.in_margin or not edge.bold else most) or (
            edge.in_margin and counted and pages < 5 and counted >= 2
        ):
            gone.add(number)
    return gone
