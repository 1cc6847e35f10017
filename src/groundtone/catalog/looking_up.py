"""Rows by their keys, as every search asks for them.

Putting a statement together and wrapping its result takes SQLAlchemy five times as long as SQLite
needs to answer, so these few statements are written here, and their results left plain.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, Connection, Table


class LookUp:
    """Rows of a table that have one of the given values in each of some columns.

    Args:
        table: whose rows.
        by: the columns' names.
        row: a named tuple of the wanted columns; None: one of all of them.
    """

    def __init__(self, table: Table, *by: str, row: Any = None) -> None:
        names = row._fields if row else [column.name for column in table.columns]
        self._row: Any = row or namedtuple("Row", names)
        self._json = [at for at, name in enumerate(names) if isinstance(table.c[name].type, JSON)]
        columns = ", ".join(f'"{name}"' for name in names)
        self._select = f'SELECT {columns} FROM "{table.name}" WHERE '
        self._by = by
        self._values = itemgetter(*map(list(names).index, by))

    def __call__(
        self,
        connection: Connection,
        *among: Sequence[Any],
        only: Container[tuple[Any, ...]] | None = None,
    ) -> list[Any]:
        """The rows, in no order, as named tuples.

        Args:
            among: the values for each column, at most some hundreds in all.
            only: of the rows with these values, those with these values together; None: all.
        """
        if not all(among):
            return []
        marks = _marks(connection.dialect.paramstyle, tuple(map(len, among)))
        pairs = zip(self._by, marks, strict=True)
        where = " AND ".join(f'"{name}" IN {mark}' for name, mark in pairs)
        found = connection.exec_driver_sql(self._select + where, tuple(chain(*among)))
        rows = found.all()
        if only is not None:
            rows = [row for row in rows if self._values(row) in only]
        return [self._row._make(self._read(list(row))) for row in rows]

    def _read(self, values: list[Any]) -> list[Any]:
        """The same with JSON read, where the database leaves that to us."""
        for at in self._json:
            if isinstance(values[at], str):
                values[at] = {} if values[at] == "{}" else json.loads(values[at])
        return values


@lru_cache(maxsize=4_096)
def _marks(style: str, counts: tuple[int, ...]) -> tuple[str, ...]:
    """Places for so many values each, as the database's driver writes them."""
    mark = "?" if style == "qmark" else "%s"
    return tuple(f"({', '.join([mark] * count)})" for count in counts)
