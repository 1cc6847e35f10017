"""Windows and their vectors, searchable by meaning and by words: one module a store.

An index may hold more than is live (a run was killed, another process is replacing a document);
the catalog says what counts. Only the holder of the workspace's writing lock changes an index;
anyone may search meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

from groundtone.buckets.addresses import is_bucket, normal
from groundtone.buckets.reaching import Access
from groundtone.errors import WrongUse
from groundtone.index.filters import EVERYTHING, Filter

if TYPE_CHECKING:
    import numpy as np

STORES = ("lancedb", "chroma", "pgvector", "qdrant", "weaviate", "pinecone")
_ID = re.compile(r"(.+):(\d{6,}):(\d{6,})", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One window.

    Attributes:
        version: of its document.
        vector: float32, of length 1.
        labels: words that a `Filter` asks for.
        modified: when its document was last changed, in seconds since 1970.
    """

    id: str
    version: str
    chunk: int
    window: int
    text: str
    vector: np.ndarray
    labels: tuple[str, ...] = ()
    modified: int = 0


class Hit(NamedTuple):
    """One window found; a higher score is better.

    Attributes:
        cosine: with the question's vector, where it is known (`Index.lexical` may know it).
        words: the window's text as `words.indexed` gives it; None where the store keeps none.
    """

    version: str
    chunk: int
    window: int
    score: float
    cosine: float | None = None
    words: str | None = None


def window_id(version: str, chunk: int, window: int) -> str:
    """The id of a window's entry."""
    return f"{version}:{chunk:06}:{window:06}"


def window_place(id: str) -> tuple[str, int, int] | None:
    """Version, chunk and window, as `window_id` wrote them; None for another's id."""
    told = _ID.fullmatch(id)
    return (told[1], int(told[2]), int(told[3])) if told else None


class Index(Protocol):
    """What every store does; the shared suite is tests/contracts/index.py."""

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced.

        Raises:
            ValueError: a vector has the wrong length or holds a value that is no number.
        """

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions; unknown ones are ignored."""

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The ``k`` windows nearest to a vector; scores are cosines, -1 to 1."""

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | None = None,
    ) -> list[Hit]:
        """The ``k`` best windows by BM25; only windows that share a word. Any text is safe.

        With ``near``, a vector of length 1, hits tell their cosine with it: fusion judges better
        when it knows both scores. A store that cannot tell it cheaply leaves it None.
        """

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows as they were added; unknown ids are left out."""

    def optimise(self) -> None:
        """Take new windows into the search structures and drop what is no longer needed."""

    def close(self) -> None:
        """Let go of files and memory."""


Nearest = tuple["np.ndarray", int, Filter]
"""What `Index.dense` is asked: a vector, how many windows, and what they are limited to."""


@runtime_checkable
class Scanning(Index, Protocol):
    """An index that reads its vectors once for several questions, from memory."""

    def warm(self) -> None:
        """Have in memory what is kept there for many searches: they are going to come."""

    def dense_each(self, asked: Sequence[Nearest]) -> list[list[Hit]]:
        """What `Index.dense` finds for each of a few questions."""

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | Callable[[], np.ndarray] | None = None,
    ) -> list[Hit]:
        """What `Index.lexical` finds; a vector that is yet to be made is waited for at the end."""


@runtime_checkable
class Compacting(Protocol):
    """An index whose files can be merged beyond what `Index.optimise` finds worth doing."""

    def compact(self) -> None:
        """Merge them, and drop those that are no longer needed. Only under the writing lock."""


def open_index(
    name: str,
    path: Path,
    dimensions: int,
    *,
    url: str = "",
    collection: str = "groundtone",
    access: Access | None = None,
) -> Index:
    """Open an index, made if absent.

    Args:
        name: the store, one of `STORES`.
        path: its own folder: of its data, or of what stands beside a server.
        dimensions: length of its vectors.
        url: of the server, for stores that have one; empty: embedded in `path`.
        collection: its name in a store that keeps several.
        access: how a bucket is reached, for the store that can be in one.

    Raises:
        WrongUse: no store has this name.
        MissingExtra: the store's package is not installed.
        EmbeddingMismatch: the index holds vectors of another length.
        GroundtoneError: the index cannot be opened.
    """
    if name == "lancedb":
        from groundtone.index.lance import LanceIndex

        if not url:
            return LanceIndex(path, dimensions)
        from groundtone.index import lance_place

        place = lance_place.bucket(url, collection, access or Access())
        return LanceIndex(place, dimensions)
    if name == "chroma":
        from groundtone.index.beside import WithWords
        from groundtone.index.chroma import ChromaStore

        store = ChromaStore(path, dimensions, url=url, collection=collection)
        return WithWords(store, path / "words.db")
    if name == "pgvector":
        from groundtone.index.postgres import PostgresIndex

        return PostgresIndex(url, dimensions, collection=collection)
    if name == "qdrant":
        from groundtone.index.qdrant import QdrantIndex

        return QdrantIndex(path, dimensions, url=url, collection=collection)
    if name == "weaviate":
        from groundtone.index.weaviate import WeaviateIndex

        return WeaviateIndex(url, dimensions, collection=collection)
    if name == "pinecone":
        from groundtone.index.beside import WithWords
        from groundtone.index.pinecone import PineconeStore

        return WithWords(PineconeStore(url, dimensions, collection=collection), path / "words.db")
    raise WrongUse(
        f"There is no index store {name!r}.",
        f"Set [index] store in groundtone.toml to one of: {', '.join(STORES)}.",
    )


def shown(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@", 1)).geturl()


def located(url: str, root: Path) -> str:
    """An address in its one spelling; one that is a folder's path (``./doc_db``) in full, seen
    from ``root``."""
    if is_bucket(url):
        with suppress(ValueError):  # said by who opens it
            return normal(url)
    return str((root / Path(url).expanduser()).resolve()) if is_folder(url) else url


def is_folder(url: str) -> bool:
    """Whether an address is a path: it begins with ``.``, ``/`` or ``~``."""
    return url.startswith((".", "/", "~"))


def drop_index(name: str, url: str, collection: str, access: Access | None = None) -> None:
    """Remove an index from a server or bucket, with all that it holds; one that is not there is
    fine.

    Raises:
        GroundtoneError: the server does not answer.
    """
    if name == "lancedb":
        from groundtone.index import lance_place, lance_table

        lance_place.drop(url, collection, access or Access(), lance_table.TABLE)
    elif name == "chroma":
        from groundtone.index import chroma

        chroma.drop(url, collection)
    elif name == "pgvector":
        from groundtone.index import postgres

        postgres.drop(url, collection)
    elif name == "qdrant":
        from groundtone.index import qdrant

        qdrant.drop(url, collection)
    elif name == "weaviate":
        from groundtone.index import weaviate

        weaviate.drop(url, collection)
    elif name == "pinecone":
        from groundtone.index import pinecone

        pinecone.drop(url, collection)
