"""One sync: what changed, what became of it, and one writer at a time."""

from __future__ import annotations

import hashlib
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from groundtone import documents
from groundtone.catalog import Catalog, FileState, Source, StoredDocument
from groundtone.chunking import chunk
from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch, UnreadableFile, WrongUse
from groundtone.index import Index
from groundtone.index.generations import Indexes
from groundtone.settings import Settings
from groundtone.syncing.guarding import alone, named_disk_full
from groundtone.syncing.scanning import File, Scan, scan
from groundtone.syncing.writing import Writer, make_live, stored

Progress = Callable[[int, int, int, float], None]
"""Called with files done, files to do, windows embedded, seconds since the start."""

# A file changed this short a time before it was read may change again without its time moving.
CLOCK_NS = 2_000_000_000
KEPT = "kept the last good version"


@dataclass(slots=True)
class SyncReport:
    """What a sync did.

    Attributes:
        added, updated, deleted, unchanged: files.
        failed: (path under its source, reason) of each file that could not be read.
        notes: further things worth telling.
        seconds: wall time.
        chunks, windows: made by this sync.
    """

    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    chunks: int = 0
    windows: int = 0


def sync(
    sources: Path | Sequence[Path] = (),
    *,
    state: Path,
    catalog: Catalog,
    indexes: Indexes,
    embedder: Embedder,
    settings: Settings,
    progress: Progress | None = None,
    rebuild: bool = False,
) -> SyncReport:
    """Bring catalog and index in step with sources.

    Killed at any moment, it leaves everything consistent, and the next sync goes on.

    Args:
        sources: folders or files, new or known; none: all known ones.
        state: the workspace's ``.groundtone`` folder, which holds the lock; a source beside it is
            remembered relative to it, so that both can move together.
        rebuild: read and embed every file of every source again, beside the present index, and
            switch at the end.

    Raises:
        WrongUse: a source does not exist, or none is known.
        Busy: another sync is running.
        EmbeddingMismatch: the workspace was built with another embedding model.
        GroundtoneError: the disk is full.
    """
    with alone(state), named_disk_full(state):
        run = _Run(state, catalog, indexes, embedder, settings, progress)
        return run.sync([sources] if isinstance(sources, Path) else list(sources), rebuild)


def forget(
    source: Path, *, state: Path, catalog: Catalog, indexes: Indexes, dimensions: int
) -> int:
    """Remove a source and all its documents from the workspace; its files stay.

    Returns:
        how many documents were removed.

    Raises:
        WrongUse: no such source.
        Busy: a sync is running.
    """
    with alone(state):
        root = state.parent.resolve()
        known = {_place(root, source.path): source for source in catalog.sources()}
        wanted = known.get(source.absolute()) or known.get(source.resolve())
        if wanted is None:
            shown = ", ".join(map(str, known)) or "none"
            raise WrongUse(f"{source} is no source of this workspace (known: {shown}).")
        gone = catalog.remove_source(wanted.id)
        indexes.current(dimensions).delete(gone)
        return len(gone)


class _Run:
    def __init__(
        self,
        state: Path,
        catalog: Catalog,
        indexes: Indexes,
        embedder: Embedder,
        settings: Settings,
        progress: Progress | None,
    ) -> None:
        self.state = state
        self.root = state.parent.resolve()
        self.catalog = catalog
        self.indexes = indexes
        self.embedder = embedder
        self.settings = settings
        self.progress = progress
        self.report = SyncReport()
        self.started = time.perf_counter()
        self.done = self.total = 0

    def sync(self, paths: list[Path], rebuild: bool) -> SyncReport:
        self.indexes.sweep()
        sources = self._sources(paths, rebuild)
        if self._embedding_changed(rebuild) or rebuild:
            self._rebuild(sources)
        else:
            self._update(sources)
        self.report.failed.sort()
        self.report.seconds = time.perf_counter() - self.started
        return self.report

    def _update(self, sources: list[Source]) -> None:
        index = self.indexes.current(self.embedder.dimensions)
        live, held = self.catalog.versions(), index.versions()
        index.delete(held - live)  # left by a run that was killed
        self.catalog.remember("embedding", self.embedder.fingerprint)
        changes = []
        gone: set[str] = set()
        for source in sources:
            found = self._scan(source)
            known = self.catalog.file_states(source.id)
            changes += self._changes(source, found, known, held)
            names = {file.name for file in found.files}
            gone |= {
                past.version
                for name, past in known.items()
                if name not in names and not found.may_still_exist(name)
            }
        self.total = len(changes)
        writer = Writer(self.embedder, index, make_live(self.catalog), self._wrote, [])
        for source, file, past in changes:
            taken = self._take(writer, source, file, past)
            if past is not None and not taken and past.version not in held:
                writer.add(self._carried_over(source, past))
        writer.flush()
        if gone:
            self.report.deleted += len(gone)
            index.delete(self.catalog.replace_documents([], gone))
        index.optimise()

    def _changes(
        self, source: Source, found: Scan, known: dict[str, FileState], held: set[str]
    ) -> list[tuple[Source, File, FileState | None]]:
        """Files whose bytes are new, and those whose windows the index has lost."""
        changed = []
        touched = []
        for file in found.files:
            past = known.get(file.name)
            if past is None or (past.chunk_count and past.version not in held):
                changed.append((source, file, past))
            elif (past.size, past.mtime_ns) == (file.size, file.mtime_ns):
                self.report.unchanged += 1
            elif past.size == file.size and _same_bytes(file, past):
                self.report.unchanged += 1
                touched.append((past.version, file.size, _settled(file)))
            else:
                changed.append((source, file, past))
        self.catalog.touch(touched)
        return changed

    def _take(self, writer: Writer, source: Source, file: File, past: FileState | None) -> bool:
        """Read a file and hand it to the writer; False, and a line in the report, if it fails."""
        try:
            document = self._read(source, file)
        except UnreadableFile as error:
            reason = error.reason if past is None else f"{error.reason}; {KEPT}"
            self.report.failed.append((file.name, reason))
            self._advance()
            return False
        if past is None:
            self.report.added += 1
        else:
            self.report.updated += 1
        self.report.chunks += len(document.chunks)
        self.done += 1
        writer.add(document)
        return True

    def _read(self, source: Source, file: File) -> StoredDocument:
        settings = self.settings.chunking
        try:
            sha256 = _sha256(file.path, self.settings.sync.max_bytes)
            read = documents.read(file.path, max_bytes=self.settings.sync.max_bytes)
            after = file.path.stat()
            read.text.encode("utf-8")
        except OSError as error:
            raise UnreadableFile(file.name, (error.strerror or str(error)).lower()) from error
        except UnicodeEncodeError as error:
            raise UnreadableFile(file.name, "holds characters that are no text") from error
        if (after.st_size, after.st_mtime_ns) != (file.size, file.mtime_ns):
            raise UnreadableFile(file.name, "it is being changed while it is read; sync again")
        chunks = chunk(
            read,
            self.embedder.encode,
            min_tokens=settings.min_tokens,
            max_tokens=settings.max_tokens,
            window_tokens=min(settings.window_tokens, self.embedder.max_tokens),
        )
        self.report.notes += [f"{file.name}: {note}" for note in read.notes]
        return StoredDocument(
            version=self._version(source.id, file.name, sha256),
            source=source.id,
            path=file.name,
            size=file.size,
            mtime_ns=_settled(file),
            sha256=sha256,
            title=read.title,
            media_type=read.media_type,
            text=read.text,
            chunks=tuple(stored(made) for made in chunks),
        )

    def _version(self, source: int, name: str, sha256: str) -> str:
        """The same for the same content: two clean builds make the same index."""
        parts = (source, name, sha256, self.embedder.fingerprint, self.settings.chunking)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def _rebuild(self, sources: list[Source]) -> None:
        name, index = self.indexes.beside(self.embedder.dimensions)
        found = [(source, self._scan(source)) for source in sources]
        self.total = sum(len(scan.files) for _, scan in found)
        with tempfile.TemporaryFile(dir=self.state) as spool:

            def spool_them(made: list[StoredDocument], _index: Index) -> None:
                for document in made:
                    pickle.dump(document, spool)

            writer = Writer(self.embedder, index, spool_them, self._wrote, [])
            for source, scanned in found:
                self._take_all(writer, source, scanned)
            writer.flush()
            index.optimise()
            index.close()
            facts = {"index": name, "embedding": self.embedder.fingerprint}
            self.catalog.replace_documents(_spooled(spool), everything=True, remember=facts)

    def _take_all(self, writer: Writer, source: Source, found: Scan) -> None:
        known = self.catalog.file_states(source.id)
        kept = {name for name in known if found.may_still_exist(name)}
        for file in found.files:
            if not self._take(writer, source, file, known.get(file.name)) and file.name in known:
                kept.add(file.name)
        for name in sorted(kept):
            writer.add(self._carried_over(source, known[name]))
        self.report.deleted += len(known.keys() - kept - {file.name for file in found.files})

    def _carried_over(self, source: Source, past: FileState) -> StoredDocument:
        """A document from the catalog, for a rebuild that cannot read its file."""
        info = self.catalog.document(past.version)
        assert info is not None
        return StoredDocument(
            version=self._version(source.id, past.path, past.sha256),
            source=source.id,
            path=past.path,
            size=past.size,
            mtime_ns=past.mtime_ns,
            sha256=past.sha256,
            title=info.title,
            media_type=info.media_type,
            text=self.catalog.text(past.version),
            chunks=tuple(self.catalog.chunks(past.version)),
        )

    def _scan(self, source: Source) -> Scan:
        path = _place(self.root, source.path)
        if not path.exists():
            self.report.failed.append((source.path, f"this source is gone; {KEPT} of its files"))
            return Scan(unknown=[""])
        limits = self.settings.sync
        found = scan(path, limits.include, limits.exclude)
        self.report.failed += found.failed
        if found.skipped:
            kinds = ", ".join(f"{kind} {count}" for kind, count in found.skipped.most_common(5))
            self.report.notes.append(
                f"{found.skipped.total()} file(s) of other kinds left out ({kinds})"
            )
        return found

    def _sources(self, paths: list[Path], rebuild: bool) -> list[Source]:
        """The sources to sync; a new one that holds known ones takes their place."""
        for path in paths:
            if not path.exists():
                raise WrongUse(f"There is no {path}.", "Name a folder or a file that exists.")
        known = self.catalog.sources()
        chosen: dict[int, Source] = {}
        for path in (path.resolve() for path in paths):
            cover = next(
                (held for held in known if path.is_relative_to(_place(self.root, held.path))), None
            )
            if cover is None:
                cover = self.catalog.add_source(_name(self.root, path))
                for inner in known:
                    if _place(self.root, inner.path).is_relative_to(path):
                        self.catalog.remove_source(inner.id)  # its windows are swept
                        chosen.pop(inner.id, None)
                        self.report.notes.append(f"{inner.path} is now part of {cover.path}")
                known = self.catalog.sources()
            chosen[cover.id] = cover
        if not known:
            raise WrongUse("No source is known yet.", "Name a folder: `groundtone sync FOLDER`.")
        return known if rebuild or not chosen else list(chosen.values())

    def _embedding_changed(self, rebuild: bool) -> bool:
        """Whether an empty workspace changes its model; one that is not empty may not."""
        built = self.catalog.fact("embedding")
        if built in (None, self.embedder.fingerprint):
            return False
        if self.catalog.counts()[0] and not rebuild:
            raise EmbeddingMismatch(
                f"This workspace was built with the embedding model {built}, the settings name "
                f"{self.embedder.fingerprint}.",
                "Set [embedding] model back, or run `groundtone sync --rebuild`.",
            )
        return True

    def _wrote(self, windows: int) -> None:
        self.report.windows += windows
        self._tell()

    def _advance(self) -> None:
        self.done += 1
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            seconds = time.perf_counter() - self.started
            self.progress(self.done, self.total, self.report.windows, seconds)


def _sha256(path: Path, max_bytes: int | None = None) -> str:
    if max_bytes is not None and path.stat().st_size > max_bytes:
        return ""  # the reader refuses it, with the size in its reason
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _same_bytes(file: File, past: FileState) -> bool:
    try:
        return _sha256(file.path) == past.sha256
    except OSError:
        return False  # reading it will say why


def _settled(file: File) -> int:
    """The file's time; one that no file has if it is too fresh to prove anything later."""
    return file.mtime_ns if time.time_ns() - file.mtime_ns > CLOCK_NS else -1


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _place(root: Path, name: str) -> Path:
    return root / name


def _spooled(spool: IO[bytes]) -> Iterator[StoredDocument]:
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return
