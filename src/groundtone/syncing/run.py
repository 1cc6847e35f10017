"""One sync: what changed, what became of it, and one writer at a time."""

from __future__ import annotations

import pickle
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from groundtone.catalog import Catalog, FileState, Source, StoredDocument
from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch, UnreadableFile, WrongUse
from groundtone.index import Index
from groundtone.index.generations import Indexes
from groundtone.settings import Settings
from groundtone.syncing.guarding import alone, named_disk_full
from groundtone.syncing.reading import Reader, same_bytes, settled
from groundtone.syncing.report import Progress, SyncReport
from groundtone.syncing.scanning import File, Scan, scan
from groundtone.syncing.sources import choose, place
from groundtone.syncing.writing import Writer, make_live

KEPT = "kept the last good version"


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
        known = {place(root, source.path): source for source in catalog.sources()}
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
        self.limits = settings.sync
        self.reader = Reader(embedder, settings.chunking, settings.sync.max_bytes)
        self.progress = progress
        self.report = SyncReport()
        self.started = time.perf_counter()
        self.done = self.total = 0

    def sync(self, paths: list[Path], rebuild: bool) -> SyncReport:
        self.indexes.sweep()
        sources = choose(self.catalog, self.root, paths, self.report)
        sources = self.catalog.sources() if rebuild else sources
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
                writer.add(self.reader.carried_over(self.catalog, source, past))
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
            elif past.size == file.size and same_bytes(file, past):
                self.report.unchanged += 1
                touched.append((past.version, file.size, settled(file)))
            else:
                changed.append((source, file, past))
        self.catalog.touch(touched)
        return changed

    def _take(self, writer: Writer, source: Source, file: File, past: FileState | None) -> bool:
        """Read a file and hand it to the writer; False, and a line in the report, if it fails."""
        try:
            document, notes = self.reader.read(source, file)
        except UnreadableFile as error:
            reason = error.reason if past is None else f"{error.reason}; {KEPT}"
            self.report.failed.append((file.name, reason))
            self._advance()
            return False
        if past is None:
            self.report.added += 1
        else:
            self.report.updated += 1
        self.report.notes += [f"{file.name}: {note}" for note in notes]
        self.report.chunks += len(document.chunks)
        self.done += 1
        writer.add(document)
        return True

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
            writer.add(self.reader.carried_over(self.catalog, source, known[name]))
        self.report.deleted += len(known.keys() - kept - {file.name for file in found.files})

    def _scan(self, source: Source) -> Scan:
        path = place(self.root, source.path)
        if not path.exists():
            self.report.failed.append((source.path, f"this source is gone; {KEPT} of its files"))
            return Scan(unknown=[""])
        found = scan(path, self.limits.include, self.limits.exclude)
        self.report.failed += found.failed
        if found.skipped:
            kinds = ", ".join(f"{kind} {count}" for kind, count in found.skipped.most_common(5))
            self.report.notes.append(
                f"{found.skipped.total()} file(s) of other kinds left out ({kinds})"
            )
        return found

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


def _spooled(spool: IO[bytes]) -> Iterator[StoredDocument]:
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return
