"""The catalog's tables, and how its database is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    select,
)
from sqlalchemy.exc import DBAPIError

from groundtone.errors import Busy, GroundtoneError

SCHEMA = "1"
BUSY_MS = 15_000

metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)
sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", Text, nullable=False, unique=True),
)
documents = Table(
    "documents",
    metadata,
    Column("version", String, primary_key=True),
    Column("source", ForeignKey("sources.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("media_type", String, nullable=False),
    Column("characters", BigInteger, nullable=False),
    Column("chunk_count", Integer, nullable=False),
    Column("synced_at", Float, nullable=False),
    UniqueConstraint("source", "path"),
)
# A document's text in pieces of PART characters: a passage of a long one is read without the rest.
texts = Table(
    "texts",
    metadata,
    Column("version", ForeignKey("documents.version", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("text", Text, nullable=False),
)
chunks = Table(
    "chunks",
    metadata,
    Column("version", ForeignKey("documents.version", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("headings", JSON, nullable=False),
    Column("section", Text, nullable=False),
    Column("page", Integer),
    Column("box", JSON),
    Column("lead", Text, nullable=False),
    Column("windows", JSON, nullable=False),
)
models = Table(
    "models",
    metadata,
    Column("name", String, primary_key=True),
    Column("base", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("path", Text, nullable=False),
    Column("data_sha256", String, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
)
activations = Table(
    "activations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("model", ForeignKey("models.name", ondelete="CASCADE")),
    Column("reason", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("undone_at", Float),
)
runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("model", String),
    Column("settings", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("error", Text),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
)
answers = Table(
    "answers",
    metadata,
    Column("id", String, primary_key=True),
    Column("created_at", Float, nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("model", String, nullable=False),
    Column("answer", JSON, nullable=False),
)


class Database:
    """One SQL database: transactions, and its errors in the user's words.

    Args:
        where: a path (SQLite, made if absent) or an SQLAlchemy URL.
    """

    def __init__(self, where: str | Path) -> None:
        self.where = str(where)
        self._engine = _engine(where)
        with self.write() as connection:
            metadata.create_all(connection)
            known = connection.scalar(select(facts.c.value).where(facts.c.key == "schema"))
            if known is None:
                connection.execute(facts.insert().values(key="schema", value=SCHEMA))
        if known not in (None, SCHEMA):
            self.close()
            raise GroundtoneError(
                f"{self.where} was made by another version of groundtone (schema {known}, "
                f"here {SCHEMA}).",
                "Use that version, or move the file away and run `groundtone sync` again.",
            )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: everything read inside belongs to the same moment."""
        with self._named_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it, or nothing."""
        with (
            self._named_errors(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Give back connections; later calls open new ones."""
        self._engine.dispose()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            reason = str(error.orig)
            if "locked" in reason:
                raise Busy(
                    f"Another process is writing to {self.where}.",
                    "Wait until it has finished and try again.",
                ) from error
            if "disk is full" in reason or "disk I/O error" in reason:
                raise GroundtoneError(
                    f"{self.where} cannot be written: {reason}.",
                    "Free some disk space and run the command again; nothing was lost.",
                ) from error
            if "not a database" in reason or "malformed" in reason:
                raise GroundtoneError(
                    f"{self.where} is damaged: {reason}.",
                    "Move it away and run `groundtone sync` to build it again from your files.",
                ) from error
            raise


def _engine(where: str | Path) -> Engine:
    if isinstance(where, str) and "://" in where:
        engine = create_engine(where)
    else:
        engine = create_engine(f"sqlite:///{Path(where).absolute()}")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGINs come too late for snapshots
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", f"busy_timeout={BUSY_MS}", "journal_mode=WAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes the lock at once: a reader that upgrades later could only fail.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
