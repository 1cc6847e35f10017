"""LanceDB: text, BM25 and vectors in one table, of one folder or in a bucket.

Chosen by measurement (docs/retrieval.md): below `GRAPH_ROWS` windows a scan of all vectors is quick
enough and exact, from memory where a process searches often (`resident`); above, an HNSW graph over
8-bit vectors finds candidates, which are then compared in full precision. To build it takes memory
for every window, which is why small tables have none. Row ids are stable, so that compaction need
not rebuild that graph, and what is in memory stays right.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import EmbeddingMismatch, GroundtoneError
from groundtone.index import Entry, Hit, Nearest, lance_import, resident, window_place
from groundtone.index.asking import checked
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.held import Found
from groundtone.index.lance_place import FAULTS, Place, first_line, reached
from groundtone.index.lance_snapshot import LanceSnapshot
from groundtone.index.lance_table import (
    TABLE,
    among,
    as_rows,
    index_words,
    opened_table,
    passing,
    reading,
)
from groundtone.index.memory import few_arenas, give_back, large_apart
from groundtone.index.resident import Resident
from groundtone.index.words import asked

if TYPE_CHECKING:
    import numpy as np

GRAPH_ROWS = resident.ROWS[1]
GRAPH_SEGMENTS = 20  # every optimise adds a segment, and every search visits all of them
ROWS_A_PARTITION = 250_000
REFINE = 2
ADDS = 100  # compact after so many: every add leaves a file
FILES = 16  # each costs a search by words from disk a millisecond at most
# So many windows may wait to be indexed, and a share of large tables up to a limit: a search from
# disk looks at them one by one, but to index them rewrites the table.
FRESH, FRESH_SHARE, FRESH_MOST = 500, 0.02, 2_000
READERS_GRACE = timedelta(minutes=10)  # files of older table versions stay for searches under way
READ_AHEAD = 32 << 20
PLACE = ("id", "version", "chunk", "window")


class LanceIndex:
    """An `Index` in a folder or a bucket.

    Args:
        place: the folder, made if absent; or where else it is.
        dimensions: length of the vectors.
        graph_rows: from how many windows on the vectors get a graph.
        keep: when all is kept in memory, as `Resident` takes it.

    Raises:
        EmbeddingMismatch: it holds vectors of another length.
        GroundtoneError: it holds something that cannot be opened, or cannot be reached.
    """

    def __init__(
        self,
        place: Path | Place,
        dimensions: int,
        *,
        graph_rows: int = GRAPH_ROWS,
        keep: Mapping[str, Any] | None = None,
    ) -> None:
        os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # or it warns on stderr
        os.environ.setdefault("LANCEDB_LOG", "error")  # or it tells of each commit that it repeats
        # It would read ahead by up to 2 GB, and a scan is no quicker for it.
        os.environ.setdefault("LANCE_DEFAULT_IO_BUFFER_SIZE", str(READ_AHEAD))
        few_arenas()
        lancedb = lance_import.lancedb()
        self.place = place if isinstance(place, Place) else Place(os.fspath(place))
        self._dimensions = dimensions
        self._graph_rows = graph_rows
        self._adds = 0
        try:
            if not self.place.remote:
                Path(self.place.uri).mkdir(parents=True, exist_ok=True)
            session = lancedb.Session(
                index_cache_size_bytes=2 << 30, metadata_cache_size_bytes=32 << 20
            )
            now = timedelta(0)
            database = self.place.connected(
                lancedb.connect, read_consistency_interval=now, session=session
            )
            self._table = opened_table(database, dimensions)
            self._loop, self._reading = reading(self.place, session, now)
            versions = self.place.versions(TABLE, self._loop, self._reading)
            if keep is None and self.place.remote:  # to read even few rows there takes long
                keep = {"rows": (1, resident.ROWS[1])}
            self._resident = Resident(
                lambda: LanceSnapshot(*reading(self.place, session)),
                versions.is_last,
                **{"files": self.place.resident_files(versions), **(keep or {})},
            )
        except FAULTS as error:
            raise self.place.named(error) or GroundtoneError(
                f"The index in {self.place.uri} cannot be opened: {first_line(error)}.",
                "Run `groundtone sync --rebuild` to build it again.",
            ) from error
        held = self._table.schema.field("vector").type.list_size
        if held != dimensions:
            raise EmbeddingMismatch(
                f"The index in {self.place.uri} holds vectors of {held} numbers, the embedding "
                f"model makes {dimensions}.",
                "Set the model that it was built with, or run `groundtone sync --rebuild`.",
            )

    @reached
    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        if not entries:
            return
        rows = as_rows(list({entry.id: entry for entry in entries}.values()), self._dimensions)
        if self._holds_any({entry.version for entry in entries}):
            merge = self._table.merge_insert("id")
            merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
        else:
            self._table.add(rows)
        self._adds += 1
        if self._adds % ADDS == 0:
            self._compact(alone=not self.place.remote)

    @reached
    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        for condition in among(versions):
            self._table.delete(condition)

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine; exact below `GRAPH_ROWS` windows."""
        return self.dense_each([(vector, k, where)])[0]

    @reached
    def dense_each(self, asked: Sequence[Nearest]) -> list[list[Hit]]:
        """The same for several questions; from memory in one go."""
        asked = [(checked(vector, self._dimensions), k, where) for vector, k, where in asked]
        held = self._resident.held() if any(k > 0 for _, k, _ in asked) else None
        if held is not None:
            return [self._ranked(found) for found in held.dense(asked)]
        return [self._ranked(self._nearest(*one)) if one[1] > 0 else [] for one in asked]

    def warm(self) -> None:
        """Have in memory what is kept there for many searches."""
        self._resident.warm()

    @reached
    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | Callable[[], np.ndarray] | None = None,
    ) -> list[Hit]:
        """The best windows by BM25 over stemmed words.

        Args:
            near: or what gives it, which is called when the words are found.
        """
        from lancedb.query import MatchQuery

        words = asked(query)
        if k < 1 or not words.strip():
            return []
        vector = None if near is None else partial(self._vector, near)
        held = self._resident.held()
        if held is not None:
            return self._ranked(held.lexical(words.split(), k, where, vector))
        search = self._reading.query().nearest_to_text(MatchQuery(words, "text")).limit(k)
        columns = ["id", "text", "_score", *(() if vector is None else ("vector",))]
        found = self._found(search, columns, where)
        cosines = [None] * len(found) if vector is None else self._cosines(found, vector())
        scores = found.column("_score").to_pylist()
        return self._ranked(Found(*_told(found), scores, cosines))

    @reached
    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        found: set[str] = set()
        for batch in self._table.search().select(["version"]).to_batches():
            found.update(batch.column("version").unique().to_pylist())
        return found

    @reached
    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        one = None if version is None else next(among([version]))
        return int(self._table.count_rows(one))

    @reached
    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        found: dict[str, np.ndarray] = {}
        for condition in among(ids, "id"):
            rows = self._table.search().where(condition).select(["id", "vector"]).to_arrow()
            vectors = rows.column("vector").combine_chunks().flatten().to_numpy()
            for number, id in enumerate(rows.column("id").to_pylist()):
                start = number * self._dimensions
                found[id] = vectors[start : start + self._dimensions]
        return found

    @reached
    def optimise(self) -> None:
        """Index what is new, merge small files, drop files of old table versions.

        Does next to nothing when nothing has changed.
        """
        from lancedb.index import HnswSq

        table = self._table
        indices = {index.name: index for index in table.list_indices()}
        rows = self.count()
        if "text_idx" not in indices:
            index_words(table)
        graph = indices.get("vector_idx")
        if rows >= self._graph_rows and (graph is None or graph.num_segments > GRAPH_SEGMENTS):
            give_back()
            table.create_index(
                "vector",
                config=HnswSq(
                    distance_type="cosine",
                    num_partitions=max(1, rows // ROWS_A_PARTITION),
                    ef_construction=100,
                ),
            )
        elif graph is not None and rows < self._graph_rows:  # made when smaller tables had one
            table.drop_index("vector_idx")
        files = table.stats()["fragment_stats"]["num_fragments"]
        fresh = max((index.num_unindexed_rows for index in table.list_indices()), default=0)
        if fresh > min(max(FRESH, FRESH_SHARE * rows), FRESH_MOST) or files > FILES:
            self.compact()

    @reached
    def compact(self) -> None:
        """Index what is new and merge files, however little there is of it, and drop files that
        only older versions need."""
        self._compact()
        self._adds = 0

    def close(self) -> None:
        """Let go of the table."""
        del self._table, self._reading

    def _compact(self, *, alone: bool = True) -> None:
        """``alone``: under the workspace's lock. Then files that no version knows are those of a
        killed writer; else of one that is at work, who may also have changed the same rows."""
        with large_apart(), suppress(*(() if alone else FAULTS)):
            self._table.optimize(cleanup_older_than=READERS_GRACE, delete_unverified=alone)
        give_back()

    def _nearest(self, vector: np.ndarray, k: int, where: Filter) -> Found:
        """The nearest windows by cosine, from disk."""
        search = self._reading.query().nearest_to(vector).column("vector").distance_type("cosine")
        search = search.ef(max(200, 2 * REFINE * k)).refine_factor(REFINE).limit(k)
        found = self._found(search, ["id", "text", "_distance"], where)
        cosines = [1.0 - distance for distance in found.column("_distance").to_pylist()]
        return Found(*_told(found), cosines, cosines)

    def _holds_any(self, versions: Collection[str]) -> bool:
        return any(self._table.count_rows(condition) for condition in among(versions))

    def _found(self, search: Any, columns: list[str], where: Filter) -> Any:
        """These columns of what a search finds; the filter comes before ranking."""
        if where:
            search = search.where(passing(where))
        return self._loop.run(search.select(columns).to_arrow())

    def _ranked(self, found: Found) -> list[Hit]:
        """Best first; equal scores in the order of ids, so that answers repeat."""
        places = self._places(found.ids)
        told = zip(found.ids, found.scores, found.cosines, found.texts, strict=True)
        return [
            Hit(*places[id], score, cosine, text)
            for id, score, cosine, text in sorted(told, key=lambda row: (-row[1], row[0]))
            if id in places
        ]

    def _places(self, ids: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """Where windows belong, read off the ids that a sync gives them: each column that a search
        brings along costs it a millisecond."""
        places = {id: place for id in ids if (place := window_place(id))}
        for condition in among({id for id in ids if id not in places}, "id"):
            rows = self._table.search().where(condition).select(list(PLACE)).to_arrow()
            told = zip(*(rows.column(name).to_pylist() for name in PLACE), strict=True)
            places |= {id: (version, chunk, window) for id, version, chunk, window in told}
        return places

    def _vector(self, near: np.ndarray | Callable[[], np.ndarray]) -> np.ndarray:
        return checked(near() if callable(near) else near, self._dimensions)

    def _cosines(self, found: Any, near: np.ndarray) -> Sequence[float | None]:
        """Of the rows of a result with a vector, whose vectors have length 1."""
        import numpy as np

        vectors = found.column("vector").combine_chunks().flatten()
        rows = vectors.to_numpy(zero_copy_only=False).reshape(-1, self._dimensions)
        return [float(cosine) for cosine in np.asarray(rows @ near)]


def _told(found: Any) -> tuple[list[str], list[str]]:
    """Ids and texts of a result."""
    return found.column("id").to_pylist(), found.column("text").to_pylist()
