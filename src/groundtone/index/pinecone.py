"""Pinecone: vectors, labels and texts in one namespace of an index that you made there.

Windows are Pinecone records: version, chunk, window, labels, time and text are metadata; words
stand beside (`groundtone.index.beside`). The client tries lost calls again, with jitter, itself.

Pinecone shows a write some time after it has taken it. An `add` waits until a search can see it,
as far as Pinecone tells (log positions in its headers), at most `SECONDS`; what was deleted may be
found a little longer, which the catalog makes up for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from groundtone.errors import EmbeddingMismatch, GroundtoneError, MissingExtra, WrongUse
from groundtone.index import Entry, Hit, window_place
from groundtone.index.asking import batches, first_line
from groundtone.index.filters import EVERYTHING, Filter

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
KEY = "PINECONE_API_KEY"
SECONDS = 20.0
SOME = 100  # ids a call; the most that a listing gives
FOUND = 500  # records a page of those found by their metadata
REQUEST_BYTES = 1_500_000  # Pinecone takes 2 MB
TEXT_BYTES = 30_000  # it takes 40 kB of metadata a record
MOST = 10_000  # hits a search may ask for


class PineconeStore:
    """The vectors of one namespace; a `groundtone.index.beside.VectorStore`.

    Args:
        url: the index's host, as Pinecone's console shows it. The key is read from
            PINECONE_API_KEY.
        dimensions: length of the vectors.
        collection: the namespace.

    Raises:
        MissingExtra: the package pinecone is not installed.
        WrongUse: there is no host or no key, or the index has no metric for vectors of length 1.
        EmbeddingMismatch: the index holds vectors of another length.
        GroundtoneError: Pinecone does not answer, or refuses.
    """

    def __init__(self, url: str, dimensions: int, *, collection: str = "groundtone") -> None:
        self.dimensions = dimensions
        self._url = url
        self._namespace = collection
        self._index = _client(url)
        told = self._asked(self._index.describe_index_stats)
        if told.dimension not in (None, dimensions):
            raise EmbeddingMismatch(
                f"The Pinecone index at {url} holds vectors of {told.dimension} numbers, the "
                f"embedding model makes {dimensions}.",
                "Make an index of that dimension, or set the model that it was built with and run "
                "`groundtone sync --rebuild`.",
            )
        if told.metric not in (None, "cosine", "dotproduct"):
            self.close()
            raise WrongUse(
                f"The Pinecone index at {url} compares vectors by {told.metric}.",
                "Make one with the metric cosine.",
            )

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        size = max(1, min(SOME, REQUEST_BYTES // (22 * self.dimensions + 4_000)))
        done: Any = None
        for some in batches(entries, size):
            rows = [
                {"id": entry.id, "values": entry.vector.tolist(), "metadata": _metadata(entry)}
                for entry in some
            ]
            done = self._asked(
                lambda rows=rows: self._index.upsert(vectors=rows, namespace=self._namespace)  # type: ignore[misc]
            )
        if done is not None and done.response_info is not None:
            self._settle(done.response_info.lsn_committed)

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        if not self.count():
            return  # a namespace begins with its first record; without one it cannot be asked
        for some in batches(sorted(versions), SOME):
            where = {"version": {"$in": list(some)}}
            self._asked(
                lambda where=where: self._index.delete(filter=where, namespace=self._namespace)  # type: ignore[misc]
            )

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine, as Pinecone finds them; at most 10,000."""
        found = self._asked(
            lambda: self._index.query(
                vector=vector.tolist(),
                top_k=min(k, MOST),
                namespace=self._namespace,
                filter=_where(where),
            )
        )
        places = self._places([match.id for match in found.matches])
        ranked = sorted((-float(match.score), match.id) for match in found.matches)
        return [Hit(*places[id], score=-less) for less, id in ranked if id in places]

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        found: set[str] = set()
        for some in batches(list(self.ids()), SOME):
            found.update(version for version, _, _ in self._places(some).values())
        return found

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        if version is not None:
            return sum(1 for _ in self._of(version)) if self.count() else 0
        told = self._asked(self._index.describe_index_stats).namespaces.get(self._namespace)
        return int(told.vector_count) if told is not None else 0

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        import numpy as np

        return {id: np.asarray(record.values, np.float32) for id, record in self._fetch(ids)}

    def ids(self) -> Iterator[str]:
        """The ids of all windows here."""
        token: str | None = None
        while True:
            page = self._asked(
                lambda token=token: self._index.list_paginated(  # type: ignore[misc]
                    namespace=self._namespace, limit=SOME, pagination_token=token
                )
            )
            yield from (item.id for item in page.vectors)
            token = page.pagination.next if page.pagination is not None else None
            if not token:
                return

    def entries(self, ids: Sequence[str]) -> Iterator[Entry]:
        """These windows without their vectors."""
        import numpy as np

        nothing = np.zeros(0, np.float32)
        for id, record in self._fetch(ids):
            meta = record.metadata or {}
            labels = tuple(str(label) for label in meta.get("labels") or ())
            place, modified = _told(meta), int(meta.get("modified") or 0)
            yield Entry(id, *place, str(meta.get("text", "")), nothing, labels, modified)

    def close(self) -> None:
        """Close the connections."""
        self._index.close()

    def _of(self, version: str) -> Iterator[str]:
        token: str | None = None
        while True:
            page = self._asked(
                lambda token=token: self._index.fetch_by_metadata(  # type: ignore[misc]
                    filter={"version": {"$eq": version}},
                    namespace=self._namespace,
                    limit=FOUND,
                    pagination_token=token,
                )
            )
            yield from page.vectors
            token = page.pagination.next if page.pagination is not None else None
            if not token:
                return

    def _places(self, ids: Sequence[str]) -> dict[str, tuple[str, int, int]]:
        """Version, chunk and window of each: as a sync's ids tell them, else from metadata."""
        places: dict[str, tuple[str, int, int]] = {}
        for id in ids:
            if told := window_place(id):
                places[id] = told
        rest = [id for id in ids if id not in places]
        places |= {id: _told(record.metadata or {}) for id, record in self._fetch(rest)}
        return places

    def _fetch(self, ids: Collection[str]) -> Iterator[tuple[str, Any]]:
        for some in batches(sorted(ids), SOME):
            page = self._asked(
                lambda some=some: self._index.fetch(ids=list(some), namespace=self._namespace)  # type: ignore[misc]
            )
            yield from page.vectors.items()

    def _settle(self, committed: int | None) -> None:
        """Wait until searches see a write; without log positions, do not."""
        nothing = [1.0] + [0.0] * (self.dimensions - 1)
        end, wait = time.monotonic() + SECONDS, 0.1
        while committed is not None and time.monotonic() < end:
            seen = self._asked(
                lambda: self._index.query(vector=nothing, top_k=1, namespace=self._namespace)
            )
            info = seen.response_info
            if info is None or info.lsn_reconciled is None or info.is_reconciled(committed):
                return
            time.sleep(wait)
            wait = min(2.0, 2 * wait)

    def _asked(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except Exception as error:
            raise GroundtoneError(
                f"Pinecone at {self._url} failed: {first_line(error)}.",
                f"See that the host, {KEY} and the network are right, then try again.",
            ) from error


def drop(url: str, collection: str) -> None:
    """Remove a namespace with all that it holds; one that is not there is fine."""
    index = _client(url)
    try:
        if collection in index.describe_index_stats().namespaces:
            index.delete_namespace(name=collection)
    except Exception as error:
        raise GroundtoneError(f"Pinecone at {url} failed: {first_line(error)}.") from error
    finally:
        index.close()


def _client(url: str) -> Any:
    try:
        from pinecone import Pinecone
    except ImportError:
        raise MissingExtra("The store Pinecone", "pinecone") from None
    if not url:
        raise WrongUse(
            "The store pinecone needs the host of an index.",
            'Make a dense index with the metric cosine, and set [index] url = "https://…" to its '
            "host.",
        )
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise WrongUse("Pinecone asks for a key.", f"Set {KEY} in the environment.")
    try:
        return Pinecone(api_key=key, timeout=SECONDS).index(host=url)
    except (ValueError, TypeError) as error:
        raise WrongUse(f"{url!r} is no Pinecone host: {first_line(error)}.") from error


def _metadata(entry: Entry) -> dict[str, Any]:
    text = entry.text.encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")
    told: dict[str, Any] = {
        "version": entry.version,
        "chunk": entry.chunk,
        "window": entry.window,
        "modified": entry.modified,
        "text": text,
    }
    if entry.labels:
        told["labels"] = list(entry.labels)
    return told


def _told(meta: Mapping[str, Any]) -> tuple[str, int, int]:
    return str(meta.get("version", "")), int(meta.get("chunk", 0)), int(meta.get("window", 0))


def _where(where: Filter) -> dict[str, Any] | None:
    """Pinecone's ``$in`` passes a list that shares an element."""
    conditions: list[dict[str, Any]] = [
        {"labels": {"$in": sorted(wanted)}} for wanted in where.every
    ]
    if where.since is not None:
        conditions.append({"modified": {"$gte": where.since}})
    if where.until is not None:
        conditions.append({"modified": {"$lte": where.until}})
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}
