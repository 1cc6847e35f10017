"""A workspace for sync tests, opened as another process would open it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.small_embedder import SmallEmbedder

from groundtone.catalog import Catalog
from groundtone.index.generations import Indexes
from groundtone.settings import Settings
from groundtone.syncing import SyncReport, sync


@dataclass
class Place:
    """A folder of documents and the workspace that follows it."""

    root: Path
    settings: Settings = field(default_factory=Settings)
    embedder: SmallEmbedder = field(default_factory=SmallEmbedder)

    def __post_init__(self) -> None:
        self.docs = self.root / "docs"
        self.docs.mkdir(parents=True, exist_ok=True)
        self.state = self.root / ".groundtone"
        self.state.mkdir(exist_ok=True)
        self.catalog = Catalog(self.state / "catalog.sqlite")
        self.indexes = Indexes(self.state / "index", "lancedb", lambda: self.catalog.fact("index"))

    def write(self, name: str, text: str | bytes, age: float = 100) -> Path:
        """A file, last changed so many seconds ago."""
        path = self.docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        moment = time.time() - age
        os.utime(path, (moment, moment))
        return path

    def sync(self, sources: Path | Sequence[Path] | None = None, **more: Any) -> SyncReport:
        """Sync the documents, or other sources."""
        return sync(
            self.docs if sources is None else sources,
            state=self.state,
            catalog=self.catalog,
            indexes=self.indexes,
            embedder=self.embedder,
            settings=self.settings,
            **more,
        )

    def contents(self) -> dict[str, str]:
        """Texts of the live documents by path."""
        return {
            document.path: self.catalog.text(document.version)
            for document in self.catalog.documents()
        }

    def check(self) -> None:
        """Index and catalog say the same."""
        index = self.indexes.current(self.embedder.dimensions)
        assert index.versions() == {
            document.version for document in self.catalog.documents() if document.chunk_count
        }
        windows = sum(
            len(chunk.windows)
            for document in self.catalog.documents()
            for chunk in self.catalog.chunks(document.version)
        )
        assert index.count() == windows

    def whole(self) -> dict[str, tuple[object, list[bytes]]]:
        """Everything that a clean build would make too: documents, and the bytes of vectors."""
        stored = {info.path: self.catalog.stored(info.version) for info in self.catalog.documents()}
        ids = {
            path: [
                f"{one.version}:{chunk.ordinal:06}:{window:06}"
                for chunk in one.chunks
                for window in range(len(chunk.windows))
            ]
            for path, one in stored.items()
            if one is not None
        }
        index = self.indexes.current(self.embedder.dimensions)
        vectors = index.vectors([id for some in ids.values() for id in some])
        return {
            path: (
                replace(one, version="", source=0, mtime_ns=0),
                [vectors[id].tobytes() for id in ids[path]],
            )
            for path, one in stored.items()
            if one is not None
        }

    def found(self, question: str) -> list[tuple[str, int, float]]:
        """What both searches find, without what depends on versions."""
        index = self.indexes.current(self.embedder.dimensions)
        paths = {document.version: document.path for document in self.catalog.documents()}
        hits = index.dense(self.embedder.embed([question])[0], 10)
        return [(paths[hit.version], hit.chunk, round(hit.score, 4)) for hit in hits]

    def close(self) -> None:
        self.indexes.close()
        self.catalog.close()
