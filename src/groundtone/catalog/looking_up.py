"""Rows by their keys, as every search asks for them.

Putting a statement together and wrapping its result takes SQLAlchemy five times as long as SQLite
needs to answer, so these few statements are written here, and their results left plain.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import JSON, Connection, Table


class LookUp:
    """Whole rows of a table that have one of the given values in each of some columns.

    Args:
        table: whose rows.
        by: the columns' names.
    """

    def __init__(self, table: Table, *by: str) -> None:
        columns = list(table.columns)
        self._row: Any = namedtuple("Row", [column.name for column in columns])  # type: ignore[misc]
        self._json = [at for at, column in enumerate(columns) if isinstance(column.type, JSON)]
        names = ", ".join(f'"{column.name}"' for column in columns)
        self._select = f'SELECT {names} FROM "{table.name}" WHERE '
        self._by = by

    def __call__(self, connection: Connection, *among: Sequence[Any]) -> list[Any]:
        """The rows, in no order, as named tuples.

        Args:
            among: the values for each column, at most some hundreds in all.
        """
        if not all(among):
            return []
        marks = _marks(connection.dialect.paramstyle, tuple(map(len, among)))
        where = " AND ".join(
            f'"{name}" IN {mark}' for name, mark in zip(self._by, marks, strict=True)
        )
        found = connection.exec_driver_sql(self._select + where, tuple(chain(*among)))
        return [self._row(*self._read(list(row))) for row in found]

    def _read(self, values: list[Any]) -> list[Any]:
        """The same with JSON read, where the database leaves that to us."""
        for at in self._json:
            if isinstance(values[at], str):
                values[at] = json.loads(values[at])
        return values


@lru_cache(maxsize=4_096)
def _marks(style: str, counts: tuple[int, ...]) -> tuple[str, ...]:
    """Places for so many values each, as the database's driver writes them."""
    mark = "?" if style == "qmark" else "%s"
    return tuple(f"({', '.join([mark] * count)})" for count in counts)
