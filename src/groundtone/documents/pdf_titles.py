"""A table's header of several lines as one row: each column's titles, those above them included."""

from __future__ import annotations

import re
from collections.abc import Sequence

from groundtone.documents.pdf_row import Columns, Row, joined_cells, nearest_column, row_text

_UNIT = re.compile(r"\(.*\)$")


def header_text(rows: Sequence[Row], columns: Columns) -> str:
    """The header row; a title over several columns is said in each."""
    parts: list[list[str]] = [[] for _ in columns]
    columns = _with_titles(rows, columns)
    for row in rows:
        spans = _shares(row, columns) or _spans(row, columns)
        for cell, (first, last) in zip(row.cells, spans, strict=True):
            if len(row.cells) == 1 and _UNIT.match(cell.text):
                first = last = 0  # "(in millions)" is said once, beside the titles
            for number in range(first, last + 1):
                parts[number].append(cell.text)
    return row_text([joined_cells(part) for part in parts])


def _with_titles(rows: Sequence[Row], columns: Columns) -> list[tuple[float, float]]:
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


def _shares(row: Row, columns: Columns) -> list[tuple[int, int]]:
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


def _spans(row: Row, columns: Columns) -> list[tuple[int, int]]:
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
        ] or [nearest_column(cell, columns)]
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
