"""Where a workspace's index is, and how it is carried to another store without embedding again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundtone.buckets.addresses import is_bucket
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import STORES, Index, shown
from groundtone.settings import FILE_NAME, PREFIX, IndexSettings
from groundtone.syncing.guarding import alone, named_disk_full
from groundtone.syncing.remembering import DIMENSIONS, DONE, FINGERPRINT
from groundtone.syncing.writing import windows_of
from groundtone.workspace import settings_file

if TYPE_CHECKING:
    import numpy as np

    from groundtone.catalog import StoredDocument
    from groundtone.index import Entry, Hit
    from groundtone.workspace.workspace import Workspace

JOURNAL = "moved.jsonl"  # in the new index's folder: documents that are there already
BATCH = 512
SAMPLE = 24  # windows asked for in both stores
NEAREST = 10
CLOSE = 1e-3  # two cosines this near are the same: stores keep vectors in different precision
LEAST = 0.9  # of the nearest windows that must be found again; graphs find nearly all


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to know about the index of a workspace.

    Attributes:
        place: folder or address, never with a password.
        collection: its name there; "" where the folder holds nothing else.
        windows: in the index; live or about to be swept.
        documents, passages: live ones, in the catalog.
        embedding: fingerprint of the model that made the vectors; "" before the first sync.
        bytes: of its folder; a server tells of none.
    """

    store: str
    place: str
    collection: str
    windows: int
    documents: int
    passages: int
    dimensions: int
    embedding: str
    bytes: int


@dataclass(frozen=True, slots=True)
class MoveReport:
    """How a move went.

    Attributes:
        before, after: store and place.
        windows: in the new index.
        carried: those that this run carried; the others were there from a run before.
        asked: sampled windows whose neighbours both stores were asked for.
        agreement: share of the old store's nearest windows that the new one finds too.
    """

    before: str
    after: str
    windows: int
    carried: int
    asked: int
    agreement: float


def parse(to: str, *, store: str | None = None, collection: str | None = None) -> IndexSettings:
    """What ``--to`` means: a store, ``postgresql://…``, ``s3://…``, ``STORE:ADDRESS``, or an
    address.

    Raises:
        WrongUse: it names no store, or holds a password.
    """
    name, url = store, to
    head, colon, rest = to.partition(":")
    if to in STORES:
        name, url = to, ""
    elif head in ("postgresql", "postgres"):
        name = store or "pgvector"
    elif is_bucket(to):
        name = store or "lancedb"
    elif colon and head in STORES:
        name, url = head, rest
    if name not in STORES:
        raise WrongUse(
            f"{shown(to)!r} does not say which store it is.",
            f"Name one of {', '.join(STORES)}: `--to lancedb`, `--to s3://BUCKET/PREFIX`, "
            "`--to chroma:http://HOST:8000`, `--to postgresql://USER@HOST/DATABASE`, or add "
            "--store.",
        )
    if store is not None and name != store:
        raise WrongUse(f"{shown(to)!r} is not an address of {store}.", "Leave out --store.")
    if urlsplit(url).password:
        raise WrongUse(
            f"The address {shown(url)} came with a password, which would be written to "
            f"{FILE_NAME}.",
            "Leave it out and set it in the environment (PGPASSWORD, QDRANT_API_KEY, "
            "WEAVIATE_API_KEY, PINECONE_API_KEY, AWS_SECRET_ACCESS_KEY) or in ~/.pgpass.",
        )
    return IndexSettings(store=name, url=url, collection=collection or "groundtone")


def show(workspace: Workspace) -> Shown:
    """Look at the index of a workspace; one that was never filled is not made.

    Raises:
        GroundtoneError: the store cannot be opened or does not answer.
    """
    settings, indexes = workspace.settings.index, workspace.indexes
    facts = workspace.catalog.facts()
    dimensions = int(facts.get(DIMENSIONS, 0))
    documents, passages = workspace.catalog.counts()
    filled = facts.get(DONE) == indexes.place or indexes.path.is_dir()
    ready = filled and dimensions
    return Shown(
        store=settings.store,
        place=shown(settings.url) or str(indexes.path.resolve()),
        collection=indexes.collection if settings.url else "",
        windows=indexes.current(dimensions).count() if ready else 0,
        documents=documents,
        passages=passages,
        dimensions=dimensions,
        embedding=facts.get(FINGERPRINT, ""),
        bytes=_bytes(indexes.path),
    )


def move(
    workspace: Workspace,
    to: IndexSettings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> MoveReport:
    """Carry the index to another store, see that it is whole there, and switch to it.

    Nothing is embedded: vectors come from the present index, texts and labels from the catalog.
    Killed at any moment it leaves the present index in use, and called again it goes on. The
    settings are changed last; the next sync removes the old index.

    Args:
        progress: told windows done, and of how many.

    Raises:
        WrongUse: it is there already; the place holds windows of something else; or the
            environment says where the index is, so that the settings would change nothing.
        Busy: a sync is running.
        GroundtoneError: a store failed, the present index lacks windows, or the new one does not
            find what the old one finds.
    """
    _changeable(workspace)
    with alone(workspace.state, workspace.catalog), named_disk_full(workspace.state):
        facts = workspace.catalog.facts()
        if DIMENSIONS not in facts or not workspace.indexes.exists():
            raise WrongUse("There is no index to move yet.", "Run `groundtone sync FOLDER` first.")
        dimensions = int(facts[DIMENSIONS])
        new = workspace.indexes_of(to)
        if new.path == workspace.indexes.path:
            raise WrongUse(
                f"The index is in {_told(workspace.settings.index)} already.",
                "Name another store, or another collection of the server with --collection.",
            )
        old_index = workspace.indexes.current(dimensions)
        try:
            index = new.current(dimensions)
            journal = _Journal(new.path / JOURNAL)
            _expect_ours(index, journal, to, again=new.left)
            carried, windows = _carry(workspace, old_index, index, journal, progress)
            index.optimise()
            try:
                asked, agreement = _verified(workspace, old_index, index, windows)
            except GroundtoneError:
                journal.clear()  # so that the next attempt copies everything again
                raise
        finally:
            new.close()
        new.take()
        before = workspace.settings.index
        settings_file.write(
            workspace.folder / FILE_NAME,
            "index",
            {"store": to.store, "url": to.url, "collection": to.collection},
        )
        # From here on the new index is the one in use.
        if DONE in facts:
            workspace.catalog.remember(DONE, new.place)
        with suppress(OSError):
            workspace.indexes.leave()
            (new.path / JOURNAL).unlink(missing_ok=True)
    workspace.reload()
    return MoveReport(_told(before), _told(to), windows, carried, asked, round(agreement, 4))


class _Journal:
    """Which documents the new index holds, and under which labels, by lines of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[str, str] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                with suppress(ValueError, TypeError, KeyError):  # a line half written when killed
                    told = json.loads(line)
                    self.known[told["version"]] = told["stamp"]

    def note(self, stamps: dict[str, str]) -> None:
        """Remember documents that are there."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n")  # behind a line half written
            for version, stamp in stamps.items():
                file.write(json.dumps({"version": version, "stamp": stamp}) + "\n")
        self.known |= stamps

    def clear(self) -> None:
        """Forget which documents are there; that a move was begun stays known."""
        self._path.write_text("", "utf-8")
        self.known.clear()

    @property
    def exists(self) -> bool:
        """Whether a move to here was begun."""
        return self._path.exists()


def _changeable(workspace: Workspace) -> None:
    fixed = [name for name in os.environ if name.upper().startswith(f"{PREFIX}INDEX")]
    if fixed:
        raise WrongUse(
            f"{fixed[0]} in the environment says where the index is, and wins over {FILE_NAME}.",
            "Unset it and write [index] there; passwords belong in PGPASSWORD or ~/.pgpass.",
        )
    if not os.access(workspace.folder, os.W_OK):
        raise WrongUse(f"{workspace.folder / FILE_NAME} cannot be changed.", "Make it writable.")


def _expect_ours(index: Index, journal: _Journal, to: IndexSettings, *, again: bool) -> None:
    """``again``: the workspace's index was there before it was moved away."""
    if journal.exists:
        return
    if not again and (count := index.count()):
        raise WrongUse(
            f"{_told(to)} holds {count:,} windows already.",
            "Name another collection with --collection, or remove that one.",
        )
    journal.note({})


def _carry(
    workspace: Workspace,
    old: Index,
    new: Index,
    journal: _Journal,
    progress: Callable[[int, int], None] | None,
) -> tuple[int, int]:
    """Copy what is missing; how many windows were copied, and how many there are now."""
    live, there = workspace.catalog.versions(), new.versions()
    whole = there & live & journal.known.keys()
    if there - whole:  # gone since, or perhaps there in part
        new.delete(there - whole)
    sources = {source.id: source.path for source in workspace.catalog.sources()}
    total, done, carried = old.count(), 0, 0
    waiting: list[Entry] = []
    stamps: dict[str, str] = {}

    def put() -> None:
        nonlocal carried
        for start in range(0, len(waiting), BATCH):
            new.add(list(_with_vectors(old, waiting[start : start + BATCH])))
        journal.note(stamps)
        carried += len(waiting)
        waiting.clear()
        stamps.clear()

    for version in sorted(live):
        document = workspace.catalog.stored(version)
        if document is None:
            continue
        entries = list(_entries(document, sources.get(document.source, "")))
        done += len(entries)
        stamp = f"{len(entries)} {_labels(entries)}"
        if version not in whole or journal.known[version] != stamp:
            if version in whole:
                new.delete({version})
            waiting += entries
            stamps[version] = stamp
            if len(waiting) >= BATCH:
                put()
        if progress:
            progress(done, max(total, done))
    put()
    return carried, done


def _entries(document: StoredDocument, source: str) -> Iterator[Entry]:
    import numpy as np

    nothing = np.zeros(0, np.float32)
    for window in windows_of(document, source):
        yield window.entry(nothing)


def _labels(entries: Sequence[Entry]) -> str:
    import hashlib

    told = [(entry.labels, entry.modified) for entry in entries[:1]]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _with_vectors(old: Index, entries: Sequence[Entry]) -> Iterator[Entry]:
    vectors = old.vectors([entry.id for entry in entries])
    if len(vectors) < len(entries):
        raise GroundtoneError(
            f"The present index lacks {len(entries) - len(vectors):,} windows of documents that "
            "the catalog has.",
            "Run `groundtone sync`, which makes them, then move again; nothing was changed.",
        )
    for entry in entries:
        yield replace(entry, vector=vectors[entry.id])


def _verified(workspace: Workspace, old: Index, new: Index, windows: int) -> tuple[int, float]:
    """See that the new index is whole and finds what the old one finds.

    Counts must be equal, the vectors of sampled windows the same, and of the windows nearest to
    each sampled one, nearly all must be found again (both stores may search by a graph).
    """
    live = workspace.catalog.versions()
    held = new.count()
    if held != windows:
        raise _unlike(f"it holds {held:,} windows, not {windows:,}")
    agreements: list[float] = []
    for id, text in _sampled(workspace):
        first = old.vectors([id]).get(id)
        second = new.vectors([id]).get(id)
        if first is None or second is None or float(_unit(first) @ _unit(second)) < 1 - CLOSE:
            raise _unlike("a sampled window has another vector")
        # Both are asked for more, so that windows of replaced documents do not take places.
        wanted = [hit for hit in old.dense(first, 2 * NEAREST) if hit.version in live][:NEAREST]
        agreements.append(_agreement(wanted, new.dense(first, 2 * NEAREST)))
        words = " ".join(text.split()[-12:])
        if old.lexical(words, NEAREST) and not new.lexical(words, NEAREST):
            raise _unlike("it does not find a sampled window by its words")
    agreement = sum(agreements) / len(agreements) if agreements else 1.0
    if agreement < LEAST:
        raise _unlike(f"it finds only {agreement:.0%} of the windows that the present one finds")
    return len(agreements), agreement


def _agreement(wanted: Sequence[Hit], found: Sequence[Hit]) -> float:
    """Share of the wanted that was found, or is as good as the last that was."""
    if not wanted or not found:
        return float(not wanted)
    places = {(hit.version, hit.chunk, hit.window) for hit in found}
    last = found[-1].score + CLOSE
    met = [(hit.version, hit.chunk, hit.window) in places or hit.score <= last for hit in wanted]
    return sum(met) / len(met) if len(found) >= len(wanted) else 0.0


def _sampled(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Ids and texts of one window of each of some documents, spread over all of them."""
    documents = [one for one in workspace.catalog.documents() if one.chunk_count]
    step = max(1, len(documents) // SAMPLE)
    for number, info in enumerate(documents[::step][:SAMPLE]):
        document = workspace.catalog.stored(info.version)
        windows = list(windows_of(document, "")) if document is not None else []
        if windows:
            window = windows[number % len(windows)]
            yield window.id, window.text


def _unit(vector: np.ndarray) -> np.ndarray:
    import numpy as np

    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _unlike(why: str) -> GroundtoneError:
    return GroundtoneError(
        f"The new index is not like the present one: {why}.",
        "The present one is still in use. Move again, which copies everything anew.",
    )


def _told(settings: IndexSettings) -> str:
    place = f" at {shown(settings.url)}, collection {settings.collection}" if settings.url else ""
    return f"{settings.store}{place}"


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total
