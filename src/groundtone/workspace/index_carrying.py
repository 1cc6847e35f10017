"""Windows carried from one index to another: texts from the catalog, vectors from the old one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.errors import GroundtoneError
from groundtone.index import Index
from groundtone.syncing.writing import windows_of

if TYPE_CHECKING:
    from groundtone.catalog import StoredDocument
    from groundtone.index import Entry
    from groundtone.workspace.workspace import Workspace

BATCH = 512


class Journal:
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


def carry(
    workspace: Workspace,
    old: Index,
    new: Index,
    journal: Journal,
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
