"""Chroma: an embedded folder or a server; its collection keeps vectors, texts and metadata.

Windows are Chroma records: the text is the document, version, chunk, window, labels and time are
metadata. Chroma ranks no words on a machine of one's own, so those stand beside
(`groundtone.index.beside`). Telemetry is off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from groundtone.errors import EmbeddingMismatch, GroundtoneError, MissingExtra
from groundtone.index import Entry, Hit, is_folder
from groundtone.index.asking import batches, first_line, tried_again
from groundtone.index.filters import EVERYTHING, Filter

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
BATCH = 1_000
SOME = 100  # values a condition may list


class ChromaStore:
    """The vectors of one Chroma collection; a `groundtone.index.beside.VectorStore`.

    Args:
        folder: of the embedded database, if there is no `url`.
        dimensions: length of the vectors.
        url: ``http://host:port`` of a Chroma server, or the path of another embedded database.
        collection: its name in Chroma, made if absent.

    Raises:
        MissingExtra: chromadb is not installed.
        EmbeddingMismatch: the collection holds vectors of another length.
        GroundtoneError: the server does not answer, or the folder cannot be opened.
    """

    def __init__(
        self, folder: Path, dimensions: int, *, url: str = "", collection: str = "groundtone"
    ) -> None:
        self.dimensions = dimensions
        self._place = url or str(folder)
        opened = client(url, folder)
        self._collection = self._asked(
            lambda: opened.get_or_create_collection(
                collection, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        )
        first = self._page(limit=1, include=["embeddings", "metadatas"])
        if len(first["ids"]) and "version" not in (first["metadatas"][0] or {}):
            raise GroundtoneError(
                f"The Chroma collection {collection!r} holds records that something else made.",
                "Take them in with `groundtone index adopt`, or set another [index] collection.",
            )
        if len(first["ids"]) and len(first["embeddings"][0]) != dimensions:
            raise EmbeddingMismatch(
                f"The Chroma collection {collection!r} holds vectors of "
                f"{len(first['embeddings'][0])} numbers, the embedding model makes {dimensions}.",
                "Set the model that it was built with, or run `groundtone sync --rebuild`.",
            )

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        self._asked(
            lambda: self._collection.upsert(
                ids=[entry.id for entry in entries],
                embeddings=[entry.vector for entry in entries],
                documents=[_clean(entry.text) for entry in entries],
                metadatas=[_metadata(entry) for entry in entries],
            )
        )

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        for some in batches(sorted(versions), SOME):
            where = {"version": {"$in": list(some)}}
            self._asked(lambda where=where: self._collection.delete(where=where))  # type: ignore[misc]

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine, among those that Chroma's graph finds."""
        count = self.count()
        if not count:
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
        ranked = sorted((float(far) - 1.0, id, meta) for id, meta, far in rows)
        return [Hit(*_told(id, meta), score=-negative) for negative, id, meta in ranked]

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        pages = self._pages(["metadatas"])
        return {
            _told(id, meta)[0]
            for page in pages
            for id, meta in zip(page["ids"], page["metadatas"], strict=True)
        }

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        if version is not None:
            return len(self._page(where={"version": version}, include=[])["ids"])
        return int(self._asked(self._collection.count))

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        import numpy as np

        page = self._page(ids=sorted(ids), include=["embeddings"])
        rows = zip(page["ids"], page["embeddings"], strict=True)
        return {id: np.asarray(row, np.float32) for id, row in rows}

    def ids(self) -> Iterator[str]:
        """The ids of all windows here."""
        for page in self._pages([]):
            yield from page["ids"]

    def entries(self, ids: Sequence[str]) -> Iterator[Entry]:
        """These windows without their vectors."""
        import numpy as np

        nothing = np.zeros(0, np.float32)
        page = self._page(ids=list(ids), include=["documents", "metadatas"])
        for id, meta, text in zip(page["ids"], page["metadatas"], page["documents"], strict=True):
            labels = tuple((meta or {}).get("labels") or ())
            modified = int((meta or {}).get("modified") or 0)
            yield Entry(id, *_told(id, meta), text or "", nothing, labels, modified)

    def close(self) -> None:
        """Nothing to do: Chroma's client is shared by the process."""

    def _pages(self, include: list[str]) -> Iterator[Any]:
        offset = 0
        while (page := self._page(offset=offset, limit=BATCH, include=include))["ids"]:
            yield page
            offset += len(page["ids"])

    def _page(self, **asked: Any) -> Any:
        return self._asked(lambda: self._collection.get(**asked))

    def _asked(self, call: Callable[[], T]) -> T:
        """A call to Chroma, tried again when it is lost on the way."""
        try:
            return tried_again(call, _lost)
        except Exception as error:
            raise GroundtoneError(
                f"Chroma at {self._place} failed: {first_line(error)}.",
                "See that it is running and reachable, then try again.",
            ) from error


def client(url: str, folder: Path) -> Any:
    """Chroma's client for an address or a folder, without telemetry."""
    try:
        import chromadb
        from chromadb.config import Settings
    except ImportError:
        raise MissingExtra("The store Chroma", "chroma") from None

    quiet = Settings(anonymized_telemetry=False)
    try:
        if not url or is_folder(url):
            folder = Path(url) if url else folder
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
    opened = client(url, Path())
    if collection in {known.name for known in opened.list_collections()}:
        opened.delete_collection(collection)


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
    """Version, chunk and window; a record that came in later and is not ours is its own."""
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
    """The network failed; or the embedded database was being rewritten under the call."""
    network = type(error).__module__.startswith(("httpx", "httpcore"))
    rewritten = type(error).__name__ == "InternalError"
    return network or rewritten or isinstance(error, (ConnectionError, TimeoutError))
