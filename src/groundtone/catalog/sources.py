"""Facts and sources: what a workspace remembers, and which paths it follows."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select, update

from groundtone.catalog.records import DEFAULT_COLLECTION, Source
from groundtone.catalog.rows import delete_documents, remember
from groundtone.catalog.schema import Database, documents, facts, failures, sources
from groundtone.catalog.unchanged import remembered


class Sources(Database):
    """The part of the catalog that knows facts and sources."""

    def fact(self, key: str) -> str | None:
        """A remembered value, or None."""
        return self.facts(key).get(key)

    @remembered
    def facts(self, *keys: str) -> dict[str, str]:
        """Remembered values: those of these keys, of one moment; all without any."""
        query = select(facts).where(facts.c.key.in_(keys)) if keys else select(facts)
        with self.read() as connection:
            return {row.key: row.value for row in connection.execute(query)}

    def remember(self, key: str, value: str) -> None:
        """Set a remembered value."""
        self.remember_all({key: value})

    def remember_all(self, values: dict[str, str]) -> None:
        """Set remembered values, in one transaction."""
        with self.write() as connection:
            remember(connection, values)

    def forget(self, key: str) -> None:
        """Remove a remembered value."""
        with self.write() as connection:
            connection.execute(delete(facts).where(facts.c.key == key))

    def add_source(self, path: str, collection: str = DEFAULT_COLLECTION) -> Source:
        """The source with this path, new or known; a known one stays in its collection."""
        wanted = select(sources).where(sources.c.path == path)
        with self.write() as connection:
            known = connection.execute(wanted).one_or_none()
            if known is None:
                # Never an earlier one's number: versions are made of it.
                next_id = select(func.coalesce(func.max(sources.c.id), 0) + 1).scalar_subquery()
                connection.execute(
                    insert(sources).values(id=next_id, path=path, collection=collection)
                )
                known = connection.execute(wanted).one()
        return Source(known.id, known.path, known.collection)

    @remembered
    def sources(self) -> list[Source]:
        """All sources, oldest first."""
        with self.read() as connection:
            rows = connection.execute(select(sources).order_by(sources.c.id))
            return [Source(row.id, row.path, row.collection) for row in rows]

    def remove_source(self, source: int) -> set[str]:
        """Forget a source and its documents.

        Returns:
            the versions that are no longer live, to be deleted from the index.
        """
        with self.write() as connection:
            gone = set(
                connection.scalars(select(documents.c.version).where(documents.c.source == source))
            )
            delete_documents(connection, gone)
            connection.execute(delete(sources).where(sources.c.id == source))
        return gone

    def move_source(self, source: int, into: int, folder: str, mark: str = "") -> None:
        """Make a source's documents part of another, where they lie in ``folder``.

        Args:
            mark: appended to the recipe of each, so that the next look at it notices.
        """
        prefix = "" if folder == "." else f"{folder}/"
        with self.write() as connection:
            connection.execute(
                update(documents)
                .where(documents.c.source == source)
                .values(
                    source=into,
                    path=prefix + documents.c.path,
                    file=prefix + documents.c.file,
                    recipe=documents.c.recipe + mark,
                )
            )
            connection.execute(delete(failures).where(failures.c.source == source))
            connection.execute(delete(sources).where(sources.c.id == source))
