"""Collections: named sets of sources that are searched, answered from and guarded as one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from groundtone.catalog.records import DEFAULT_COLLECTION, NamedCollection, StoredCollection
from groundtone.catalog.schema import Database, collections, documents, sources
from groundtone.catalog.unchanged import remembered


class Collections(Database):
    """The part of the catalog that knows collections."""

    def collections(self) -> list[StoredCollection]:
        """All of them: the default one first, then by name."""
        counted = (
            select(
                sources.c.collection,
                func.count(documents.c.version).label("documents"),
                func.coalesce(func.sum(documents.c.chunk_count), 0).label("chunks"),
            )
            .select_from(sources.outerjoin(documents, documents.c.source == sources.c.id))
            .group_by(sources.c.collection)
        )
        with self.read() as connection:
            made = {row.name: row for row in connection.execute(select(collections))}
            counts = {row.collection: row for row in connection.execute(counted)}
            held: dict[str, list[str]] = {}
            for row in connection.execute(select(sources).order_by(sources.c.id)):
                held.setdefault(row.collection, []).append(row.path)
        names = {*made, *counts} - {DEFAULT_COLLECTION}
        return [
            StoredCollection(
                name=name,
                sources=tuple(held.get(name, ())),
                documents=counts[name].documents if name in counts else 0,
                chunks=int(counts[name].chunks) if name in counts else 0,
                metadata=made[name].metadata if name in made else {},
                created_at=made[name].created_at if name in made else None,
            )
            for name in [DEFAULT_COLLECTION, *sorted(names)]
        ]

    @remembered
    def collection(self, name: str) -> NamedCollection | None:
        """The one of this name, not counted, which is much faster; None if there is none."""
        held = select(sources.c.path).where(sources.c.collection == name).order_by(sources.c.id)
        with self.read() as connection:
            made = connection.execute(
                select(collections).where(collections.c.name == name)
            ).one_or_none()
            paths = tuple(connection.scalars(held))
        if made is None and not paths and name != DEFAULT_COLLECTION:
            return None
        return NamedCollection(
            name, paths, made.metadata if made else {}, made.created_at if made else None
        )

    def put_collection(self, name: str, metadata: Mapping[str, Any]) -> bool:
        """Remember a collection, or what is said of it; returns whether it is new."""
        values = {"metadata": dict(metadata)}
        with self.write() as connection:
            changed = connection.execute(
                update(collections).where(collections.c.name == name).values(**values)
            )
            if changed.rowcount == 0:
                connection.execute(
                    insert(collections).values(name=name, created_at=time.time(), **values)
                )
        return changed.rowcount == 0

    def remove_collection(self, name: str) -> None:
        """Forget a collection that has no sources any more."""
        with self.write() as connection:
            connection.execute(delete(collections).where(collections.c.name == name))
