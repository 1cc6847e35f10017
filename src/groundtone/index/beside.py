"""An index of two parts: a store that knows vectors, and the words beside it on this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from groundtone.index import Entry, Hit
from groundtone.index.asking import batches, checked
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.fts import WordIndex

if TYPE_CHECKING:
    import numpy as np

BATCH = 1_000


class VectorStore(Protocol):
    """What a store must know for `WithWords`; as in `groundtone.index.Index` where not said."""

    dimensions: int

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows with their texts, labels and times."""

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The ``k`` windows nearest to a vector."""

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""

    def ids(self) -> Iterable[str]:
        """The ids of all windows here."""

    def entries(self, ids: Sequence[str]) -> Iterator[Entry]:
        """These windows without their vectors."""

    def close(self) -> None:
        """Let go of the store."""


class WithWords:
    """An `Index`: vectors from a store, BM25 from a file.

    A file that is behind (another machine wrote, or it was lost) is brought up from the store
    when the index is opened.

    Args:
        store: knows the vectors, and keeps the texts.
        path: the file of words, made if absent.
    """

    def __init__(self, store: VectorStore, path: Path) -> None:
        self._store = store
        self._words = WordIndex(path)
        if self._words.count() != store.count():
            self._catch_up()

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        unique = list({entry.id: entry for entry in entries}.values())
        for entry in unique:
            checked(entry.vector, self._store.dimensions)
        for some in batches(unique, BATCH):
            self._store.add(some)
            self._words.add(some)

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        if versions:
            self._store.delete(versions)
            self._words.delete(versions)

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine, as the store finds them."""
        vector = checked(vector, self._store.dimensions)
        if k < 1 or any(not wanted for wanted in where.every):
            return []
        return self._store.dense(vector, k, where)

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | None = None,
    ) -> list[Hit]:
        """The best windows by BM25, from the file; their cosines from the store's vectors."""
        found = self._words.search(query, k, where)
        if near is None or not found:
            return [hit for _, hit in found]
        near = checked(near, self._store.dimensions)
        vectors = self._store.vectors([id for id, _ in found])
        return [
            hit._replace(cosine=float(vectors[id] @ near)) if id in vectors else hit
            for id, hit in found
        ]

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        return self._store.versions()

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        return self._store.count(version)

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        return self._store.vectors(ids) if ids else {}

    def optimise(self) -> None:
        """Nothing to do: both parts keep their structures themselves."""

    def close(self) -> None:
        """Let go of both parts."""
        self._words.close()
        self._store.close()

    def _catch_up(self) -> None:
        held, known = set(self._store.ids()), self._words.ids()
        for some in batches(sorted(held - known), BATCH):
            self._words.add(list(self._store.entries(some)))
        self._words.forget(known - held)
