"""A table's lines of cells to rows of columns, with its header said in one row.

Columns are where the cells of many rows stand above one another; lines are joined to one row where
a cell runs over several. A title over several columns is repeated in each, so that the header row
tells by itself what a figure below it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundtone.documents.pdf_cells import Cell, is_figure
from groundtone.documents.pdf_gutters import placed, table_columns
from groundtone.documents.pdf_lines import Line
from groundtone.documents.pdf_row import Row, joined_cells, row_text
from groundtone.documents.pdf_rows import rows_of_lines
from groundtone.documents.pdf_rules import Rules
from groundtone.documents.pdf_titles import header_text


@dataclass(slots=True)
class Table:
    """Rows as text, of which the first `header` are the header (0 without), the places of the
    columns in points, and the lines it was made of."""

    rows: list[str]
    header: int
    columns: list[tuple[float, float]]
    lines: list[Line]


def build_tables(
    lines: Sequence[Line], rows: Sequence[list[Cell]], drawn: Rules | None
) -> list[Table]:
    """The tables that a run of rows holds: a second header begins a second table.

    Args:
        lines, rows: the run, as found by `find_tables`.
        drawn: the page's ruling lines in the frame of the lines, if there are any.
    """
    whole = [Row(line, row) for line, row in zip(lines, rows, strict=True)]
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


def _label_end(rows: Sequence[Row]) -> float:
    """Left of this a cell is a row's label, right of it the title of a column."""
    figures = sorted(c.left for row in rows for c in row.cells[1:] if is_figure(c.text))
    left = min(row.cells[0].left for row in rows)
    return left + 0.5 * (figures[len(figures) // 10] - left) if figures else left


def _is_title(row: Row, label: float, left: float) -> bool:
    """Whether a row only names columns, none of its cells being a label."""
    first = row.cells[0]
    if len(row.cells) == 1 and first.right < 2 * label - left:  # a centred label
        return False
    return first.left > label and not any(is_figure(cell.text) for cell in row.cells)


def _build(rows: list[Row], numeric: bool, drawn: Rules | None) -> Table:
    header = _header_rows(rows) if numeric else 0
    body = rows[header:]
    columns = table_columns(body or rows, rows, None if numeric else drawn)
    text: list[str] = []
    groups = rows_of_lines(body, columns, numeric, drawn)
    if header:
        text.append(header_text(rows[:header], columns))
    elif not numeric and _names_columns(groups):
        header = 1
        below = [row for group in groups[1:] for row in group]
        narrower = table_columns(below, below, drawn)
        if len(narrower) < len(columns):  # a title that stands over no cell of its column
            columns = narrower
    for group in groups:
        parts: list[list[str]] = [[] for _ in columns]
        for row in group:
            for cell in row.cells:
                for number, words in placed(cell, columns, row.line.size):
                    parts[number].append(words)
        text.append(row_text([joined_cells(part) for part in parts]))
    kept = [row for row in text if row.strip(" |")]
    return Table(kept, min(header, 1), columns, [row.line for row in rows])


def _header_rows(rows: Sequence[Row]) -> int:
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


def _names_columns(groups: Sequence[Sequence[Row]]) -> bool:
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
