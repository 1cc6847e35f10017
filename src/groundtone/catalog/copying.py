"""A catalog whole into another database, row by row, and compared afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from groundtone.catalog.catalog import Catalog
from groundtone.catalog.schema import facts, metadata
from groundtone.errors import GroundtoneError

ROWS = 500  # in memory at a time
NUL = "\u2400"  # stands for U+0000, which PostgreSQL has not


class NotEmpty(GroundtoneError):
    """The other database holds another catalog already."""


def copy(source: Catalog, target: Catalog, told: Callable[[int, int], None]) -> dict[str, int]:
    """Copy everything, in one transaction there, while nobody writes here.

    Args:
        target: new and empty, or what an earlier copy of the same left.
        told: called with rows done, and of how many.

    Returns:
        how many rows each table has.

    Raises:
        NotEmpty: the target holds something else.
        GroundtoneError: what arrived is not what was sent; nothing is kept there.
    """
    with source.write() as here, target.write() as there:
        sent = {table.name: _digest(here, table) for table in metadata.sorted_tables}
        if _holds_anything(there):
            if sent != {table.name: _digest(there, table) for table in metadata.sorted_tables}:
                raise NotEmpty(
                    f"{target.where} holds another catalog already.", "Name an empty database."
                )
            return {name: count for name, (count, _) in sent.items()}
        done, total = 0, sum(count for count, _ in sent.values())
        there.execute(facts.delete())  # the schema, which comes with the others
        for table in metadata.sorted_tables:
            for rows in _rows(here, table):
                there.execute(insert(table), [_plain(row) for row in rows])
                done += len(rows)
                told(done, total)
            _count_on(there, table)
            if _digest(there, table) != sent[table.name]:
                raise GroundtoneError(
                    f"The table {table.name} did not arrive as it was sent.",
                    "Nothing was changed; please report this.",
                )
    return {name: count for name, (count, _) in sent.items()}


def _holds_anything(connection: Connection) -> bool:
    for table in metadata.sorted_tables:
        wanted = select(table).where(facts.c.key != "schema") if table is facts else select(table)
        if connection.execute(wanted.limit(1)).first() is not None:
            return True
    return False


def _rows(connection: Connection, table: Table) -> Iterator[list[Mapping[str, Any]]]:
    query = select(table).execution_options(yield_per=ROWS)
    for rows in connection.execute(query).mappings().partitions():
        yield [dict(row) for row in rows]


def _digest(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows there are, and a sum of their hashes: the same in any order."""
    count = total = 0
    for rows in _rows(connection, table):
        for row in rows:
            told = json.dumps(_plain(row), sort_keys=True, default=bytes.hex)
            total += int.from_bytes(hashlib.sha256(told.encode()).digest(), "big")
            count += 1
    return count, total % 2**256


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.replace("\0", NUL) if isinstance(value, str) else value
        for name, value in row.items()
    }


def _count_on(connection: Connection, table: Table) -> None:
    """Have numbers that PostgreSQL draws go on behind those that came with their rows."""
    column = table.autoincrement_column
    if column is None or connection.dialect.name != "postgresql":
        return
    last = connection.scalar(select(func.max(column)))
    if last is not None:
        drawn = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
        connection.execute(drawn, {"table": table.name, "column": column.name, "last": last})
