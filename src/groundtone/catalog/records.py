"""What the catalog keeps of files and documents, as plain values.

Importing this module costs nothing: the processes that read files need it, and no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from groundtone.documents.spots import Spot

DEFAULT_COLLECTION = "default"
"""Where a source belongs for which none was named; every workspace has it."""
Box = tuple[float, float, float, float]
SCOPES = ("chat", "files", "tune", "admin")
"""What a key of the server may be for."""
PERIODS = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}
"""Seconds of each period that a rate or a budget may name; a month counts 30 days."""
Key = tuple[str, int]
"""A chunk: its document's version and its ordinal there."""
Place = tuple[str, int, int]
"""A window: its document's version, its chunk's ordinal there, its number in the chunk."""


@dataclass(frozen=True, slots=True)
class Source:
    """A path that is kept in step, and the collection that its documents belong to."""

    id: int
    path: str
    collection: str = DEFAULT_COLLECTION


@dataclass(frozen=True, slots=True)
class NamedCollection:
    """A named set of sources.

    Attributes:
        sources: their paths and addresses, as the workspace remembers them.
        metadata: whatever its maker said of it.
        created_at: seconds since 1970; None for one that exists only through its sources.
    """

    name: str
    sources: tuple[str, ...]
    metadata: Mapping[str, Any]
    created_at: float | None


@dataclass(frozen=True, slots=True)
class StoredCollection(NamedCollection):
    """A named set of sources, counted."""

    documents: int
    chunks: int


@dataclass(frozen=True, slots=True)
class FileState:
    """What is known of a synced file without opening it.

    Attributes:
        path: under its source.
        recipe: what its documents were made with (see `groundtone.syncing.recipe`).
        versions: its live documents; several for a file that holds several.
        indexed: those of them that have windows in the index.
        modified: when it was last changed, ISO 8601 in UTC; "" if unknown.
        names: of its documents inside it; "" for the file itself.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    recipe: str
    versions: tuple[str, ...]
    indexed: tuple[str, ...]
    modified: str = ""
    names: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file, or documents inside it, that could not be read, as it was then.

    Attributes:
        path: under its source.
        recipe: what it was tried with, its limits included: with the same ones it fails again.
        reasons: (name inside the file, "" for all of it; why).
    """

    source: int
    path: str
    size: int
    mtime_ns: int
    sha256: str
    recipe: str
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk's place in its document.

    Attributes:
        lead: the heading line and a line end, or "".
        windows: spans in the document's text.
        headers: for each window the span of the header that its table began with, if the table
            was cut before it, else None; empty if no window has one.
        spots: where each of its blocks stands, in formats that have pages.
    """

    ordinal: int
    start: int
    end: int
    headings: tuple[str, ...]
    section: str
    page: int | None
    box: Box | None
    lead: str
    windows: tuple[tuple[int, int], ...]
    headers: tuple[tuple[int, int] | None, ...] = ()
    spots: tuple[Spot, ...] = ()

    def embedded(self, text: str, window: int) -> str:
        """What is embedded and indexed for a window: lead, repeated table header, slice."""
        start, end = self.windows[window]
        header = self.headers[window] if self.headers else None
        repeated = f"{text[slice(*header)]}\n" if header else ""
        return f"{self.lead}{repeated}{text[start:end]}"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version of one document, as synced.

    Attributes:
        path: posix, relative to its source; ``FILE!/NAME`` for one of several in a file.
        size, mtime_ns, sha256: of its file.
        file: path of its file under the source; "" stands for ``path``.
        metadata: what the document says about itself, as JSON values.
        modified: when its file was last changed, ISO 8601 in UTC; "" if unknown.
        recipe: what it was made with.
        before: the live version that it takes over from, where that had another path.
    """

    version: str
    source: int
    path: str
    size: int
    mtime_ns: int
    sha256: str
    title: str
    media_type: str
    text: str
    chunks: tuple[StoredChunk, ...]
    file: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    modified: str = ""
    recipe: str = ""
    before: str | None = None


class DocumentInfo(NamedTuple):
    """A live document without its text.

    Attributes:
        path: under its source; ``FILE!/NAME`` for one of several in a file.
        characters: length of the text.
        file: path of its file under the source.
        metadata: what the document says about itself, as JSON values.
        modified: when its file was last changed, ISO 8601 in UTC; "" if unknown.
    """

    version: str
    source: int
    path: str
    title: str
    media_type: str
    size: int
    characters: int
    chunk_count: int
    synced_at: float
    file: str
    metadata: Mapping[str, Any]
    modified: str


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A live chunk, with its document."""

    document: DocumentInfo
    chunk: StoredChunk
