"""The table of a LanceDB index: its columns, how it is opened, and conditions on its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

from groundtone.index import Entry
from groundtone.index.asking import checked
from groundtone.index.filters import Filter
from groundtone.index.lance_place import FAULTS, Place
from groundtone.index.words import LONGEST, indexed

TABLE = "windows"
SOME = 500  # values in one condition


def opened_table(database: Any, dimensions: int) -> Any:
    """The table of a database; made if it is not there."""
    if TABLE in database.list_tables().tables:
        table = database.open_table(TABLE)
        missing = [f for f in _schema(dimensions) if f.name not in table.schema.names]
        if missing:  # made before windows had labels: they have none, so no filter finds them
            table.add_columns(missing)
        return table
    try:
        table = database.create_table(
            TABLE,
            schema=_schema(dimensions),
            exist_ok=True,
            storage_options={"new_table_enable_stable_row_ids": "true"},
        )
        # Without it a search by words fails; made empty it costs nothing.
        index_words(table)
    except FAULTS:
        if TABLE not in database.list_tables().tables:
            raise
        return database.open_table(TABLE)  # another process made it just now
    return table


def reading(place: Place, session: Any, consistency: timedelta | None = None) -> tuple[Any, Any]:
    """What runs its calls, and the table once more, to search it: the blocking way to search asks
    for the schema three times before it begins.

    Args:
        consistency: how old what it sees may be; None: it stays as it is now.
    """
    import lancedb
    from lancedb.background_loop import LOOP

    async def opened() -> Any:
        database = await place.connected(
            lancedb.connect_async, read_consistency_interval=consistency, session=session
        )
        return await database.open_table(TABLE)

    return LOOP, LOOP.run(opened())


def as_rows(entries: Sequence[Entry], dimensions: int) -> Any:
    """Entries as the table has them."""
    import numpy as np
    import pyarrow as pa

    vectors = np.concatenate([checked(entry.vector, dimensions) for entry in entries])
    columns: list[Any] = [
        [entry.id for entry in entries],
        [entry.version for entry in entries],
        [entry.chunk for entry in entries],
        [entry.window for entry in entries],
        [indexed(entry.text) for entry in entries],
        [list(entry.labels) for entry in entries],
        [entry.modified for entry in entries],
        pa.FixedSizeListArray.from_arrays(pa.array(vectors), dimensions),
    ]
    return pa.Table.from_arrays(
        [
            column if isinstance(column, pa.Array) else pa.array(column, field.type)
            for column, field in zip(columns, _schema(dimensions), strict=True)
        ],
        schema=_schema(dimensions),
    )


def index_words(table: Any) -> None:
    """Index the table's texts for the search by words anew, those that are new too."""
    from lancedb.index import FTS

    plain = {"stem": False, "lower_case": False, "ascii_folding": False}  # `indexed` did it all
    config = FTS(
        base_tokenizer="whitespace", max_token_length=LONGEST, remove_stop_words=False, **plain
    )
    table.create_index("text", config=config)


def _schema(dimensions: int) -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("id", pa.string()),
            ("version", pa.string()),
            ("chunk", pa.int32()),
            ("window", pa.int32()),
            ("text", pa.string()),
            ("labels", pa.list_(pa.string())),
            ("modified", pa.int64()),
            ("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def among(values: Collection[str], column: str = "version") -> Iterator[str]:
    """Conditions that together let pass rows with one of these values: a few values in each."""
    ordered = sorted(values)
    for start in range(0, len(ordered), SOME):
        quoted = ("'" + value.replace("'", "''") + "'" for value in ordered[start : start + SOME])
        yield f"{column} IN ({', '.join(quoted)})"


def passing(where: Filter) -> str:
    """The filter as a condition; labels are quoted, so that any text is data."""
    conditions = []
    for wanted in where.every:
        quoted = ", ".join("'" + label.replace("'", "''") + "'" for label in sorted(wanted))
        conditions.append(f"array_has_any(labels, make_array({quoted}))" if quoted else "false")
    if where.since is not None:
        conditions.append(f"modified >= {where.since}")
    if where.until is not None:
        conditions.append(f"modified <= {where.until}")
    return " AND ".join(conditions)
