"""Qdrant: a server, or its client's local mode in a folder; vectors and BM25 in one collection.

Words are a sparse vector: each stem is a dimension, its value the BM25 weight of how often it
stands in the window (k1 = 1.2, b = 0.75, an average of `AVERAGE` words); Qdrant multiplies by how
rare the stem is (its IDF modifier). Labels, time and place are payload, and are filtered by Qdrant.

Local mode keeps a folder for one process at a time: a search while another process syncs is told
so. It is meant for trying out; a server has no such limit.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from groundtone.errors import Busy, EmbeddingMismatch, GroundtoneError, MissingExtra
from groundtone.index import Entry, Hit
from groundtone.index.asking import checked, first_line, tried_again
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.words import LONGEST, asked, indexed

if TYPE_CHECKING:
    import numpy as np

BATCH = 256
SECONDS = 20
AVERAGE = 120.0  # words of a window: it has up to 256 tokens
K1, B = 1.2, 0.75
PLACE = ("id", "version", "chunk", "window")
_WORD = re.compile(r"[^\W_]+")

_local: dict[Path, tuple[Any, int]] = {}  # Qdrant's local mode takes one client a folder
_lock = Lock()


class QdrantIndex:
    """An `Index` in a Qdrant collection.

    Args:
        path: the folder of local mode.
        dimensions: length of the vectors.
        url: of a server; empty for local mode. A key is read from QDRANT_API_KEY.
        collection: its name.

    Raises:
        MissingExtra: qdrant-client is not installed.
        Busy: another process has the folder open.
        EmbeddingMismatch: the collection holds vectors of another length.
        GroundtoneError: the server does not answer.
    """

    def __init__(
        self, path: Path, dimensions: int, *, url: str = "", collection: str = "groundtone"
    ) -> None:
        self._dimensions = dimensions
        self._collection = collection
        self._shown = url or str(path)
        self._folder = None if url else path.resolve()
        self._client = _client(url) if url else _borrow(path.resolve())
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        from qdrant_client import models

        points = [
            models.PointStruct(
                id=_point(entry.id),
                vector={
                    "meaning": checked(entry.vector, self._dimensions).tolist(),
                    "words": models.SparseVector(**_weights(indexed(entry.text))),
                },
                payload={
                    "id": entry.id,
                    "version": entry.version,
                    "chunk": entry.chunk,
                    "window": entry.window,
                    "labels": list(entry.labels),
                    "modified": entry.modified,
                    "text": entry.text.encode("utf-8", "replace").decode("utf-8"),
                },
            )
            for entry in {entry.id: entry for entry in entries}.values()
        ]
        for start in range(0, len(points), BATCH):
            some = points[start : start + BATCH]
            self._asked("upsert", points=some, wait=True)

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        from qdrant_client import models

        ordered = sorted(versions)
        for start in range(0, len(ordered), BATCH):
            some = models.MatchAny(any=ordered[start : start + BATCH])
            wanted = models.Filter(must=[models.FieldCondition(key="version", match=some)])
            self._asked("delete", points_selector=models.FilterSelector(filter=wanted), wait=True)

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine, as Qdrant's graph finds them."""
        query = checked(vector, self._dimensions).tolist()
        return [hit for _, hit in self._search("meaning", query, k, where)]

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | None = None,
    ) -> list[Hit]:
        """The best windows by BM25, computed by Qdrant from sparse vectors."""
        import numpy as np
        from qdrant_client import models

        stems = sorted({_dimension(stem) for stem in _stems(asked(query))})
        if not stems:
            return []
        sought = models.SparseVector(indices=stems, values=[1.0] * len(stems))
        found = self._search("words", sought, k, where, vectors=near is not None)
        if near is None:
            return [hit for _, hit in found]
        near = checked(near, self._dimensions)
        return [
            Hit(
                hit.version, hit.chunk, hit.window, hit.score,
                float(np.asarray(point.vector["meaning"], np.float32) @ near),
            )
            for point, hit in found
        ]  # fmt: skip

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        found: set[str] = set()
        place: Any = None
        while True:
            points, place = self._asked(
                "scroll", limit=1_000, offset=place, with_payload=["version"]
            )
            found.update(point.payload["version"] for point in points)
            if place is None:
                return found

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        from qdrant_client import models

        one = None
        if version is not None:
            match = models.MatchValue(value=version)
            one = models.Filter(must=[models.FieldCondition(key="version", match=match)])
        return int(self._asked("count", count_filter=one, exact=True).count)

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        import numpy as np

        ordered = [_point(id) for id in sorted(ids)]
        found: dict[str, np.ndarray] = {}
        for start in range(0, len(ordered), BATCH):
            points = self._asked(
                "retrieve",
                ids=ordered[start : start + BATCH],
                with_payload=["id"],
                with_vectors=["meaning"],
            )
            for point in points:
                found[point.payload["id"]] = np.asarray(point.vector["meaning"], np.float32)
        return found

    def optimise(self) -> None:
        """Nothing to do: Qdrant indexes what is new itself."""

    def close(self) -> None:
        """Let go of the client; a local folder is closed with its last user."""
        if self._folder is not None:
            _give_back(self._folder)
            self._folder = None

    def _make(self) -> None:
        from qdrant_client import models

        if not self._asked("collection_exists"):
            try:
                self._asked(
                    "create_collection",
                    vectors_config={
                        "meaning": models.VectorParams(
                            size=self._dimensions, distance=models.Distance.COSINE
                        )
                    },
                    sparse_vectors_config={
                        "words": models.SparseVectorParams(modifier=models.Modifier.IDF)
                    },
                )
            except GroundtoneError:
                if not self._asked("collection_exists"):  # else another process was first
                    raise
            if self._folder is None:  # local mode has no payload indexes
                for field, kind in (
                    ("version", "keyword"), ("labels", "keyword"), ("modified", "integer")
                ):  # fmt: skip
                    self._asked("create_payload_index", field_name=field, field_schema=kind)
        held = self._asked("get_collection").config.params.vectors["meaning"].size
        if held != self._dimensions:
            raise EmbeddingMismatch(
                f"The Qdrant collection {self._collection!r} holds vectors of {held} numbers, the "
                f"embedding model makes {self._dimensions}.",
                "Set the model that it was built with, or run `groundtone sync --rebuild`.",
            )

    def _search(
        self, using: str, query: Any, k: int, where: Filter, *, vectors: bool = False
    ) -> list[tuple[Any, Hit]]:
        if k < 1 or any(not wanted for wanted in where.every):
            return []
        points = self._asked(
            "query_points",
            query=query,
            using=using,
            limit=k,
            query_filter=_where(where),
            with_payload=list(PLACE),
            with_vectors=["meaning"] if vectors else False,
        ).points
        points.sort(key=lambda point: (-point.score, point.payload["id"]))
        return [
            (
                point,
                Hit(
                    point.payload["version"],
                    point.payload["chunk"],
                    point.payload["window"],
                    float(point.score),
                ),
            )
            for point in points
        ]

    def _asked(self, name: str, **arguments: Any) -> Any:
        """A call to Qdrant, tried again when it is lost on the way."""
        from qdrant_client.http.exceptions import ApiException

        call: Callable[..., Any] = getattr(self._client, name)

        def once() -> Any:
            if self._folder is None:
                return call(collection_name=self._collection, **arguments)
            with _lock:  # local mode knows no threads
                return call(collection_name=self._collection, **arguments)

        try:
            return tried_again(once, _lost)
        except (ApiException, OSError, RuntimeError, ValueError) as error:
            raise GroundtoneError(
                f"Qdrant at {self._shown} failed: {first_line(error)}.",
                "See that it is running and reachable, then try again.",
            ) from error


def _client(url: str) -> Any:
    import os

    return _package().QdrantClient(
        url=url,
        api_key=os.environ.get("QDRANT_API_KEY"),
        timeout=SECONDS,
        check_compatibility=False,
    )


def drop(url: str, collection: str) -> None:
    """Remove a collection from a server."""
    _client(url).delete_collection(collection)


def _package() -> Any:
    try:
        import qdrant_client
    except ImportError:
        raise MissingExtra("The store Qdrant", "qdrant") from None
    return qdrant_client


def _borrow(folder: Path) -> Any:
    package = _package()
    with _lock:
        client, users = _local.get(folder, (None, 0))
        if client is None:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                client = package.QdrantClient(path=str(folder))
            except RuntimeError as error:
                raise Busy(
                    f"The Qdrant folder {folder} is open in another process.",
                    "Wait for it to end, or use a Qdrant server ([index] url), which many may use.",
                ) from error
        _local[folder] = (client, users + 1)
        return client


def _give_back(folder: Path) -> None:
    with _lock:
        client, users = _local.pop(folder)
        if users > 1:
            _local[folder] = (client, users - 1)
        else:
            client.close()


def _point(id: str) -> str:
    """Qdrant takes numbers and UUIDs for ids."""
    return str(uuid.UUID(bytes=hashlib.sha256(id.encode()).digest()[:16]))


def _weights(text: str) -> dict[str, list[Any]]:
    counts = Counter(_dimension(stem) for stem in _stems(text))
    norm = K1 * (1 - B + B * sum(counts.values()) / AVERAGE)
    ordered = sorted(counts.items())
    return {
        "indices": [at for at, _ in ordered],
        "values": [count * (K1 + 1) / (count + norm) for _, count in ordered],
    }


def _stems(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return [word for word in _WORD.findall(plain) if len(word) <= LONGEST]


@lru_cache(maxsize=100_000)
def _dimension(stem: str) -> int:
    """A stem's place in the sparse vector: 31 bits of its hash, so that no vocabulary is kept."""
    return int.from_bytes(hashlib.blake2b(stem.encode(), digest_size=4).digest(), "big") >> 1


def _where(where: Filter) -> Any:
    from qdrant_client import models

    conditions: list[Any] = [
        models.FieldCondition(key="labels", match=models.MatchAny(any=sorted(wanted)))
        for wanted in where.every
    ]
    if where.since is not None or where.until is not None:
        span = models.Range(gte=where.since, lte=where.until)
        conditions.append(models.FieldCondition(key="modified", range=span))
    return models.Filter(must=conditions) if conditions else None


def _lost(error: Exception) -> bool:
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    if isinstance(error, UnexpectedResponse):
        return error.status_code in (429, 503)
    return isinstance(error, (ResponseHandlingException, OSError))
