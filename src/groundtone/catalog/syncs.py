"""Syncs: when the documents were looked at, and how many had changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Column, Float, Integer, Table, insert, select

from groundtone.catalog.schema import Database, metadata

QUIET_S = 3600.0
"""A sync that found nothing is kept only so long after the one before: `--watch` looks often."""

syncs = Table(
    "syncs",
    metadata,
    Column("started_at", Float, primary_key=True),
    Column("seconds", Float, nullable=False),
    Column("added", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("sources", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredSync:
    """One sync.

    Attributes:
        started_at: seconds since 1970.
        seconds: wall time.
        added, updated, deleted: files; one that only moved has not changed.
        documents, sources: all that were known afterwards.
    """

    started_at: float
    seconds: float
    added: int
    updated: int
    deleted: int
    documents: int
    sources: int

    @property
    def changed(self) -> int:
        """Files that it found changed."""
        return self.added + self.updated + self.deleted


class Syncs(Database):
    """The part of the catalog that knows its own history."""

    def put_sync(self, sync: StoredSync) -> None:
        """Add a sync, unless it found nothing and another was kept shortly before."""
        newest = select(syncs.c.started_at).order_by(syncs.c.started_at.desc()).limit(1)
        with self.write() as connection:
            last = connection.scalar(newest)
            if last is not None and not sync.changed and 0 <= sync.started_at - last < QUIET_S:
                return
            connection.execute(syncs.delete().where(syncs.c.started_at == sync.started_at))
            connection.execute(insert(syncs).values(asdict(sync)))

    def list_syncs(self, since: float = 0.0) -> list[StoredSync]:
        """Syncs that began at `since` (seconds since 1970) or later, oldest first."""
        query = select(syncs).where(syncs.c.started_at >= since).order_by(syncs.c.started_at)
        with self.read() as connection:
            return [StoredSync(**row._mapping) for row in connection.execute(query)]
