"""Tables as lines ``a | b | c``, merged cells said once, empty columns left out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

# Spans reaching further right are not followed: no real table is as wide, hostile ones are.
_WIDEST = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as a file describes it: its text on one line, and how far it reaches."""

    text: str
    columns: int = 1
    rows: int = 1


def rows_to_text(rows: Sequence[Sequence[Cell]]) -> str:
    """One line a row; columns stay aligned where cells reach over several rows or columns.

    Rows and columns without any text are left out. A cell's text stands in its first place only.
    """
    placed: list[dict[int, str]] = []
    reaching: dict[int, int] = {}  # column -> rows it is still taken by a cell from above
    for row in rows:
        line: dict[int, str] = {}
        taken, reaching = (
            reaching,
            {column: left - 1 for column, left in reaching.items() if left > 1},
        )
        column = 0
        for cell in row:
            while column in taken:
                column += 1
            line[column] = cell.text
            wide = max(1, min(cell.columns, _WIDEST - column))
            if cell.rows != 1:
                # 0 means down to the end of the table.
                down = (cell.rows or len(rows)) - 1
                for covered in range(column, min(column + wide, _WIDEST)):
                    reaching[covered] = max(reaching.get(covered, 0), down)
            column += wide
        placed.append(line)
    used = sorted({column for line in placed for column, text in line.items() if text})
    lines = []
    for line in placed:
        last = max((column for column, text in line.items() if text), default=-1)
        if last >= 0:
            shown = used[: bisect_right(used, last)]
            lines.append(" | ".join(line.get(column, "") for column in shown))
    return "\n".join(lines)
