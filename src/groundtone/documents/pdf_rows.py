"""Lines of a table to rows: a cell may run over several lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from groundtone.documents.pdf_cells import is_figure
from groundtone.documents.pdf_lines import LETTERS
from groundtone.documents.pdf_row import Columns, Row
from groundtone.documents.pdf_rules import Rules

_RUNS_ON = (",", "-", "–", " and", " or", " of", " the", " for", " to", " in", " by", " with", "(")


def rows_of_lines(
    rows: Sequence[Row],
    columns: Columns,
    numeric: bool,
    drawn: Rules | None,
) -> list[list[Row]]:
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


def _ruled_rows(rows: Sequence[Row], drawn: Rules) -> list[list[Row]]:
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
    groups: list[list[Row]] = []
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


def _drawn_by_column(rows: Sequence[Row], columns: Columns) -> bool:
    """Whether the file draws the table column after column: its order then tells no rows."""
    several = [row for row in rows if len(row.cells) > 1]
    if len(several) < 2 or len(columns) < 2:
        return False
    return several[-1].cells[0].order < several[0].cells[-1].order


def _runs_on(
    group: Sequence[Row],
    row: Row,
    columns: Columns,
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
