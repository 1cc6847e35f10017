"""Where a table's columns are, and which of them a cell belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from groundtone.documents.pdf_cells import Cell
from groundtone.documents.pdf_row import Columns, Row, nearest_column
from groundtone.documents.pdf_rules import Rules


def table_columns(
    body: Sequence[Row], rows: Sequence[Row], drawn: Rules | None
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


def _ruled_columns(rows: Sequence[Row], drawn: Rules | None) -> list[tuple[float, float]]:
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


def placed(cell: Cell, columns: Columns, size: float) -> list[tuple[int, str]]:
    """(column, text) of a cell; of its parts where it runs over a column's end with a gap."""
    reached = [
        n for n, (left, right) in enumerate(columns) if cell.right > left and cell.left < right
    ]
    if len(reached) <= 1:
        return [(reached[0] if reached else nearest_column(cell, columns), cell.text)]
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
