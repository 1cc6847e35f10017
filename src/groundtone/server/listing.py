"""Stores and their files as OpenAI's objects, and the pages that they are listed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groundtone.server import stores
from groundtone.server.shapes import stores as shapes
from groundtone.server.stores import Held, StoreView


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is asked for.

    Attributes:
        limit: the most that one page holds.
        order: ``desc`` (newest first) or ``asc``.
        after, before: the id of the last one of the page before, or of the first one after it.
        state: only files in this state; None: in any.
    """

    limit: int
    order: str
    after: str | None
    before: str | None
    state: str | None


def as_store(view: StoreView) -> shapes.Store:
    """A collection as a vector store, counted as far as the asker sees it."""
    held = view.files()
    counts = counted(held)
    made = view.collection
    return shapes.Store(
        id=view.id,
        created_at=int(made.created_at or 0),
        name=view.title,
        usage_bytes=sum(one.bytes for one in held),
        file_counts=counts,
        status="in_progress" if counts.in_progress else "completed",
        last_active_at=int(held[0].created_at) if held else None,
        metadata={
            name: value
            for name, value in made.metadata.items()
            if name != stores.NAME and isinstance(value, str)
        },
    )


def as_file(view: StoreView, held: Held) -> shapes.StoreFile:
    """A file of a store."""
    error = None
    if held.state == "failed":
        code: Any = "unsupported_file" if "not read" in held.fault else "invalid_file"
        error = shapes.LastError(code=code, message=held.fault)
    return shapes.StoreFile(
        id=held.id,
        created_at=int(held.created_at),
        vector_store_id=view.id,
        usage_bytes=held.bytes,
        status=held.state,  # type: ignore[arg-type]
        last_error=error,
        attributes=dict(held.attributes),
    )


def cut(
    found: list[Any], limit: int, order: str, after: str | None, before: str | None
) -> tuple[list[Any], bool]:
    """One page of what was found (newest first), and whether more follow."""
    rows = found if order == "desc" else found[::-1]
    ids = [row.id for row in rows]
    if after is not None:
        rows = rows[ids.index(after) + 1 :] if after in ids else []
    if before is not None:
        ids = [row.id for row in rows]
        rows = rows[: ids.index(before)] if before in ids else []
    return rows[:limit], len(rows) > limit


def page_of_files(
    view: StoreView,
    held: list[Held],
    page: Paging,
) -> shapes.StoreFiles:
    """One page of a store's files."""
    wanted = [one for one in held if page.state in (None, one.state)]
    rows, more = cut(wanted, page.limit, page.order, page.after, page.before)
    data = [as_file(view, one) for one in rows]
    return shapes.StoreFiles(
        data=data, first_id=id_at(data, 0), last_id=id_at(data, -1), has_more=more
    )


def counted(held: list[Held]) -> shapes.FileCounts:
    """How many files are in each state."""
    counts = dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0)
    for one in held:
        counts[one.state] += 1
    return shapes.FileCounts(**counts, total=len(held))


def id_at(page: list[Any], at: int) -> str | None:
    """The id of one of a page; None for an empty one."""
    return str(page[at].id) if page else None
