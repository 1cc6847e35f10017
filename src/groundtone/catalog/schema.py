"""The catalog's tables, and how its database is opened."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    select,
)

from groundtone.catalog import connecting
from groundtone.catalog.connecting import Characters
from groundtone.catalog.unchanged import Unchanged
from groundtone.errors import GroundtoneError

SCHEMA = "4"
SOME = 400  # bound parameters a statement; SQLite and PostgreSQL allow many more

Item = TypeVar("Item")

UPGRADES = {
    "1": (
        "2",
        (
            "ALTER TABLE documents ADD COLUMN file TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE documents ADD COLUMN metadata JSON NOT NULL DEFAULT '{}'",
            "ALTER TABLE documents ADD COLUMN modified VARCHAR NOT NULL DEFAULT ''",
            "ALTER TABLE documents ADD COLUMN recipe VARCHAR NOT NULL DEFAULT ''",
            "UPDATE documents SET file = path",
            "CREATE INDEX documents_by_file ON documents (source, file)",
            "INSERT INTO facts (key, value) VALUES ('windows', 'unknown')",
        ),
    ),
    "2": (
        "3",
        ("ALTER TABLE sources ADD COLUMN collection VARCHAR NOT NULL DEFAULT 'default'",),
    ),
    "3": ("4", ("ALTER TABLE chunks ADD COLUMN spots JSON NOT NULL DEFAULT '[]'",)),
}
"""From each earlier schema: the next one, and what leads there. Nothing has to be synced again:
documents without a recipe are read again at the next sync, their vectors found by their texts.
Tables that an earlier schema lacks are made; only changed ones need a statement."""

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
    Column("collection", String, nullable=False, server_default="default"),
)
# Collections that were made by name; the default one, and those that sources name, need no row.
collections = Table(
    "collections",
    metadata,
    Column("name", String, primary_key=True),
    Column("metadata", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
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
    Column("title", Characters, nullable=False),
    Column("media_type", String, nullable=False),
    Column("characters", BigInteger, nullable=False),
    Column("chunk_count", Integer, nullable=False),
    Column("synced_at", Float, nullable=False),
    Column("file", Text, nullable=False, server_default=""),
    Column("metadata", JSON, nullable=False, server_default="{}"),
    Column("modified", String, nullable=False, server_default=""),
    Column("recipe", String, nullable=False, server_default=""),
    UniqueConstraint("source", "path"),
    Index("documents_by_file", "source", "file"),
)
# Files, or documents inside them, that could not be read: not tried again while nothing changes.
failures = Table(
    "failures",
    metadata,
    Column("source", ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("file", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("reason", Characters, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("recipe", String, nullable=False),
)
# Versions whose text lives on under another: what old answers cite can still be shown.
former = Table(
    "former",
    metadata,
    Column("version", String, primary_key=True),
    Column("now", ForeignKey("documents.version", ondelete="CASCADE"), nullable=False, index=True),
)
# Where in the index the vector of a text is. The index may know better: it decides.
windows = Table(
    "windows",
    metadata,
    Column("digest", LargeBinary(16), primary_key=True),
    Column("version", String, primary_key=True, index=True),
    Column("chunk", Integer, primary_key=True),
    Column("window", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
# A document's text in pieces of PART characters: a passage of a long one is read without the rest.
texts = Table(
    "texts",
    metadata,
    Column("version", ForeignKey("documents.version", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("text", Characters, nullable=False),
)
chunks = Table(
    "chunks",
    metadata,
    Column("version", ForeignKey("documents.version", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("headings", JSON, nullable=False),
    Column("section", Characters, nullable=False),
    Column("page", Integer),
    Column("box", JSON),
    Column("lead", Characters, nullable=False),
    Column("windows", JSON, nullable=False),
    Column("spots", JSON, nullable=False, server_default="[]"),
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
    Column("reason", Characters, nullable=False),
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
ratings = Table(
    "ratings",
    metadata,
    Column("answer", ForeignKey("answers.id"), primary_key=True),
    Column("rating", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("rated_at", Float, nullable=False),
)


class Database:
    """One SQL database: transactions, and its errors in the user's words.

    Args:
        where: a path (SQLite, made if absent) or an SQLAlchemy URL.
    """

    def __init__(self, where: str | Path) -> None:
        self._engine = connecting.engine(where)
        self._snapshots = connecting.snapshots(self._engine)
        self.where = connecting.shown(self._engine)
        self.unchanged = Unchanged(connecting.file(self._engine))
        with self.read() as connection:
            known = _schema(connection)
        if known in (None, *UPGRADES):
            with self.write() as connection:
                known = _prepare(connection)
        if known != SCHEMA:
            self.close()
            raise GroundtoneError(
                f"{self.where} was made by another version of groundtone (schema {known}, "
                f"here {SCHEMA}).",
                "Use that version, or move the catalog away and run `groundtone sync` again.",
            )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: everything read inside belongs to the same moment."""
        with connecting.named_errors(self._engine), self._snapshots.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it, or nothing; writers come one after the other."""
        with (
            connecting.named_errors(self._engine),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @property
    def served(self) -> bool:
        """Whether a server keeps it, and not a file of this machine."""
        return self._engine.dialect.name != "sqlite"

    def program(self) -> tuple[str, float]:
        """What keeps the catalog, with its version, and what its clock shows (seconds, UTC)."""
        with self.read() as connection:
            if self._engine.dialect.name == "sqlite":
                version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
                return f"SQLite {version}", time.time()
            version = connection.exec_driver_sql("SHOW server_version").scalar_one()
            now = "SELECT extract(epoch FROM clock_timestamp())"
            return f"PostgreSQL {version}", float(connection.exec_driver_sql(now).scalar_one())

    @contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """Hold a lock on all machines that share this catalog; yields whether it could be had.

        A catalog in a file has none (it is always had): a lock beside the file does.
        """
        with self.locks() as locks:
            yield locks.take(name)

    @contextmanager
    def locks(self) -> Iterator[connecting.Locks]:
        """Locks on all machines that share this catalog, given back at the end; see `exclusive`."""
        with connecting.named_errors(self._engine), connecting.locks(self._engine) as locks:
            yield locks

    def close(self) -> None:
        """Give back connections; later calls open new ones."""
        self.unchanged.close()
        self._engine.dispose()


def _schema(connection: Connection) -> str | None:
    """The schema of what is there; None for an empty database."""
    if not inspect(connection).has_table("facts"):
        return None
    return connection.scalar(select(facts.c.value).where(facts.c.key == "schema"))


def _prepare(connection: Connection) -> str:
    """Make the tables, or bring those of an earlier version up to date; all of it or nothing."""
    known = _schema(connection)
    while known in UPGRADES:
        known, statements = UPGRADES[known]
        for statement in statements:
            connection.exec_driver_sql(statement)
    metadata.create_all(connection)
    known = known or SCHEMA
    connection.execute(facts.delete().where(facts.c.key == "schema"))
    connection.execute(facts.insert().values(key="schema", value=known))
    return known


def slices(values: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """``values`` in order, ``size`` at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))
