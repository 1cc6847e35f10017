"""Documents into index and catalog, batch by batch, each batch whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groundtone.catalog import Catalog, StoredChunk, StoredDocument
from groundtone.embedding import Embedder
from groundtone.index import Entry, Index

WINDOWS = 512  # embedded at once: enough to sort by length, little enough to lose when killed

Commit = Callable[[list[StoredDocument], Index], None]


@dataclass(slots=True)
class Writer:
    """Collects documents until their windows fill a batch, then embeds, indexes and commits them.

    The order makes a kill harmless: windows first, which nobody sees until the catalog names their
    version; then the catalog; then the old version's windows go.

    Attributes:
        commit: makes documents live whose windows are in the index.
        written: called after each step with the windows embedded in it.
    """

    embedder: Embedder
    index: Index
    commit: Commit
    written: Callable[[int], None]
    _documents: list[StoredDocument]
    _windows: int = 0

    def add(self, document: StoredDocument) -> None:
        """Take a document; written now or with a later one."""
        self._documents.append(document)
        self._windows += sum(len(chunk.windows) for chunk in document.chunks)
        if self._windows >= WINDOWS:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken."""
        waiting: list[tuple[StoredDocument, StoredChunk, int]] = []
        for document in self._documents:
            for place in _places(document):
                waiting.append((document, *place))
                if len(waiting) == WINDOWS:
                    self._embed(waiting)
                    waiting = []
        self._embed(waiting)
        if self._documents:
            self.commit(self._documents, self.index)
        self._documents = []
        self._windows = 0

    def _embed(self, places: Sequence[tuple[StoredDocument, StoredChunk, int]]) -> None:
        if not places:
            return
        texts = [chunk.embedded(document.text, window) for document, chunk, window in places]
        vectors = self.embedder.embed(texts)
        self.index.add(
            [
                Entry(
                    id=f"{document.version}:{chunk.ordinal:06}:{window:06}",
                    version=document.version,
                    chunk=chunk.ordinal,
                    window=window,
                    text=text,
                    vector=vector,
                )
                for (document, chunk, window), text, vector in zip(
                    places, texts, vectors, strict=True
                )
            ]
        )
        self.written(len(places))


def make_live(catalog: Catalog) -> Commit:
    """A commit for everyday syncs: each batch replaces the older versions of its documents."""

    def commit(documents: list[StoredDocument], index: Index) -> None:
        gone = catalog.replace_documents(documents)
        if gone:
            index.delete(gone)

    return commit


def _places(document: StoredDocument) -> Iterator[tuple[StoredChunk, int]]:
    for chunk in document.chunks:
        for window in range(len(chunk.windows)):
            yield chunk, window
