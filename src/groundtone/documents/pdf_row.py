"""One line of a table with its cells, and how rows are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundtone.documents.pdf_cells import Cell, is_figure
from groundtone.documents.pdf_lines import Line

Columns = Sequence[tuple[float, float]]
"""(left, right) of each column of a table, in points."""

_CELL_END = " | "


@dataclass(slots=True)
class Row:
    """A line that is, or is part of, a row."""

    line: Line
    cells: list[Cell]

    @property
    def has_figure(self) -> bool:
        return any(is_figure(cell.text) for cell in self.cells[1:]) or (
            len(self.cells) == 1 and is_figure(self.cells[0].text)
        )


def row_text(cells: Sequence[str]) -> str:
    """Cells as one line; empty ones at its end are left out."""
    last = max((number for number, cell in enumerate(cells) if cell), default=-1)
    return _CELL_END.join(cells[: last + 1])


def joined_cells(parts: Sequence[str]) -> str:
    """What the lines of one cell say together."""
    text = ""
    for part in parts:
        if text.endswith("\u00ad"):
            text = text[:-1] + part
        else:
            text += (" " if text else "") + part
    return text


def nearest_column(cell: Cell, columns: Columns) -> int:
    """The column that a cell stands over none of is nearest to."""
    return min(
        range(len(columns)),
        key=lambda n: max(columns[n][0] - cell.right, cell.left - columns[n][1]),
    )
