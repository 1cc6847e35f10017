"""Files handed in for a collection through the API, and the batches they came in."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from groundtone.catalog.schema import Database, metadata

attached = Table(
    "attached",
    metadata,
    Column("collection", String, primary_key=True),
    Column("file", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("batch", String, index=True),
    Column("job", String, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that was handed in for a collection.

    Attributes:
        file: its id as an uploaded file, which it outlives.
        name: of the file in the collection's folder.
        attributes: what searches can be limited by.
        batch: id of the batch it came in; None: it came alone.
        job: id of the sync that brings it in.
        cancelled: it was taken back before it was in.
    """

    collection: str
    file: str
    name: str
    bytes: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    batch: str | None = None
    job: str = ""
    cancelled: bool = False
    created_at: float = field(default_factory=time.time)


class Attached(Database):
    """The part of the catalog that knows files handed in for collections."""

    def attach(self, *files: AttachedFile) -> None:
        """Remember files; one that is there already is replaced."""
        with self.write() as connection:
            for file in files:
                same = (attached.c.collection == file.collection) & (attached.c.file == file.file)
                connection.execute(delete(attached).where(same))
                connection.execute(insert(attached).values(asdict(file)))

    def attached(
        self,
        collection: str,
        batch: str | None = None,
        files: Collection[str] | None = None,
    ) -> list[AttachedFile]:
        """The files of a collection, or of one of its batches, newest first.

        Args:
            files: ids, at most some hundreds: only these.
        """
        query = select(attached).where(attached.c.collection == collection)
        if files is not None:
            query = query.where(attached.c.file.in_(sorted(files)))
        if batch is not None:
            query = query.where(attached.c.batch == batch)
        query = query.order_by(attached.c.created_at.desc(), attached.c.file)
        with self.read() as connection:
            return [AttachedFile(**row._mapping) for row in connection.execute(query)]

    def change_attached(self, collection: str, file: str, **values: Any) -> None:
        """Change fields of a file, named as in `AttachedFile`."""
        same = (attached.c.collection == collection) & (attached.c.file == file)
        with self.write() as connection:
            connection.execute(update(attached).where(same).values(values))

    def detach(self, collection: str, file: str | None = None) -> None:
        """Forget a file of a collection, or all of them."""
        gone = delete(attached).where(attached.c.collection == collection)
        if file is not None:
            gone = gone.where(attached.c.file == file)
        with self.write() as connection:
            connection.execute(gone)
