"""A table's lines of cells to rows of columns, with its header said in one row.

Columns are where the cells of many rows stand above one another; lines are joined to one row where
a cell runs over several. A title over several columns is repeated in each, so that the header row
tells by itself what a figure below it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from groundtone.documents.pdf_cells import Cell, is_figure
from groundtone.documents.pdf_lines import LETTERS, Line
from groundtone.documents.pdf_rules import Rules

_ROW_END = " | "
_UNIT = re.compile(r"\(.*\)$")
_RUNS_ON = (",", "-", "–", " and", " or", " of", " the", " for", " to", " in", " by", " with", "(")


@dataclass(slots=True)
class Table:
    """Rows as text, of which the first `header` are the header (0 without), the places of the
    columns in points, and the lines it was made of."""

    rows: list[str]
    header: int
    columns: list[tuple[float, float]]
    lines: list[Line]


@dataclass(slots=True)
class _Row:
    line: Line
    cells: list[Cell]

    @property
    def has_figure(self) -> bool:
        return any(is_figure(cell.text) for cell in self.cells[1:]) or (
            len(self.cells) == 1 and is_figure(self.cells[0].text)
        )


def build_tables(
    lines: Sequence[Line], rows: Sequence[list[Cell]], drawn: Rules | None
) -> list[Table]:
    """The tables that a run of rows holds: a second header begins a second table.

    Args:
        lines, rows: the run, as found by `find_tables`.
        drawn: the page's ruling lines in the frame of the lines, if there are any.
    """
    whole = [_Row(line, row) for line, row in zip(lines, rows, strict=True)]
    figures = sum(is_figure(cell.text) for row in whole for cell in row.cells[1:])
    beside = sum(len(row.cells) - 1 for row in whole)
    numeric = figures >= 0.3 * max(beside, 1) and figures > 0
    cuts = [0]
    if numeric:
        label, left = _label_end(whole), min(row.cells[0].left for row in whole)
        seen = False
        for number, row in enumerate(whole):
            titles = _is_title(row, label, left)
            if titles and seen and any(r.has_figure for r in whole[number:]):
                cuts.append(number)
                seen = False
            seen = seen or (row.has_figure and len(row.cells) > 1)
    cuts.append(len(whole))
    return [
        _build(whole[start:end], numeric, drawn) for start, end in pairwise(cuts) if start < end
    ]


def _label_end(rows: Sequence[_Row]) -> float:
    """Left of this a cell is a row's label, right of it the title of a column."""
    figures = sorted(c.left for row in rows for c in row.cells[1:] if is_figure(c.text))
    left = min(row.cells[0].left for row in rows)
    return left + 0.5 * (figures[len(figures) // 10] - left) if figures else left


def _is_title(row: _Row, label: float, left: float) -> bool:
    """Whether a row only names columns, none of its cells being a label."""
    first = row.cells[0]
    if len(row.cells) == 1 and first.right < 2 * label - left:  # a centred label
        return False
    return first.left > label and not any(is_figure(cell.text) for cell in row.cells)


def _build(rows: list[_Row], numeric: bool, drawn: Rules | None) -> Table:
    header = _header_rows(rows) if numeric else 0
    body = rows[header:]
    columns = _columns(body or rows, rows, None if numeric else drawn)
    text: list[str] = []
    groups = _grouped(body, columns, numeric, drawn)
    if header:
        text.append(_header(rows[:header], columns))
    elif not numeric and _names_columns(groups):
        header = 1
        below = [row for group in groups[1:] for row in group]
        narrower = _columns(below, below, drawn)
        if len(narrower) < len(columns):  # a title that stands over no cell of its column
            columns = narrower
    for group in groups:
        parts: list[list[str]] = [[] for _ in columns]
        for row in group:
            for cell in row.cells:
                for number, words in _placed(cell, columns, row.line.size):
                    parts[number].append(words)
        text.append(_row([_joined(part) for part in parts]))
    kept = [row for row in text if row.strip(" |")]
    return Table(kept, min(header, 1), columns, [row.line for row in rows])


def _row(cells: Sequence[str]) -> str:
    last = max((number for number, cell in enumerate(cells) if cell), default=-1)
    return _ROW_END.join(cells[: last + 1])


def _joined(parts: Sequence[str]) -> str:
    text = ""
    for part in parts:
        if text.endswith("\u00ad"):
            text = text[:-1] + part
        else:
            text += (" " if text else "") + part
    return text


def _header_rows(rows: Sequence[_Row]) -> int:
    """How many of a table of figures' first lines name its columns."""
    if len(rows) < 2:
        return 0
    label, left = _label_end(rows), min(row.cells[0].left for row in rows)
    count = 0
    for number, row in enumerate(rows[:12]):
        if row.has_figure:
            break
        if len(row.cells) == 1 and not _is_title(row, label, left):
            # A unit such as "(in millions)" may stand beside the titles' last line.
            below = rows[number + 1 : number + 2]
            if not (below and _is_title(below[0], label, left) and number < 3):
                break
        count = number + 1
    return count if count < len(rows) else 0


def _names_columns(groups: Sequence[Sequence[_Row]]) -> bool:
    """Whether the first row of a table of words is its header: alone in bold, or short names for
    every column."""
    if len(groups) < 2:
        return False
    first = groups[0]
    if first[0].line.bold and not all(row.line.bold for group in groups[1:] for row in group):
        return len(first[0].cells) > 1
    most = max(len(row.cells) for group in groups for row in group)
    names = first[0].cells
    return (
        len(groups) > 2
        and len(names) == most
        and all(len(cell.text) <= 40 for cell in names)
        and not names[0].text.endswith(":")
        and sum(len(row.cells) for row in groups[1]) > 1
    )


def _columns(
    body: Sequence[_Row], rows: Sequence[_Row], drawn: Rules | None
) -> list[tuple[float, float]]:
    """(left, right) of each column."""
    ruled = _ruled_columns(rows, drawn)
    if ruled:
        return ruled
    several = [row for row in body if len(row.cells) > 1] or [r for r in rows if len(r.cells) > 1]
    left = min(cell.left for row in rows for cell in row.cells)
    right = max(cell.right for row in rows for cell in row.cells)
    wide = int(right - left) + 2
    cover = [0] * (wide + 1)
    for row in several:
        for cell in row.cells:
            cover[int(cell.left - left)] += 1
            cover[int(cell.right - left) + 1] -= 1
    few = int(0.08 * len(several))
    found: list[tuple[float, float]] = []
    now, start = 0, -1
    for place, step in enumerate(cover):
        now += step
        if now > few and start < 0:
            start = place
        elif now <= few and start >= 0:
            found.append((left + start, left + place))
            start = -1
    for row in several if few else ():
        for cell in row.cells:  # columns that few rows fill
            if not any(cell.right > one and cell.left < two for one, two in found):
                found.append((cell.left, cell.right))
                found.sort()
    # Labels that every row lacks still are a column where rows of one cell have them.
    labels = [row.cells[0] for row in body if len(row.cells) == 1]
    outside = [cell for cell in labels if cell.right < found[0][0]]
    if outside:
        found.insert(0, (min(c.left for c in outside), max(c.right for c in outside)))
    return found


def _ruled_columns(rows: Sequence[_Row], drawn: Rules | None) -> list[tuple[float, float]]:
    """Columns between vertical lines that run along most of the table."""
    if drawn is None or not drawn.down:
        return []
    top, bottom = rows[0].line.top, rows[-1].line.bottom
    along: dict[int, float] = {}
    for x, start, end in drawn.down:
        shared = min(end, bottom + 4) - max(start, top - 4)
        if shared > 0:
            along[round(x / 3)] = along.get(round(x / 3), 0.0) + shared
    walls = sorted(3.0 * x for x, length in along.items() if length >= 0.6 * (bottom - top))
    inner = [walls[0]] if walls else []
    for wall in walls[1:]:
        if wall - inner[-1] > 6:
            inner.append(wall)
    left = min(cell.left for row in rows for cell in row.cells)
    right = max(cell.right for row in rows for cell in row.cells)
    between = [wall for wall in inner if left + 3 < wall < right - 3]
    if not between:
        return []
    edges = [min(left, inner[0]) - 1, *between, max(right, inner[-1]) + 1]
    most = max(len(row.cells) for row in rows)
    return list(pairwise(edges)) if len(edges) - 1 >= 0.7 * most else []


def _placed(
    cell: Cell, columns: Sequence[tuple[float, float]], size: float
) -> list[tuple[int, str]]:
    """(column, text) of a cell; of its parts where it runs over a column's end with a gap."""
    reached = [
        n for n, (left, right) in enumerate(columns) if cell.right > left and cell.left < right
    ]
    if len(reached) <= 1:
        return [(reached[0] if reached else _nearest(cell, columns), cell.text)]
    parts: list[tuple[int, list[str]]] = []
    last_right = cell.left
    for word in cell.words:
        middle = (word.left + word.right) / 2
        number = min(
            reached, key=lambda n: max(columns[n][0] - middle, middle - columns[n][1], 0.0)
        )
        if parts and (number == parts[-1][0] or word.left - last_right < 0.42 * size):
            parts[-1][1].append(word.text)
        else:
            parts.append((number, [word.text]))
        last_right = word.right
    return [(number, " ".join(words)) for number, words in parts]


def _nearest(cell: Cell, columns: Sequence[tuple[float, float]]) -> int:
    return min(
        range(len(columns)),
        key=lambda n: max(columns[n][0] - cell.right, cell.left - columns[n][1]),
    )


def _header(rows: Sequence[_Row], columns: Sequence[tuple[float, float]]) -> str:
    parts: list[list[str]] = [[] for _ in columns]
    columns = _with_titles(rows, columns)
    for row in rows:
        spans = _shares(row, columns) or _spans(row, columns)
        for cell, (first, last) in zip(row.cells, spans, strict=True):
            if len(row.cells) == 1 and _UNIT.match(cell.text):
                first = last = 0  # "(in millions)" is said once, beside the titles
            for number in range(first, last + 1):
                parts[number].append(cell.text)
    return _row([_joined(part) for part in parts])


def _with_titles(
    rows: Sequence[_Row], columns: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Columns as wide as the titles that stand over one each."""
    wide = list(columns)
    for row in rows:
        if len(row.cells) != len(columns) - 1 or row.cells[0].left < columns[0][1]:
            continue
        for number, cell in enumerate(row.cells, 1):
            left, right = min(wide[number][0], cell.left), max(wide[number][1], cell.right)
            if left > wide[number - 1][1] and (
                number + 1 == len(wide) or right < wide[number + 1][0]
            ):
                wide[number] = (left, right)
    return wide


def _shares(row: _Row, columns: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """As `_spans`, where every column has the title nearest to it and every title stands in the
    middle over its columns; else []."""
    if len(columns) <= len(row.cells) + 1 or row.cells[0].left < columns[0][1]:
        return []
    shares: list[list[int]] = [[] for _ in row.cells]
    for number, (left, right) in enumerate(columns[1:], 1):
        middle = (left + right) / 2
        titles = [abs(cell.middle - middle) for cell in row.cells]
        shares[titles.index(min(titles))].append(number)
    found = [(share[0], share[-1]) for share in shares if share]
    middles = [(columns[first][0] + columns[last][1]) / 2 for first, last in found]
    if len(found) < len(row.cells) or any(
        abs(cell.middle - middle) > 1.5 * row.line.size
        for cell, middle in zip(row.cells, middles, strict=True)
    ):
        return []
    return found


def _spans(row: _Row, columns: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """(first, last) column that each cell of a header's row stands over.

    A title over several columns is centred over them: of the runs of columns that it must cover,
    the one whose middle is nearest is taken.
    """
    must: list[tuple[int, int]] = []
    for cell in row.cells:
        under = [
            number
            for number, (left, right) in enumerate(columns)
            if min(cell.right, right) - max(cell.left, left)
            > 0.35 * min(right - left, cell.right - cell.left)
        ] or [_nearest(cell, columns)]
        must.append((under[0], under[-1]))
    found: list[tuple[int, int]] = []
    for number, cell in enumerate(row.cells):
        lowest = max(must[number - 1][1], found[-1][1]) + 1 if number else 0
        highest = must[number + 1][0] - 1 if number + 1 < len(must) else len(columns) - 1
        first, last = max(must[number][0], min(lowest, len(columns) - 1)), must[number][1]
        last = max(first, last)
        best = (first, last)
        nearest = abs(cell.middle - (columns[first][0] + columns[last][1]) / 2)
        whole = (columns[min(1, len(columns) - 1)][0] + columns[-1][1]) / 2
        if len(row.cells) == 1 and first > 0 and abs(cell.middle - whole) < 1.5 * row.line.size:
            best = (1, len(columns) - 1)
        elif first > 0 or last > 0:  # a label names no further column
            for one in range(max(min(lowest, first), 1 if first else 0), first + 1):
                for two in range(last, max(highest, last) + 1):
                    distance = abs(cell.middle - (columns[one][0] + columns[two][1]) / 2)
                    if distance < nearest - 0.5 * row.line.size:
                        best, nearest = (one, two), distance
        found.append(best)
    return found


def _grouped(
    rows: Sequence[_Row],
    columns: Sequence[tuple[float, float]],
    numeric: bool,
    drawn: Rules | None,
) -> list[list[_Row]]:
    """Lines that make one row, row by row."""
    if not rows:
        return []
    if not numeric and drawn is not None:
        ruled = _ruled_rows(rows, drawn)
        if ruled:
            return ruled
    by_column = _drawn_by_column(rows, columns)
    steps = [
        below.line.bottom - above.line.bottom
        for above, below in pairwise(rows)
        if len(above.cells) > 1 and len(below.cells) > 1
    ]
    step = median(steps) if steps else 0.0
    groups = [[rows[0]]]
    for row in rows[1:]:
        if _runs_on(groups[-1], row, columns, by_column, step):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _ruled_rows(rows: Sequence[_Row], drawn: Rules) -> list[list[_Row]]:
    """Rows between horizontal lines that run along most of the table; [] without."""
    left = min(cell.left for row in rows for cell in row.cells)
    right = max(cell.right for row in rows for cell in row.cells)
    top, bottom = rows[0].line.top, rows[-1].line.bottom
    along: dict[int, float] = {}
    for y, start, end in drawn.across:
        if top < y < bottom:
            shared = min(end, right + 4) - max(start, left - 4)
            if shared > 0:
                along[round(y / 2)] = along.get(round(y / 2), 0.0) + shared
    walls = sorted(2.0 * y for y, length in along.items() if length >= 0.7 * (right - left))
    if not walls:
        return []
    groups: list[list[_Row]] = []
    place = -1
    for row in rows:
        middle = (row.line.top + row.line.bottom) / 2
        band = sum(1 for wall in walls if wall < middle)
        if band == place:
            groups[-1].append(row)
        else:
            groups.append([row])
            place = band
    # Lines at a few places only set off groups of rows.
    return groups if len(groups) >= 0.3 * len(rows) else []


def _drawn_by_column(rows: Sequence[_Row], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the file draws the table column after column: its order then tells no rows."""
    several = [row for row in rows if len(row.cells) > 1]
    if len(several) < 2 or len(columns) < 2:
        return False
    return several[-1].cells[0].order < several[0].cells[-1].order


def _runs_on(
    group: Sequence[_Row],
    row: _Row,
    columns: Sequence[tuple[float, float]],
    by_column: bool,
    step: float,
) -> bool:
    """Whether a line belongs to the row that the lines of `group` make; rows are `step` apart."""
    above = group[-1]
    size = row.line.size
    gap = row.line.top - above.line.bottom
    if gap > 0.6 * size:
        return False
    orders = [cell.order for part in group for cell in part.cells]
    if not by_column and min(orders) < min(cell.order for cell in row.cells) < max(orders):
        return True  # drawn before the row above was done
    first_column = columns[0][1]
    labelled = row.cells[0].left < first_column
    if labelled:
        below, before = row.cells[0].text, above.cells[0].text
        starts_within = below[:1].islower() or below.startswith(("(", "$"))
        continues = below[:1].islower() or before.endswith(_RUNS_ON)
        if all(len(part.cells) == 1 and part.cells[0].left < first_column for part in group):
            # The label's first lines stand alone, the figures beside its last.
            close = row.line.bottom - above.line.bottom < 0.9 * step
            close = close and len(row.cells) > 1
            return (continues or close or (starts_within and len(before) > 40)) and not (
                before.endswith(":")
            )
        return len(row.cells) == 1 and continues and gap < 0.35 * size
    return (
        gap < 0.35 * size
        and all(LETTERS.search(cell.text) for cell in row.cells)
        and len(above.cells) > 1
        and not any(is_figure(cell.text) for cell in above.cells[1:])
    )
