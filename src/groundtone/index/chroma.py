"""Chroma: an embedded folder or a server, its collection's vectors and metadata; BM25 beside it.

Windows are Chroma records: the text is the document, version, chunk, window, labels and time are
metadata. Chroma ranks no words on a machine of one's own, so the words stand in a file beside
(`groundtone.index.beside`); a file that is behind is brought up from the collection when opened.
Telemetry is off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from groundtone.errors import EmbeddingMismatch, GroundtoneError, MissingExtra
from groundtone.index import Entry, Hit
from groundtone.index.asking import checked, first_line, tried_again
from groundtone.index.beside import WordIndex
from groundtone.index.filters import EVERYTHING, Filter

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
BATCH = 1_000


class ChromaIndex:
    """An `Index` in a Chroma collection.

    Args:
        path: a folder: of the collection (embedded), and of the words beside it.
        dimensions: length of the vectors.
        url: ``http://host:port`` of a Chroma server; empty for the embedded one.
        collection: its name in Chroma.
        folder: where the embedded database lies; default `path`.

    Raises:
        MissingExtra: chromadb is not installed.
        EmbeddingMismatch: the collection holds vectors of another length.
        GroundtoneError: the server does not answer, or the folder cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        dimensions: int,
        *,
        url: str = "",
        collection: str = "groundtone",
        folder: Path | None = None,
    ) -> None:
        self._dimensions = dimensions
        self._place = url or str(folder or path)
        path.mkdir(parents=True, exist_ok=True)
        client = _client(url, folder or path)
        self._collection = self._asked(
            lambda: client.get_or_create_collection(
                collection, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        )
        told = (self._collection.configuration or {}).get("hnsw") or {}
        self._squared = told.get("space") == "l2"  # Chroma's own default, in collections not ours
        first = self._asked(lambda: self._collection.get(limit=1, include=["embeddings"]))
        if len(first["ids"]) and len(first["embeddings"][0]) != dimensions:
            raise EmbeddingMismatch(
                f"The Chroma collection {collection!r} holds vectors of "
                f"{len(first['embeddings'][0])} numbers, the embedding model makes {dimensions}.",
                "Set the model that it was built with, or run `groundtone sync --rebuild`.",
            )
        self._words = WordIndex(path / "words.db")
        self._catch_up()

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        unique = list({entry.id: entry for entry in entries}.values())
        vectors = [checked(entry.vector, self._dimensions) for entry in unique]
        for start in range(0, len(unique), BATCH):
            some = unique[start : start + BATCH]
            self._asked(
                lambda some=some, start=start: self._collection.upsert(  # type: ignore[misc]
                    ids=[entry.id for entry in some],
                    embeddings=vectors[start : start + BATCH],
                    documents=[_clean(entry.text) for entry in some],
                    metadatas=[_metadata(entry) for entry in some],
                )
            )
            self._words.add(some)

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        ordered = sorted(versions)
        for start in range(0, len(ordered), 100):
            some = ordered[start : start + 100]
            self._asked(
                lambda some=some: self._collection.delete(where={"version": {"$in": some}})  # type: ignore[misc]
            )
        self._words.delete(versions)

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine, among those that Chroma's graph finds."""
        vector = checked(vector, self._dimensions)
        count = self.count()
        if k < 1 or not count or any(not wanted for wanted in where.every):
            return []
        found = self._asked(
            lambda: self._collection.query(
                query_embeddings=[vector],
                n_results=min(k, count),
                where=_where(where),
                include=["metadatas", "distances"],
            )
        )
        rows = zip(found["ids"][0], found["metadatas"][0] or [], found["distances"][0], strict=True)
        ranked = sorted((-self._score(float(far)), id, meta) for id, meta, far in rows)
        return [Hit(*_told(id, meta), score=-negative) for negative, id, meta in ranked]

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | None = None,
    ) -> list[Hit]:
        """The best windows by BM25, from the file beside; cosines from Chroma's vectors."""
        found = self._words.search(query, k, where)
        if near is None or not found:
            return [hit for _, hit in found]
        page = self._page(ids=[id for id, _ in found], include=["embeddings"])
        cosines = dict(
            zip(page["ids"], page["embeddings"] @ checked(near, self._dimensions), strict=True)
        )
        return [
            replace(hit, cosine=float(cosines[id])) if id in cosines else hit for id, hit in found
        ]

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        return {_told(id, meta)[0] for id, meta in self._everything()}

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        if version is not None:
            return len(self._page(where={"version": version}, include=[])["ids"])
        return int(self._asked(self._collection.count))

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        import numpy as np

        found: dict[str, np.ndarray] = {}
        ordered = sorted(ids)
        for start in range(0, len(ordered), BATCH):
            page = self._page(ids=ordered[start : start + BATCH], include=["embeddings"])
            rows = zip(page["ids"], page["embeddings"], strict=True)
            found.update({id: np.asarray(row, np.float32) for id, row in rows})
        return found

    def optimise(self) -> None:
        """Nothing to do: Chroma keeps its graph itself."""

    def close(self) -> None:
        """Let go of the words; Chroma's client is shared by the process."""
        self._words.close()

    def _score(self, distance: float) -> float:
        """Cosine from Chroma's distance; vectors have length 1, so squared L2 tells it too."""
        return 1.0 - distance / 2.0 if self._squared else 1.0 - distance

    def _everything(self) -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = []
        while True:
            page = self._page(offset=len(found), limit=BATCH, include=["metadatas"])
            if not page["ids"]:
                return found
            found += zip(page["ids"], page["metadatas"] or [], strict=True)

    def _page(self, **asked: Any) -> Any:
        return self._asked(lambda: self._collection.get(**asked))

    def _catch_up(self) -> None:
        """Take words from the collection that the file beside lacks, and drop what is gone."""
        if self._words.count() == self.count():
            return
        import numpy as np

        nothing = np.zeros(0, np.float32)  # words need no vector
        held = dict(self._everything())
        known = self._words.ids()
        missing = sorted(held.keys() - known)
        for start in range(0, len(missing), BATCH):
            page = self._page(
                ids=missing[start : start + BATCH], include=["documents", "metadatas"]
            )
            rows = zip(page["ids"], page["metadatas"], page["documents"], strict=True)
            self._words.add(
                [
                    Entry(
                        id,
                        *_told(id, meta),
                        text or "",
                        nothing,
                        labels=tuple((meta or {}).get("labels") or ()),
                        modified=int((meta or {}).get("modified") or 0),
                    )
                    for id, meta, text in rows
                ]
            )
        self._words.forget(known - held.keys())

    def _asked(self, call: Callable[[], T]) -> T:
        """A call to Chroma, tried again when it is lost on the way."""
        try:
            return tried_again(call, _lost)
        except Exception as error:
            raise GroundtoneError(
                f"Chroma at {self._place} failed: {first_line(error)}.",
                "See that it is running and reachable, then try again.",
            ) from error


def _client(url: str, folder: Path) -> Any:
    try:
        import chromadb
        from chromadb.config import Settings
    except ImportError:
        raise MissingExtra("The store Chroma", "chroma") from None

    quiet = Settings(anonymized_telemetry=False)
    try:
        if not url:
            folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(path=str(folder), settings=quiet)
        parts = urlsplit(url if "//" in url else f"http://{url}")
        secure = parts.scheme == "https"
        return chromadb.HttpClient(
            host=parts.hostname or "localhost",
            port=parts.port or (443 if secure else 8000),
            ssl=secure,
            settings=quiet,
        )
    except Exception as error:
        raise GroundtoneError(
            f"Chroma at {url or folder} cannot be opened: {first_line(error)}.",
            "See that the address is right and the server is running, then try again.",
        ) from error


def drop(url: str, collection: str) -> None:
    """Remove a collection from a server."""
    client = _client(url, Path())
    if collection in {known.name for known in client.list_collections()}:
        client.delete_collection(collection)


def _metadata(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {
        "version": entry.version,
        "chunk": entry.chunk,
        "window": entry.window,
        "modified": entry.modified,
    }
    if entry.labels:  # Chroma refuses empty lists
        told["labels"] = list(entry.labels)
    return told


def _told(id: str, meta: Mapping[str, Any] | None) -> tuple[str, int, int]:
    """Version, chunk and window; a record that is not ours stands for itself."""
    meta = meta or {}
    return str(meta.get("version", id)), int(meta.get("chunk", 0)), int(meta.get("window", 0))


def _where(where: Filter) -> dict[str, Any] | None:
    conditions: list[dict[str, Any]] = []
    for wanted in where.every:
        some = [{"labels": {"$contains": label}} for label in sorted(wanted)]
        conditions.append(some[0] if len(some) == 1 else {"$or": some})
    if where.since is not None:
        conditions.append({"modified": {"$gte": where.since}})
    if where.until is not None:
        conditions.append({"modified": {"$lte": where.until}})
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _lost(error: Exception) -> bool:
    network = type(error).__module__.startswith(("httpx", "httpcore"))
    return network or isinstance(error, (ConnectionError, TimeoutError))
