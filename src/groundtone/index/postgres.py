"""PostgreSQL with pgvector: vectors, words (tsvector) and labels in one table of your database.

Words are the stems of `groundtone.index.words` under a GIN index. PostgreSQL's ``ts_rank`` knows
nothing of how rare a word is, so the score is BM25 (k1 = 1.2, b = 0.75), computed in SQL over the
windows that hold one of the question's rarer words. Vectors get an HNSW graph from `GRAPH_ROWS`
windows on; a filtered search compares all that pass the filter instead, which is exact. The stems
in their order stand in a column of their own, so that fusion knows what it knows of LanceDB's hits.
"""

from __future__ import annotations

import json
import math
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from groundtone.errors import EmbeddingMismatch, GroundtoneError, MissingExtra, WrongUse
from groundtone.index import Entry, Hit
from groundtone.index.asking import checked, first_line, tried_again
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.words import LONGEST, asked, indexed

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
GRAPH_ROWS = 10_000
GRAPH_HITS = 1_000  # the most that pgvector's graph finds
CANDIDATES = 20_000  # windows scored at most for a question's words, taken from the rarest on
CONNECT_SECONDS = 10
STATEMENT_MS = 30_000
FRESH_SECONDS = 30.0  # how long the number of windows, for BM25, is taken as known
K1, B = 1.2, 0.75


class PostgresIndex:
    """An `Index` in a table of a PostgreSQL database.

    Args:
        url: ``postgresql://user@host/database``; a password belongs in PGPASSWORD or ~/.pgpass.
        dimensions: length of the vectors.
        collection: the table's name.

    Raises:
        MissingExtra: psycopg is not installed.
        WrongUse: there is no url.
        EmbeddingMismatch: the table holds vectors of another length.
        GroundtoneError: the server does not answer, or has no pgvector.
    """

    def __init__(self, url: str, dimensions: int, *, collection: str = "groundtone") -> None:
        try:
            import psycopg  # noqa: F401
            from psycopg import sql
        except ImportError:
            raise MissingExtra("The store PostgreSQL", "pgvector") from None
        if not url:
            raise WrongUse(
                "The store pgvector needs the address of a database.",
                'Set [index] url = "postgresql://user@host/database".',
            )
        self._url = url
        self._shown = urlsplit(url).hostname or "the local socket"
        self._dimensions = dimensions
        self._threads = threading.local()
        self._opened: list[Any] = []
        self._known: tuple[float, int, float] | None = None
        name = _table_name(collection)
        self._table = sql.Identifier(name)
        self._index = name
        self._asked(self._make)
        held = self._one(
            "SELECT atttypmod FROM pg_attribute WHERE attrelid = to_regclass(%s) "
            "AND attname = 'vector'",
            [f'"{name}"'],
        )[0]
        if held != dimensions:
            raise EmbeddingMismatch(
                f"The table {name} holds vectors of {held} numbers, the embedding model makes "
                f"{dimensions}.",
                "Set the model that it was built with, or run `groundtone sync --rebuild`.",
            )

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows, in one transaction; one whose id is already there is replaced."""
        rows = [self._row(entry) for entry in {entry.id: entry for entry in entries}.values()]
        if not rows:
            return

        def insert(connection: Any) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(
                    self._sql(
                        "INSERT INTO {t} (id, version, chunk, window_no, labels, modified, text, "
                        "stems, words, length, vector) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, "
                        "to_tsvector('simple', %s), %s, %s) ON CONFLICT (id) DO UPDATE SET "
                        "version = excluded.version, chunk = excluded.chunk, "
                        "window_no = excluded.window_no, labels = excluded.labels, "
                        "modified = excluded.modified, text = excluded.text, "
                        "stems = excluded.stems, words = excluded.words, length = excluded.length, "
                        "vector = excluded.vector"
                    ),
                    rows,
                )

        self._asked(insert)
        self._known = None

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        self._run("DELETE FROM {t} WHERE version = ANY(%s)", [sorted(versions)])
        self._known = None

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine; exact below `GRAPH_ROWS` windows, and with a filter."""
        told = _literal(checked(vector, self._dimensions))
        if k < 1:
            return []
        conditions, values = _where(where)

        def search(connection: Any) -> list[Any]:
            with connection.transaction(), connection.cursor() as cursor:
                if where or k > GRAPH_HITS:
                    cursor.execute("SET LOCAL enable_indexscan = off")
                else:
                    wide = min(GRAPH_HITS, max(200, 2 * k))
                    cursor.execute(f"SET LOCAL hnsw.ef_search = {wide}")
                cursor.execute(
                    self._sql(
                        "SELECT id, version, chunk, window_no, 1 - (vector <=> %s::vector), stems "
                        f"FROM {{t}} WHERE true{conditions} ORDER BY vector <=> %s::vector LIMIT %s"
                    ),
                    [told, *values, told, k],
                )
                return list(cursor.fetchall())

        rows = sorted(self._asked(search), key=lambda row: (-row[4], row[0]))
        return [Hit(row[1], row[2], row[3], float(row[4]), words=row[5]) for row in rows]

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | None = None,
    ) -> list[Hit]:
        """The best windows by BM25 over stemmed words."""
        words = _flat(asked(query))
        if k < 1 or not words:
            return []
        lexemes = self._rows(
            "SELECT lexeme, (SELECT count(*) FROM (SELECT 1 FROM {t} WHERE words @@ "
            "(quote_literal(lexeme))::tsquery LIMIT %s) AS found) AS held "
            "FROM unnest(to_tsvector('simple', %s)) ORDER BY held, lexeme",
            [CANDIDATES, words],
        )
        lexemes = [(lexeme, held) for lexeme, held in lexemes if held]
        if not lexemes:
            return []
        count, length = self._size()
        rare: list[str] = []
        spent = 0
        for lexeme, held in lexemes:
            if rare and spent + held > CANDIDATES:
                break
            rare.append("'" + lexeme.replace("'", "''").replace("\\", "\\\\") + "'")
            spent += held
        weights = [math.log(1 + (max(count, n) - n + 0.5) / (n + 0.5)) for _, n in lexemes]
        conditions, values = _where(where)
        told = None if near is None else _literal(checked(near, self._dimensions))
        rows = self._rows(
            "SELECT id, version, chunk, window_no, (SELECT sum(rarity * tf * (%s + 1) / "
            "(tf + %s * (1 - %s + %s * length / %s))) FROM unnest(words) AS u "
            "JOIN unnest(%s::text[], %s::float8[]) AS sought (lexeme, rarity) USING (lexeme), "
            "LATERAL (SELECT cardinality(u.positions)::float8 AS tf) AS counted) AS score, "
            "1 - (vector <=> %s::vector), stems "
            f"FROM {{t}} WHERE words @@ %s::tsquery{conditions} "
            'ORDER BY score DESC, id COLLATE "C" LIMIT %s',
            [
                K1, K1, B, B, length, [lexeme for lexeme, _ in lexemes], weights,
                told, " | ".join(rare), *values, k,
            ],
        )  # fmt: skip
        return [
            Hit(
                row[1], row[2], row[3], float(row[4]),
                None if row[5] is None else float(row[5]), row[6],
            )
            for row in rows
        ]  # fmt: skip

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        return {row[0] for row in self._rows("SELECT DISTINCT version FROM {t}", [])}

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        if version is None:
            return int(self._one("SELECT count(*) FROM {t}", [])[0])
        return int(self._one("SELECT count(*) FROM {t} WHERE version = %s", [version])[0])

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        import numpy as np

        rows = self._rows("SELECT id, vector::text FROM {t} WHERE id = ANY(%s)", [sorted(ids)])
        return {id: np.array(json.loads(told), np.float32) for id, told in rows}

    def optimise(self) -> None:
        """Make the graph over vectors once there are many, and take statistics."""
        if self.count() >= GRAPH_ROWS:
            self._run(
                f'CREATE INDEX IF NOT EXISTS "{self._index}_graph" ON {{t}} '
                "USING hnsw (vector vector_cosine_ops)",
                [],
                patient=True,
            )
        self._run("ANALYZE {t}", [])

    def close(self) -> None:
        """Close the connections."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._threads = threading.local()

    # -- asking the server ------------------------------------------------------------------

    def _make(self, connection: Any) -> None:
        """The table, made if absent; two that make it at once wait for one another."""
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('groundtone'))")
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
            cursor.execute(
                self._sql(
                    "CREATE TABLE IF NOT EXISTS {t} (id text PRIMARY KEY, version text NOT NULL, "
                    "chunk int NOT NULL, window_no int NOT NULL, labels text[] NOT NULL, "
                    "modified bigint NOT NULL, text text NOT NULL, stems text, "
                    "words tsvector NOT NULL, "
                    f"length int NOT NULL, vector vector({self._dimensions}) NOT NULL)"
                )
            )
            cursor.execute(
                "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = 'stems'",
                [f'"{self._index}"'],
            )
            if cursor.fetchone() is None:  # a table of an earlier version; its windows have none
                cursor.execute(self._sql("ALTER TABLE {t} ADD COLUMN stems text"))
            for column, kind in (("version", "btree"), ("words", "gin"), ("labels", "gin")):
                cursor.execute(
                    self._sql(
                        f'CREATE INDEX IF NOT EXISTS "{self._index}_{column}" '
                        f"ON {{t}} USING {kind} ({column})"
                    )
                )

    def _size(self) -> tuple[int, float]:
        """How many windows there are, and how many lexemes one has on average."""
        now = time.monotonic()
        if self._known is None or now - self._known[0] > FRESH_SECONDS:
            count, length = self._one("SELECT count(*), coalesce(avg(length), 1) FROM {t}", [])
            self._known = (now, int(count), max(1.0, float(length)))
        return self._known[1:]

    def _row(self, entry: Entry) -> list[Any]:
        vector = checked(entry.vector, self._dimensions)
        stems = indexed(entry.text)
        words = _flat(stems)
        return [
            entry.id, entry.version, entry.chunk, entry.window, list(entry.labels), entry.modified,
            entry.text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8"),
            stems, words, len(words.split()), _literal(vector),
        ]  # fmt: skip

    def _sql(self, text: str) -> Any:
        from psycopg import sql

        return sql.SQL(text).format(t=self._table)

    def _run(self, text: str, values: list[Any], *, patient: bool = False) -> None:
        def run(connection: Any) -> None:
            with connection.transaction():
                if patient:
                    connection.execute("SET LOCAL statement_timeout = 0")
                connection.execute(self._sql(text), values)

        self._asked(run)

    def _rows(self, text: str, values: list[Any]) -> list[Any]:
        return self._asked(lambda c: list(c.execute(self._sql(text), values).fetchall()))

    def _one(self, text: str, values: list[Any]) -> Any:
        return self._rows(text, values)[0]

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """This thread's connection; a broken one is thrown away."""
        import psycopg

        connection = getattr(self._threads, "connection", None)
        if connection is None or connection.closed:
            connection = psycopg.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                options=f"-c statement_timeout={STATEMENT_MS}",
                application_name="groundtone",
            )
            self._threads.connection = connection
            self._opened.append(connection)
        try:
            yield connection
        except psycopg.OperationalError:
            connection.close()
            raise

    def _asked(self, call: Callable[[Any], T]) -> T:
        """A call with a connection, tried again when that is lost on the way."""
        import psycopg

        def once() -> T:
            with self._connection() as connection:
                return call(connection)

        try:
            return tried_again(once, lambda error: isinstance(error, psycopg.OperationalError))
        except psycopg.Error as error:
            raise GroundtoneError(
                f"PostgreSQL on {self._shown} failed: {first_line(error)}.",
                "See that it is running, that pgvector is installed in it, and that this user "
                "may create tables; then try again.",
            ) from error


def drop(url: str, collection: str) -> None:
    """Remove a table from a database."""
    import psycopg
    from psycopg import sql

    table = sql.Identifier(_table_name(collection))
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {t}").format(t=table))
    except psycopg.Error as error:
        raise GroundtoneError(f"PostgreSQL failed: {first_line(error)}.") from error


def _table_name(collection: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in collection.lower())[:50]


def _literal(vector: np.ndarray) -> str:
    return json.dumps(vector.tolist())


def _flat(text: str) -> str:
    """Words only, without accents: PostgreSQL's parser would take dots and slashes for hosts."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    return " ".join(word for word in words if len(word) <= LONGEST)


def _where(where: Filter) -> tuple[str, list[Any]]:
    conditions, values = "", list[Any]()
    for wanted in where.every:
        conditions += " AND labels && %s::text[]"
        values.append(sorted(wanted))
    if where.since is not None:
        conditions += " AND modified >= %s"
        values.append(where.since)
    if where.until is not None:
        conditions += " AND modified <= %s"
        values.append(where.until)
    return conditions, values
