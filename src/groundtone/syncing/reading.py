"""One file to a document ready to be stored."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from groundtone import documents
from groundtone.catalog import Catalog, FileState, Source, StoredChunk, StoredDocument
from groundtone.chunking import Chunk, chunk
from groundtone.embedding import Embedder
from groundtone.errors import UnreadableFile
from groundtone.settings import Chunking
from groundtone.syncing.scanning import File

# A file changed this short a time before it was read may change again without its time moving.
CLOCK_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files as one embedding model and one set of sizes ask for."""

    embedder: Embedder
    chunking: Chunking
    max_bytes: int

    def read(self, source: Source, file: File) -> tuple[StoredDocument, tuple[str, ...]]:
        """A file as a document to store, and notes about it.

        Raises:
            UnreadableFile: it cannot be read, or changes meanwhile.
        """
        try:
            sha256 = _sha256(file.path, self.max_bytes)
            read = documents.read(file.path, max_bytes=self.max_bytes)
            after = file.path.stat()
            read.text.encode("utf-8")
        except OSError as error:
            raise UnreadableFile(file.name, (error.strerror or str(error)).lower()) from error
        except UnicodeEncodeError as error:
            raise UnreadableFile(file.name, "holds characters that are no text") from error
        if (after.st_size, after.st_mtime_ns) != (file.size, file.mtime_ns):
            raise UnreadableFile(file.name, "it is being changed while it is read; sync again")
        try:
            chunks = chunk(
                read,
                self.embedder.encode,
                min_tokens=self.chunking.min_tokens,
                max_tokens=self.chunking.max_tokens,
                window_tokens=min(self.chunking.window_tokens, self.embedder.max_tokens),
            )
        except Exception as error:  # one strange file must not keep the others out
            reason = f"it could not be cut into passages ({type(error).__name__}: {error})"
            raise UnreadableFile(file.name, reason) from error
        document = StoredDocument(
            version=self.version(source.id, file.name, sha256),
            source=source.id,
            path=file.name,
            size=file.size,
            mtime_ns=settled(file),
            sha256=sha256,
            title=read.title,
            media_type=read.media_type,
            text=read.text,
            chunks=tuple(stored(made) for made in chunks),
        )
        return document, read.notes

    def version(self, source: int, name: str, sha256: str) -> str:
        """The id of this content in this place: two clean builds make the same index."""
        parts = (source, name, sha256, self.embedder.fingerprint, self.chunking)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def carried_over(self, catalog: Catalog, source: Source, past: FileState) -> StoredDocument:
        """A document from the catalog, where its file cannot be read now."""
        info = catalog.document(past.version)
        assert info is not None
        return StoredDocument(
            version=self.version(source.id, past.path, past.sha256),
            source=source.id,
            path=past.path,
            size=past.size,
            mtime_ns=past.mtime_ns,
            sha256=past.sha256,
            title=info.title,
            media_type=info.media_type,
            text=catalog.text(past.version),
            chunks=tuple(catalog.chunks(past.version)),
        )


def _sha256(path: Path, max_bytes: int | None = None) -> str:
    if max_bytes is not None and path.stat().st_size > max_bytes:
        return ""  # the reader refuses it, with the size in its reason
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same_bytes(file: File, past: FileState) -> bool:
    """Whether a file still is what was synced."""
    try:
        return _sha256(file.path) == past.sha256
    except OSError:
        return False  # reading it will say why


def settled(file: File) -> int:
    """The file's time; one that no file has if it is too fresh to prove anything later."""
    return file.mtime_ns if time.time_ns() - file.mtime_ns > CLOCK_NS else -1


def stored(chunk: Chunk) -> StoredChunk:
    """A chunk as the catalog keeps it: without its text, which the document holds."""
    headers = tuple(window.header for window in chunk.windows)
    return StoredChunk(
        ordinal=chunk.ordinal,
        start=chunk.start,
        end=chunk.end,
        headings=chunk.headings,
        section=chunk.section,
        page=chunk.page,
        box=chunk.box,
        lead=chunk.lead,
        windows=tuple((window.start, window.end) for window in chunk.windows),
        headers=headers if any(headers) else (),
    )
