"""Reaching the catalog's database: SQLite in the workspace, or PostgreSQL for several machines.

Both behave alike: whoever writes waits for whoever is writing, and what is read inside one
connection is of one moment.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Text, TypeDecorator, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from groundtone.errors import Busy, GroundtoneError, MissingExtra, SettingsError

BUSY_MS = 15_000
CONNECT_SECONDS = 10
LOOK_S = 0.05  # between two attempts to take a lock
WRITING = 1  # number of the lock that writers of a PostgreSQL catalog take in turn
_REMEDY = "Correct [catalog] url, or leave it out to keep the catalog in the workspace."


class Characters(TypeDecorator[str]):
    """Any text. PostgreSQL has no U+0000, so its picture (U+2400) is kept: places stay right."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        if value is None or dialect.name != "postgresql":
            return value
        return value.replace("\0", "\u2400")


def engine(where: str | Path) -> Engine:
    """The database at a path (SQLite, made if absent) or an address.

    Raises:
        SettingsError: the address is none, or of a kind that is not supported.
        MissingExtra: its driver is not installed.
    """
    if not (isinstance(where, str) and "://" in where):
        made = create_engine(f"sqlite:///{Path(where).absolute()}")
    else:
        made = _server(where)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
    else:
        event.listen(made, "begin", _begin_postgres)
    return made


def snapshots(where: Engine) -> Engine:
    """The same database, for transactions that see one moment and write nothing."""
    if where.dialect.name == "sqlite":
        return where
    return where.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def file(where: Engine) -> str | None:
    """The file that an SQLite database is in; None for another, and for one in memory."""
    path = where.url.database if where.dialect.name == "sqlite" else None
    return path if path and path != ":memory:" and not path.startswith("file:") else None


def shown(where: Engine) -> str:
    """A database as people may see it: without its password."""
    if where.dialect.name == "sqlite":
        return str(where.url.database)
    return where.url.set(drivername="postgresql").render_as_string(hide_password=True)


@contextmanager
def named_errors(where: Engine) -> Iterator[None]:
    """Turn what a database says into the user's words.

    Raises:
        Busy: another process has been writing for too long.
        GroundtoneError: it is damaged, full, not to be written, or does not answer.
    """
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        place = shown(where)
        if "locked" in reason or "lock timeout" in reason:
            raise Busy(
                f"Another process is writing to {place}.",
                "Wait until it has finished and try again.",
            ) from error
        if "disk is full" in reason or "disk I/O error" in reason or "No space left" in reason:
            raise GroundtoneError(
                f"{place} cannot be written: {reason}.",
                "Free some disk space and run the command again; nothing was lost.",
            ) from error
        if "unable to open database file" in reason or "readonly database" in reason:
            # Questions write too: what was asked and answered, and locks beside the file.
            raise GroundtoneError(
                f"{place} cannot be opened for writing: {reason}.",
                "Make the workspace's folder writable for you, or copy it to where it is.",
            ) from error
        if "not a database" in reason or "malformed" in reason:
            raise GroundtoneError(
                f"{place} is damaged: {reason}.",
                "Move it away and run `groundtone sync` to build it again from your files.",
            ) from error
        if where.dialect.name != "sqlite" and (
            error.connection_invalidated or isinstance(error, OperationalError)
        ):
            raise GroundtoneError(
                f"The catalog at {place} does not answer: {reason}.",
                "Start the database, or correct [catalog] url; nothing was lost.",
            ) from error
        raise


class Locks:
    """Named locks that all machines see who share a server; one holder's, used by one thread.

    A lock that is held may be taken again. They go when the holder dies.
    """

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection

    def take(self, name: str, *, shared: bool = False, seconds: float = 0.0) -> bool:
        """Take a lock; returns whether it could be had.

        Args:
            shared: beside others who share it; not beside one who has it alone. Who shares it may
                also take it alone, once nobody else shares it.
            seconds: to wait for it.
        """
        end = time.monotonic() + seconds
        while not self._asked("pg_try_advisory_lock", name, shared):
            if time.monotonic() >= end:
                return False
            time.sleep(LOOK_S)
        return True

    def drop(self, name: str, *, shared: bool = False) -> None:
        """Give back a lock, as often as it was taken."""
        self._asked("pg_advisory_unlock", name, shared)

    def _asked(self, function: str, name: str, shared: bool) -> bool:
        if self._connection is None:
            return True
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
        query = f"SELECT {function}{'_shared' if shared else ''}({number})"
        return bool(self._connection.exec_driver_sql(query).scalar())


@contextmanager
def locks(where: Engine) -> Iterator[Locks]:
    """Locks that are given back at the end.

    SQLite has none, each is had: its workspace is on one machine, where a file locks.
    """
    if where.dialect.name == "sqlite":
        yield Locks(None)
        return
    with where.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            yield Locks(connection)
        finally:
            if not connection.invalidated:
                connection.exec_driver_sql("SELECT pg_advisory_unlock_all()")


def _server(where: str) -> Engine:
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        raise SettingsError("The catalog's address cannot be read.", _REMEDY) from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise SettingsError(
            f"A catalog cannot be kept in {url.get_backend_name()}: only in PostgreSQL or SQLite.",
            _REMEDY,
        )
    try:
        if url.get_backend_name() == "sqlite":
            return create_engine(url)
        return create_engine(
            url,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "options": f"-c lock_timeout={BUSY_MS}",
            },
        )
    except NoSuchModuleError:
        raise SettingsError(f"{url.drivername} is no driver that is known here.", _REMEDY) from None
    except ImportError:
        raise MissingExtra("A catalog in PostgreSQL", "pgvector") from None


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


def _begin_postgres(connection: Connection) -> None:
    # One writer after the other, as with SQLite: no statement has to be made for races. Writers
    # read what is committed, so what the one before wrote is seen once the lock is had.
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITING})")
