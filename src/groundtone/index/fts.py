"""BM25 in one file, by SQLite's FTS5: the words of stores that only know vectors.

Words come stemmed from `groundtone.index.words`; ranking is FTS5's ``bm25()`` (Okapi BM25,
k1 = 1.2, b = 0.75).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundtone.index import Entry, Hit
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.words import asked, indexed

BUSY_SECONDS = 30.0
SOME = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS windows (
  row INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, version TEXT NOT NULL,
  chunk INTEGER NOT NULL, window INTEGER NOT NULL, modified INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_version ON windows (version);
CREATE TABLE IF NOT EXISTS labels (
  row INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (row, label)) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
  text, tokenize = "unicode61 remove_diacritics 2");
"""


class WordIndex:
    """The words of windows; safe for several threads and processes.

    Args:
        path: the database file, made if absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.local()
        self._opened: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.executescript(_TABLES)

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        with self._writing() as connection:
            for entry in entries:
                self._remove(connection, "id = ?", [entry.id])
                row = connection.execute(
                    "INSERT INTO windows (id, version, chunk, window, modified) VALUES (?,?,?,?,?)",
                    (entry.id, entry.version, entry.chunk, entry.window, entry.modified),
                ).lastrowid
                connection.execute(
                    "INSERT INTO words (rowid, text) VALUES (?, ?)", (row, indexed(entry.text))
                )
                connection.executemany(
                    "INSERT OR IGNORE INTO labels VALUES (?, ?)",
                    [(row, label) for label in entry.labels],
                )

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        ordered = sorted(versions)
        with self._writing() as connection:
            for start in range(0, len(ordered), SOME):
                some = ordered[start : start + SOME]
                self._remove(connection, f"version IN ({_marks(some)})", some)

    def forget(self, ids: Collection[str]) -> None:
        """Remove these windows."""
        with self._writing() as connection:
            for id in ids:
                self._remove(connection, "id = ?", [id])

    def search(self, query: str, k: int, where: Filter = EVERYTHING) -> list[tuple[str, Hit]]:
        """The ids and hits of the ``k`` best windows by BM25 that pass the filter."""
        terms = [word.replace('"', " ").strip() for word in asked(query).replace("\0", " ").split()]
        match = " OR ".join(f'"{term}"' for term in terms if any(map(str.isalnum, term)))
        if k < 1 or not match:
            return []
        conditions, values = _where(where)
        with self._connection() as connection:
            found = connection.execute(
                "SELECT version, chunk, window, -bm25(words) AS score, id FROM words "
                "JOIN windows ON windows.row = words.rowid "
                f"WHERE words MATCH ?{conditions} ORDER BY score DESC, id LIMIT ?",
                [match, *values, k],
            ).fetchall()
        return [(row[4], Hit(*row[:4])) for row in found]

    def ids(self) -> set[str]:
        """The ids of all windows here."""
        with self._connection() as connection:
            return {row[0] for row in connection.execute("SELECT id FROM windows")}

    def count(self) -> int:
        """Windows here."""
        with self._connection() as connection:
            return int(connection.execute("SELECT count(*) FROM windows").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._threads = threading.local()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, in a transaction."""
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            self._threads.connection = connection
            self._opened.append(connection)
        with connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The same, and from the first look on nobody else writes: what is not there stays absent
        until it is put there."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    @staticmethod
    def _remove(connection: sqlite3.Connection, condition: str, values: Sequence[Any]) -> None:
        rows = [
            row
            for (row,) in connection.execute(f"SELECT row FROM windows WHERE {condition}", values)
        ]
        for table, column in (("words", "rowid"), ("labels", "row"), ("windows", "row")):
            connection.executemany(
                f"DELETE FROM {table} WHERE {column} = ?", [(row,) for row in rows]
            )


def _where(where: Filter) -> tuple[str, list[Any]]:
    conditions, values = "", list[Any]()
    for wanted in where.every:
        conditions += (
            " AND EXISTS (SELECT 1 FROM labels WHERE labels.row = windows.row"
            f" AND label IN ({_marks(wanted)}))"
        )
        values += sorted(wanted)
    if where.since is not None:
        conditions += " AND modified >= ?"
        values.append(where.since)
    if where.until is not None:
        conditions += " AND modified <= ?"
        values.append(where.until)
    return conditions, values


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
