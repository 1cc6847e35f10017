"""Documents into index and catalog, batch by batch, each batch whole or not at all.

Embedding happens in the thread that calls, or wherever that begins it; storing in another, so that
the embedder need not wait for the disk. Vectors of texts that the index holds already are taken
from there.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from queue import Queue
from types import TracebackType
from typing import TYPE_CHECKING, Self

from groundtone.catalog import Catalog, FailedFile, StoredDocument
from groundtone.catalog.windows import digest
from groundtone.embedding import Embedder
from groundtone.index import Entry, Index, window_id
from groundtone.index.attributes import attributes

if TYPE_CHECKING:
    import numpy as np

WINDOWS = 512  # stored at once: few enough to lose little when killed
GROUP = 64  # embedded at once: enough to sort by length, little enough to tell how it goes on


@dataclass(slots=True)
class Made:
    """A file to be stored.

    Attributes:
        new: documents to be made live.
        kept: live documents that stay, perhaps at another place.
        indexed: those of both whose windows the index needs, first.
        replaces: versions that go when these come.
        failed: what is to be remembered of its failures, or None for nothing new.
    """

    new: list[StoredDocument] = field(default_factory=list)
    kept: list[StoredDocument] = field(default_factory=list)
    indexed: list[StoredDocument] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    failed: FailedFile | None = None


Commit = Callable[[list[Made], Index], None]
Begin = Callable[[list[str]], Callable[[], "Iterable[np.ndarray]"]]
"""Begins to embed texts; what it returns is called once, in turn, and gives their vectors."""


def embedded_here(embedder: Callable[[], Embedder]) -> Begin:
    """Embeds in the thread that waits. ``embedder``: asked only when there is a text."""
    return lambda texts: lambda: embedder().embed(texts)


@dataclass(frozen=True, slots=True)
class Window:
    """A window on its way into an index."""

    document: StoredDocument
    chunk: int
    number: int
    text: str
    digest: bytes
    last: bool  # of its chunk
    labels: tuple[str, ...]

    @property
    def id(self) -> str:
        """Its id in the index."""
        return window_id(self.document.version, self.chunk, self.number)

    def entry(self, vector: np.ndarray) -> Entry:
        """What the index keeps of it."""
        return Entry(
            id=self.id,
            version=self.document.version,
            chunk=self.chunk,
            window=self.number,
            text=self.text,
            vector=vector,
            labels=self.labels,
            modified=_seconds(self.document.modified),
        )


@dataclass(slots=True)
class _Batch:
    """What goes into the store together."""

    entries: list[Entry] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    vectors: dict[bytes, np.ndarray] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """Windows whose texts are being embedded.

    Attributes:
        vectors: those known; in the end, all.
        new: texts being embedded for this group.
        promised: texts being embedded for an earlier group.
        ends: files whose last windows these are.
    """

    windows: Sequence[Window]
    vectors: dict[bytes, np.ndarray]
    new: Sequence[bytes]
    promised: dict[bytes, _Group]
    wait: Callable[[], Iterable[np.ndarray]]
    ends: list[Made] = field(default_factory=list)


class Writer:
    """Embeds and stores files in the order in which they are given; a context manager.

    The order makes a kill harmless: windows first, which nobody sees until the catalog names their
    version; then the catalog; then the old version's windows go.

    Args:
        embed: asked only for texts that have no vector yet.
        commit: makes files live whose windows are in the index.
        told: called with the numbers of windows and of chunks finished, and of texts embedded.
        whole: called with each file whose windows are finished.
        left_over: versions of which a killed sync left windows in the index.
        ahead: groups whose embedding is begun before the first of them is waited for.
    """

    def __init__(
        self,
        embed: Begin,
        index: Index,
        catalog: Catalog,
        commit: Commit,
        told: Callable[[int, int, int], None],
        whole: Callable[[Made], None],
        left_over: Collection[str] = (),
        ahead: int = 0,
    ) -> None:
        self._embed = embed
        self._index = index
        self._catalog = catalog
        self._commit = commit
        self._told = told
        self._whole = whole
        self._left_over = frozenset(left_over)
        self._sources = {source.id: source.path for source in catalog.sources()}
        self._files: deque[tuple[Made, Iterator[Window]]] = deque()
        self._waiting = 0
        self._ahead = ahead
        self._coming: deque[_Group] = deque()
        self._batch = _Batch()
        self._in_flight: list[_Batch] = [self._batch]
        self._queue: Queue[_Batch | None] = Queue(maxsize=1)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._store_all, name="storing", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self._error is None:
            self._error = value  # what waits is dropped
        self._queue.put(None)
        self._thread.join()

    @property
    def hungry(self) -> bool:
        """Whether fewer windows wait than are stored together."""
        return self._waiting < WINDOWS

    @property
    def short(self) -> bool:
        """Whether fewer windows wait than are embedded at once."""
        return self._waiting < GROUP

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be embedded."""
        return not self._files

    def add(self, made: Made) -> None:
        """Take a file; `work` does the rest."""
        self._files.append((made, chain.from_iterable(map(self._windows, made.indexed))))
        self._waiting += sum(len(c.windows) for one in made.indexed for c in one.chunks)

    def work(self) -> None:
        """Embed some of what waits.

        Raises:
            OSError, RuntimeError, GroundtoneError: what went before could not be stored.
        """
        some: list[Window] = []
        ends: deque[tuple[int, Made]] = deque()  # files, with the windows up to their end
        most = WINDOWS
        if self._ahead and GROUP <= self._waiting < WINDOWS:
            most = self._waiting // GROUP * GROUP  # whole groups, so that each call is worth it
        while self._files and len(some) < most:
            made, windows = self._files[0]
            some += islice(windows, most - len(some))
            if len(some) < most:
                ends.append((len(some), made))
                self._files.popleft()
        wanted = {window.digest for window in some}
        promised = {d: group for group in self._coming for d in wanted.intersection(group.new)}
        known = self._known(wanted - promised.keys())
        for done in range(0, max(1, len(some)), GROUP):
            group = self._begin(some[done : done + GROUP], known, promised)
            while ends and ends[0][0] <= done + GROUP:
                group.ends.append(ends.popleft()[1])
            while len(self._coming) > self._ahead:
                self._end(self._coming.popleft())
        self._waiting -= len(some)
        if max(len(self._batch.entries), len(self._batch.made)) >= WINDOWS:
            self._hand_over()

    def finish(self) -> None:
        """Embed and store everything that was given."""
        while self._files:
            self.work()
        while self._coming:
            self._end(self._coming.popleft())
        self._hand_over()
        self._queue.join()
        self._check()

    def _known(self, wanted: set[bytes]) -> dict[bytes, np.ndarray]:
        """Vectors of these texts that are in the index, or on their way there."""
        known = {
            text: batch.vectors[text]
            for batch in list(self._in_flight)
            for text in wanted & batch.vectors.keys()
        }
        places = self._catalog.places(wanted - known.keys())
        texts = {window_id(*place): text for text, some in places.items() for place in some}
        if texts:
            found = self._index.vectors(texts.keys())
            known |= {texts[id]: vector for id, vector in found.items()}
        return known

    def _begin(
        self,
        windows: Sequence[Window],
        known: dict[bytes, np.ndarray],
        promised: dict[bytes, _Group],
    ) -> _Group:
        new = {
            w.digest: w.text for w in windows if w.digest not in known and w.digest not in promised
        }
        digests = {window.digest for window in windows}
        group = _Group(
            windows,
            {text: known[text] for text in digests & known.keys()},
            list(new),
            {text: promised[text] for text in digests & promised.keys()},
            self._embed(list(new.values())) if new else list,
        )
        promised |= dict.fromkeys(new, group)
        self._coming.append(group)
        return group

    def _end(self, group: _Group) -> None:
        group.vectors |= zip(group.new, group.wait(), strict=True)
        group.vectors |= {text: other.vectors[text] for text, other in group.promised.items()}
        group.promised = {}  # or each would keep all before it
        for window in group.windows:
            vector = self._batch.vectors[window.digest] = group.vectors[window.digest]
            self._batch.entries.append(window.entry(vector))
            self._batch.digests.append(window.digest)
        windows = group.windows
        if windows:
            self._told(len(windows), sum(window.last for window in windows), len(group.new))
        for made in group.ends:
            self._batch.made.append(made)
            self._whole(made)

    def _hand_over(self) -> None:
        self._check()
        full, self._batch = self._batch, _Batch()
        self._in_flight = [*self._in_flight[-2:], self._batch]
        self._queue.put(full)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _store_all(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                if self._error is None:
                    self._store(batch)
            except BaseException as error:  # raised again in the caller's thread
                self._error = error
            finally:
                self._queue.task_done()
        self._queue.task_done()

    def _store(self, batch: _Batch) -> None:
        if batch.entries:
            self._index.add(batch.entries)
            placed = [(entry.version, entry.chunk, entry.window) for entry in batch.entries]
            self._catalog.put_places(list(zip(batch.digests, placed, strict=True)))
        for made in batch.made:
            for document in made.indexed:
                if document.version in self._left_over:
                    self._leave_nothing_else(document)
        if batch.made:
            self._commit(batch.made, self._index)

    def _windows(self, document: StoredDocument) -> Iterator[Window]:
        return windows_of(document, self._sources.get(document.source, ""))

    def _leave_nothing_else(self, document: StoredDocument) -> None:
        """Where a killed sync had made other windows of the same version, as it may if a reader
        found more then, only the new ones may stay."""
        windows = list(self._windows(document))
        if self._index.count(document.version) == len(windows):
            return
        vectors = self._index.vectors([window.id for window in windows])
        self._index.delete({document.version})
        self._index.add([window.entry(vectors[window.id]) for window in windows])


def windows_of(document: StoredDocument, source: str) -> Iterator[Window]:
    """What an index has to hold of a document.

    Args:
        source: its source, as the workspace remembers it.
    """
    labels = attributes(document.path, source, document.media_type, document.metadata)
    for chunk in document.chunks:
        for number in range(len(chunk.windows)):
            text = chunk.embedded(document.text, number)
            last = number == len(chunk.windows) - 1
            yield Window(document, chunk.ordinal, number, text, digest(text), last, labels)


def make_live(catalog: Catalog) -> Commit:
    """A commit for everyday syncs: each batch replaces the older versions of its documents."""

    def commit(made: list[Made], index: Index) -> None:
        gone = catalog.replace_documents(
            (document for file in made for document in file.new),
            {version for file in made for version in file.replaces},
            kept=[document for file in made for document in file.kept],
            failed=[file.failed for file in made if file.failed is not None],
        )
        if gone:
            index.delete(gone)

    return commit


def _seconds(modified: str) -> int:
    """Seconds since 1970; 0 if unknown."""
    return int(datetime.fromisoformat(modified).timestamp()) if modified else 0
