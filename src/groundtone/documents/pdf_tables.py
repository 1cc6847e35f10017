"""Finding the tables among a region's lines: rows whose cells stand below one another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from groundtone.documents.pdf_cells import Cell, is_figure
from groundtone.documents.pdf_lines import Line

_MOST_BETWEEN = 6  # labels and wrapped cells between two rows of several cells


def find_tables(lines: Sequence[Line], rows: Sequence[Sequence[Cell]]) -> list[range]:
    """Numbers of the lines of each table, from its header on.

    Args:
        lines: one region's, from top to bottom.
        rows: the cells of each.
    """
    several = [number for number, row in enumerate(rows) if len(row) > 1]
    spans: list[list[int]] = []
    for place, second in enumerate(several[1:], 1):
        first = several[place - 1]
        open_span = bool(spans) and spans[-1][1] == first
        lowest = spans[-1][0] if open_span else first
        # Rows with empty cells line up only with some of those above.
        above = [other for other in several[max(0, place - 4) : place] if other >= lowest]
        if not _close(lines, rows, first, second) or not any(
            _aligned(lines, rows, other, second) for other in above
        ):
            continue
        if open_span:
            spans[-1][1] = second
        else:
            spans.append([first, second])
    found: list[range] = []
    for place, (first, last) in enumerate(spans):
        if place + 1 < len(spans) and _only_names(lines, rows, first, last, spans[place + 1][0]):
            continue  # the header of the next one
        if not _is_table([rows[number] for number in range(first, last + 1)]):
            continue
        lowest = found[-1].stop if found else 0
        found.append(
            range(_with_header(lines, rows, first, last, lowest), _with_rest(lines, rows, last) + 1)
        )
    return found


def _only_names(
    lines: Sequence[Line], rows: Sequence[Sequence[Cell]], first: int, last: int, below: int
) -> bool:
    """Whether rows hold no figures and stand close above the next rows of several cells."""
    return (
        below - last <= 2
        and last - first <= 4
        and lines[below].top - lines[last].bottom < 3 * lines[last].size
        and not any(is_figure(cell.text) for row in rows[first : last + 1] for cell in row)
        and any(is_figure(cell.text) for row in rows[below : below + 5] for cell in row[1:])
    )


def _close(lines: Sequence[Line], rows: Sequence[Sequence[Cell]], first: int, second: int) -> bool:
    """Whether what stands between two rows, and how far they are apart, lets them be of one
    table."""
    if second - first > _MOST_BETWEEN + 1:
        return False
    size = max(lines[first].size, lines[second].size)
    if (
        second - first > 1
        and rows[second][0].left > rows[first][0].right + 3 * size
        and not any(is_figure(cell.text) for cell in rows[second])
        and any(is_figure(cell.text) for cell in rows[first][1:])
    ):
        return False  # the titles of another table
    for above, below in pairwise(range(first, second + 1)):
        if lines[below].top - lines[above].bottom > 3.2 * size:
            return False
    beyond = min(cell.left for number in (first, second) for cell in rows[number][1:])
    lefts = [cell.left for number in (first, second) for cell in rows[number][1:]]
    for number in range(first + 1, second):
        line = lines[number]
        label = line.right < beyond + 0.5 * size
        below_cell = any(abs(line.left - left) < 0.6 * size for left in lefts)
        if not label and not below_cell and len(line.text) >= 70:
            return False
        if label and len(line.text) >= 160:
            return False
    return True


def _aligned(
    lines: Sequence[Line], rows: Sequence[Sequence[Cell]], first: int, second: int
) -> bool:
    slack = 0.6 * max(lines[first].size, lines[second].size)
    if len(rows[first]) == len(rows[second]) > 2 and all(
        one.left < two.right and two.left < one.right
        for one, two in zip(rows[first], rows[second], strict=True)
    ):
        return True
    figures = [cell for cell in rows[second][1:] if is_figure(cell.text)]
    beside = [cell for cell in rows[first][1:] if is_figure(cell.text)]
    if len(figures) > 1 and all(
        any(
            min(one.right, two.right) - max(one.left, two.left)
            > 0.4 * min(one.right - one.left, two.right - two.left)
            for two in beside
        )
        for one in figures
    ):
        return True
    return any(
        abs(one.left - two.left) < slack
        or abs(one.right - two.right) < slack
        or abs(one.middle - two.middle) < slack
        for one in rows[first][1:]
        for two in rows[second][1:]
    )


def _is_table(rows: Sequence[Sequence[Cell]]) -> bool:
    """Figures, or texts that keep to their columns: stretched lines line up by chance."""
    beside = [cell for row in rows for cell in row[1:]]
    figures = sum(1 for cell in beside if is_figure(cell.text))
    if figures >= 0.3 * len(beside):
        return True
    full = [row for row in rows if len(row) > 1]
    if len(full) < 2:
        return False
    lefts = sorted(cell.left for cell in beside)
    most = max(sum(1 for other in lefts if abs(other - left) < 6) for left in lefts)
    middles = sorted(cell.middle for cell in beside)
    most = max(most, *(sum(1 for o in middles if abs(o - middle) < 6) for middle in middles))
    words = sum(len(cell.words) for cell in beside) / len(beside)
    return most >= 0.6 * len(full) and words < 14


def _with_header(
    lines: Sequence[Line], rows: Sequence[Sequence[Cell]], first: int, last: int, lowest: int
) -> int:
    """The first row of the header above: titles over one or several columns."""
    body = [cell for number in range(first, last + 1) for cell in rows[number][1:]]
    beyond = min(cell.left for cell in body)
    label = min(row[0].left for row in rows[first : last + 1])
    right = max(cell.right for cell in body)
    nearest, middle = label + 0.5 * (beyond - label), (label + right) / 2

    def is_title(row: Sequence[Cell]) -> bool:
        return len(row) > 1 or not (
            row[0].left < nearest
            or len(row[0].words) > 12
            or abs(row[0].middle - middle) < 0.03 * (right - label)  # a line over all of it
        )

    while first > lowest:
        above, size = lines[first - 1], lines[first].size
        gap = lines[first].top - above.bottom
        if gap > 1.3 * size or above.size > 1.3 * size or len(above.text) > 160:
            break
        if not is_title(rows[first - 1]):
            # The first label may stand between the titles and the first figures.
            labelled = rows[first - 1][0].right < beyond and first - 2 >= lowest
            if not (labelled and above.text.endswith(":") and is_title(rows[first - 2])):
                break
            if above.top - lines[first - 2].bottom > 1.3 * size:
                break
            first -= 1
        first -= 1
    return first


def _with_rest(lines: Sequence[Line], rows: Sequence[Sequence[Cell]], last: int) -> int:
    """The last line of the last row, whose label or cells may run on."""
    while last + 1 < len(lines) and len(rows[last + 1]) == 1 and len(rows[last]) > 1:
        line, below = lines[last], lines[last + 1]
        under = any(abs(cell.left - below.left) < 0.4 * line.size for cell in rows[last][1:])
        runs_on = below.text[:1].islower() and below.right < rows[last][1].left
        if below.top - line.bottom > 0.35 * line.size or not (runs_on or under):
            break
        last += 1
    return last
