"""The tables on one sheet: runs of rows, and of columns, with nothing between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from groundtone.documents.tablehead import header_rows, is_amount, is_number

# Rows above a table with a single text are its name, not its columns'.
_MOST_NAMES = 5
_SPARSEST = 20
_SMALL = 10_000
_MOST_HEADER_ROWS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One row with something in it: its number from 1, and column number from 1 -> text."""

    number: int
    cells: dict[int, str]


@dataclass(frozen=True, slots=True)
class Region:
    """Rows and columns that belong together.

    Attributes:
        rows: in order, none of them empty.
        columns: the numbers of all columns with something in them, in order.
    """

    rows: list[Row]
    columns: list[int]

    @property
    def is_table(self) -> bool:
        return len(self.rows) > 1 and len(self.columns) > 1

    def lines(self) -> list[list[str]]:
        """The cells, one list a row, "" where there is nothing before the row's last.

        Where nearly all places are empty they are left out: a hundred thousand cells on a diagonal
        would fill gigabytes.
        """
        filled = sum(len(row.cells) for row in self.rows)
        if len(self.rows) * len(self.columns) > _SPARSEST * filled + _SMALL:
            return [[row.cells[column] for column in sorted(row.cells)] for row in self.rows]
        return [
            [
                row.cells.get(c, "")
                for c in self.columns[: bisect_right(self.columns, max(row.cells))]
            ]
            for row in self.rows
        ]

    def header(self) -> int:
        """How many of its rows name its columns."""
        for at, row in enumerate(self.rows[1 : _MOST_HEADER_ROWS + 1], 1):
            if row.number > self.rows[at - 1].number + 1 and _is_header(self.rows[:at]):
                return at  # set off by an empty row
        return header_rows([[row.cells.get(c, "") for c in self.columns] for row in self.rows[:60]])


def regions(rows: Iterable[Row]) -> Iterator[Region]:
    """Take a sheet apart.

    An empty row ends a table, unless what follows fills the same columns with amounts where there
    were amounts, or what stands above names the columns of what follows. An empty column divides
    tables side by side only where the right one has labels of its own in its first column; amounts
    to the right of a gap still belong to the labels at their left. Single texts above a table come
    out on their own.

    Args:
        rows: rows with something in them, in order; holds one table at a time in memory.
    """
    run: list[Row] = []
    for row in rows:
        gap = row.number - run[-1].number - 1 if run else 0
        if gap and not (_goes_on(run, row) or (gap == 1 and _heads(run, row))):
            yield from _apart(run)
            run = []
        run.append(row)
    if run:
        yield from _apart(run)


def _goes_on(run: Sequence[Row], row: Row) -> bool:
    last = run[-1].cells
    return (
        len(row.cells) > 1
        and row.cells.keys() == last.keys()
        and [is_number(row.cells[column]) for column in row.cells]
        == [is_number(last[column]) for column in row.cells]
        and any(map(is_number, last.values()))
    )


def _heads(run: Sequence[Row], row: Row) -> bool:
    """Are the rows so far the header of what begins after an empty row?"""
    names = _names(run)
    return (
        _is_header(run[names:])
        and any(map(is_amount, row.cells.values()))
        and row.cells.keys() - {min(row.cells)} <= {c for above in run[names:] for c in above.cells}
    )


def _is_header(rows: Sequence[Row]) -> bool:
    return (
        0 < len(rows) <= _MOST_HEADER_ROWS
        and any(len(row.cells) > 1 for row in rows)
        and not any(is_amount(text) for row in rows for text in row.cells.values())
    )


def _names(run: Sequence[Row]) -> int:
    """How many rows at the top are single texts above a table."""
    names = 0
    while (
        names < min(len(run), _MOST_NAMES)
        and len(run[names].cells) == 1
        and any(len(row.cells) > 1 for row in run[names + 1 : names + 3])
        and not any(map(is_number, run[names].cells.values()))
    ):
        names += 1
    return names


def _apart(run: list[Row]) -> Iterator[Region]:
    """One run of rows: names above it first, then its tables from left to right."""
    names = _names(run)
    for name in run[:names]:
        yield Region([name], list(name.cells))
    run = run[names:]
    used = sorted({column for row in run for column in row.cells})
    groups: list[list[int]] = []
    for column in used:
        if groups and column == groups[-1][-1] + 1:
            groups[-1].append(column)
        else:
            groups.append([column])
    merged = [groups[0]]
    for group in groups[1:]:
        if _stands_alone(run, group) and _stands_alone(run, merged[-1]):
            merged.append(group)
        else:
            merged[-1].extend(group)
    if len(merged) == 1:
        yield Region(run, merged[0])
        return
    place = {column: number for number, columns in enumerate(merged) for column in columns}
    apart: list[list[Row]] = [[] for _ in merged]
    for row in run:
        split: dict[int, dict[int, str]] = {}
        for column, text in row.cells.items():
            split.setdefault(place[column], {})[column] = text
        for number, cells in split.items():
            apart[number].append(Row(row.number, cells))
    for inside in apart:
        yield from regions(inside)


def _stands_alone(run: Sequence[Row], columns: Sequence[int]) -> bool:
    """Has a group of columns labels in its first column, and something beside them?"""
    if len(columns) < 2:
        return False
    first = [row.cells[columns[0]] for row in run[:60] if columns[0] in row.cells]
    labels = sum(any(map(str.isalpha, text)) for text in first)
    return labels >= 2 and labels * 2 > len(first)
