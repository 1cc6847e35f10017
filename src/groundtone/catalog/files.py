"""Uploaded files: what is known of them. Their bytes are kept by `groundtone.workspace.files`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    String,
    Table,
    delete,
    insert,
    or_,
    select,
)

from groundtone.catalog.connecting import Characters
from groundtone.catalog.paging import page
from groundtone.catalog.schema import Database, metadata

files = Table(
    "files",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", Characters, nullable=False),
    Column("purpose", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("status", String, nullable=False),
    Column("owner", String, index=True),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file.

    Attributes:
        id: ``file-…``.
        name: what the uploader called it, without folders.
        purpose: what it is for, such as ``fine-tune`` or ``assistants``.
        status: ``uploaded``, ``processed`` or ``error``.
        owner: id of the key that it came with; None: of the workspace's owner.
        created_at, expires_at: seconds since 1970; None never expires.
    """

    id: str
    name: str
    purpose: str
    bytes: int
    sha256: str
    status: str = "processed"
    owner: str | None = None
    created_at: float = field(default_factory=time.time)
    expires_at: float | None = None


class Files(Database):
    """The part of the catalog that knows uploaded files."""

    def put_file(self, file: StoredFile) -> None:
        """Add a file, whose bytes are safe by now."""
        with self.write() as connection:
            connection.execute(insert(files).values(asdict(file)))

    def get_file(self, id: str, owner: str | None = None) -> StoredFile | None:
        """The file of this id; None for one that is not there, or has expired.

        Args:
            owner: one of another's is not there either, and nothing of it is read; None: anybody's.
        """
        query = select(files).where(files.c.id == id, _lasting())
        if owner is not None:
            query = query.where(files.c.owner == owner)
        with self.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else StoredFile(**row._mapping)

    def list_files(
        self,
        *,
        purpose: str | None = None,
        owner: str | None = None,
        after: str | None = None,
        limit: int = 10_000,
        newest: bool = True,
    ) -> tuple[list[StoredFile], bool]:
        """One page of files, and whether more follow.

        Args:
            purpose, owner: only those; None: all.
            after: the id of the last one of the page before.
        """
        query = select(files).where(_lasting())
        if purpose is not None:
            query = query.where(files.c.purpose == purpose)
        if owner is not None:
            query = query.where(files.c.owner == owner)
        with self.read() as connection:
            rows, more = page(connection, query, files, after=after, limit=limit, newest=newest)
        return [StoredFile(**row._mapping) for row in rows], more

    def delete_file(self, id: str) -> bool:
        """Forget a file; its bytes are the caller's to remove. Returns whether there was one."""
        with self.write() as connection:
            return connection.execute(delete(files).where(files.c.id == id)).rowcount > 0

    def expired_files(self) -> list[str]:
        """The ids of files whose time is over."""
        with self.read() as connection:
            query = select(files.c.id).where(files.c.expires_at <= time.time())
            return list(connection.scalars(query))


def _lasting() -> ColumnElement[bool]:
    return or_(files.c.expires_at.is_(None), files.c.expires_at > time.time())
