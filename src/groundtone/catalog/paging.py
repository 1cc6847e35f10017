"""One page of a table's rows: from after a row that the caller has seen, in a strict order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, or_, select


def page(
    connection: Connection,
    query: Select[Any],
    table: Table,
    *,
    after: str | None,
    limit: int,
    newest: bool = True,
) -> tuple[list[Row[Any]], bool]:
    """Rows of `query` by age, at most `limit`, and whether more follow.

    Args:
        query: a selection from `table`, which has the columns ``created_at`` and ``id``.
        after: the id of the last row of the page before; None begins. One that is gone, or never
            was, gives an empty page.
        newest: the newest first, else the oldest.
    """
    when, id = table.c.created_at, table.c.id
    if after is not None:
        seen = connection.scalar(select(when).where(id == after))
        if seen is None:
            return [], False
        beyond = when < seen if newest else when > seen
        tied = id < after if newest else id > after
        query = query.where(or_(beyond, and_(when == seen, tied)))
    order = (when.desc(), id.desc()) if newest else (when, id)
    rows = list(connection.execute(query.order_by(*order).limit(limit + 1)))
    return rows[:limit], len(rows) > limit
