"""One file to documents ready to be stored; done in a process of its own (`readers`)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from groundtone.buckets.addresses import is_bucket
from groundtone.buckets.reaching import Access
from groundtone.catalog.records import DEFAULT_COLLECTION, StoredChunk, StoredDocument
from groundtone.chunking import Chunk, Encode, chunk
from groundtone.documents import Document, Reading
from groundtone.errors import UnreadableFile
from groundtone.syncing import sidecars
from groundtone.syncing.buckets.fetching import fetched
from groundtone.syncing.path_rules import PathRules, inside, overruled
from groundtone.syncing.recipe import version
from groundtone.syncing.sidecars import hashed

# A file changed this short a time before it was read may change again without its time moving.
CLOCK_NS = 2_000_000_000
UNSETTLED = -1  # a time that no file has
LATEST_NS = 2**63 - 1  # what a database holds; file systems go further


@dataclass(frozen=True, slots=True)
class Job:
    """A file to read. ``source``, ``name``: where it belongs in the catalog; ``sidecar``: what is
    said of it, "" for nothing."""

    source: int
    name: str
    place: str
    size: int
    mtime_ns: int
    collection: str = DEFAULT_COLLECTION
    sidecar: str = ""


@dataclass(frozen=True, slots=True)
class Making:
    """How the documents of one collection are made.

    Attributes:
        sizes: of chunks and windows, as `groundtone.chunking.chunk` names them.
        max_bytes: larger files are refused.
        recipe: all of this in a word.
    """

    sizes: Mapping[str, int]
    max_bytes: int
    recipe: str


@dataclass(frozen=True, slots=True)
class Read:
    """What became of a file.

    Attributes:
        documents: ready to be stored.
        failed: (name inside the file, reason); "" names the whole file, and is then the only one.
        notes: things worth telling.
        sha256: of the file; "" if it could not even be opened.
        lasting: whether another attempt, all else being equal, must fail the same way.
    """

    documents: tuple[StoredDocument, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    sha256: str = ""
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files as one embedding model and the collections ask for; can be pickled.

    Attributes:
        parse: `groundtone.documents.read_all`.
        encode: the embedding model's tokenizer.
        makings: how documents are made, by collection.
        fingerprint: of the embedding model.
        rules: attributes of the paths that match, which win over the documents' own.
        access: how buckets are reached.
    """

    parse: Callable[..., Reading]
    encode: Encode
    makings: Mapping[str, Making]
    fingerprint: str
    rules: PathRules = field(default_factory=PathRules)
    access: Access = field(default_factory=Access)

    def read(self, job: Job) -> Read:
        """A file as documents to store, or why it is none.

        Raises:
            MemoryError: there was not enough; the process should be replaced.
        """
        if is_bucket(job.place):
            try:
                with fetched(job, self.access, self.makings[job.collection].max_bytes) as here:
                    return self.read(here)
            except OSError as error:
                return _failed(error.strerror or str(error), lasting=False)
        path, began = Path(job.place), time.time_ns()
        making = self.makings[job.collection]
        sha256 = ""
        try:
            sha256 = hashed(hash_of(path, making.max_bytes), job.sidecar)
            told = sidecars.told(job.sidecar) if job.sidecar else {}
            found = self.parse(path, max_bytes=making.max_bytes)
            after = sidecars.status(job.place, job.sidecar)
        except OSError as error:
            return _failed((error.strerror or str(error)).lower(), lasting=False)
        except UnreadableFile as error:
            because = error.__cause__ or error.__context__
            if isinstance(because, MemoryError):
                raise MemoryError from error
            # What the machine lacks now it may have at the next sync.
            lasting = not isinstance(because, ImportError | OSError)
            return _failed(error.reason, sha256, lasting)
        if after != (job.size, job.mtime_ns):
            return _failed("it is being changed while it is read; sync again", lasting=False)
        documents, failed, notes = [], list(found.failed), []
        for part in found.parts:
            try:
                read = _retold(part.name, part.document, told)
                documents.append(self._document(job, making, part.name, read, sha256, began))
            except UnreadableFile as error:
                failed.append((part.name, error.reason))
                continue
            inside = f"{part.name}: " if part.name else ""
            notes += [inside + note for note in part.document.notes]
        if found.skipped:
            kinds = ", ".join(f"{ending or 'no ending'} {n}" for ending, n in found.skipped[:5])
            count = sum(n for _, n in found.skipped)
            notes.append(f"{count} file(s) of other kinds inside left out ({kinds})")
        return Read(tuple(documents), tuple(failed), tuple(notes), sha256)

    def _document(
        self, job: Job, making: Making, name: str, read: Document, sha256: str, began: int
    ) -> StoredDocument:
        try:
            chunks = tuple(stored(made) for made in chunk(read, self.encode, **making.sizes))
        except MemoryError:
            raise
        except Exception as error:  # one strange file must not keep the others out
            reason = f"it could not be cut into passages ({type(error).__name__}: {error})"
            raise UnreadableFile(job.name, reason) from error
        path = inside(job.name, name)
        try:
            for text in (path, read.title, read.text, *(made.lead for made in chunks)):
                text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UnreadableFile(job.name, "holds characters that are no text") from error
        return StoredDocument(
            version=version(job.source, path, sha256, self.fingerprint, making.recipe),
            source=job.source,
            path=path,
            size=job.size,
            mtime_ns=settled(job.mtime_ns, began),
            sha256=sha256,
            title=read.title,
            media_type=read.media_type,
            text=read.text,
            chunks=chunks,
            file=job.name,
            metadata=self.rules.over(path, _plain(read.metadata)),
            modified=moment(job.mtime_ns),
            recipe=making.recipe,
        )


def _retold(name: str, read: Document, told: Mapping[str, Any]) -> Document:
    """A document of which its file's sidecar says more, and says it with more weight; a title
    there is that of the file itself, not of what lies in it."""
    if not told:
        return read
    title = str(told.get("title", "")).strip()
    metadata = overruled(read.metadata, told)
    return replace(read, title=title if title and not name else read.title, metadata=metadata)


def hash_of(path: Path, max_bytes: int | None = None) -> str:
    """SHA-256 of a file's bytes; "" for one that is too large to be read.

    Raises:
        OSError: it cannot be opened.
    """
    if max_bytes is not None and path.stat().st_size > max_bytes:
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settled(mtime_ns: int, seen_ns: int | None = None) -> int:
    """A file's time; one that no file has where it proves nothing later: it is too fresh.

    Args:
        seen_ns: when its bytes were looked at; None: now.
    """
    seen_ns = time.time_ns() if seen_ns is None else seen_ns
    fresh = seen_ns - mtime_ns <= CLOCK_NS
    return UNSETTLED if fresh or abs(mtime_ns) > LATEST_NS else mtime_ns


def moment(mtime_ns: int) -> str:
    """A file's time in ISO 8601, UTC, to the second; "" beyond the calendar."""
    try:
        return datetime.fromtimestamp(mtime_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return ""


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
        spots=chunk.spots,
    )


def _failed(reason: str, sha256: str = "", lasting: bool = True) -> Read:
    return Read(failed=(("", reason),), sha256=sha256, lasting=lasting)


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as values that can be written as JSON, whatever a reader put there."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(metadata), default=str))
    return plain
