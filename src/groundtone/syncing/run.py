"""One sync: what changed, what became of it, and one writer at a time."""

from __future__ import annotations

import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
from groundtone.syncing.report import Progress, Step, SyncReport
from groundtone.syncing.scanning import File, Scan, scan
from groundtone.syncing.sources import choose, place
from groundtone.syncing.writing import Writer, make_live

KEPT = "kept the last good version"
DONE = "synced"  # there while nothing has been left half done
MODEL = "embedding model"  # the name in the settings, known without opening the model


def sync(
    sources: Path | Sequence[Path] = (),
    *,
    state: Path,
    catalog: Catalog,
    indexes: Indexes,
    embedder: Embedder | Callable[[], Embedder],
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
        embedder: the workspace's model, or what opens it: called only if there is work for it.
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
        catalog.forget(DONE)
        gone = catalog.remove_source(wanted.id)
        indexes.current(dimensions).delete(gone)
        return len(gone)


@dataclass(slots=True)
class Plan:
    """How sources differ from the catalog."""

    changed: list[tuple[Source, File, FileState | None]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    touched: list[tuple[str, int, int]] = field(default_factory=list)
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Run:
    def __init__(
        self,
        state: Path,
        catalog: Catalog,
        indexes: Indexes,
        embedder: Embedder | Callable[[], Embedder],
        settings: Settings,
        progress: Progress | None,
    ) -> None:
        self.state = state
        self.root = state.parent.resolve()
        self.catalog = catalog
        self.indexes = indexes
        self._embedder = embedder
        self.settings = settings
        self.progress = progress
        self.report = SyncReport()
        self.started = time.perf_counter()
        self.done = self.total = 0

    def sync(self, paths: list[Path], rebuild: bool) -> SyncReport:
        self.indexes.sweep()
        sources = choose(self.catalog, self.root, paths, self.report)
        if rebuild:
            self._rebuild(self.catalog.sources())
        elif not self._nothing_to_do(sources):
            if self._embedding_changed():
                self._rebuild(self.catalog.sources())
            else:
                self._update(sources)
        self.report.failed.sort()
        self.report.seconds = time.perf_counter() - self.started
        return self.report

    @cached_property
    def embedder(self) -> Embedder:
        return self._embedder() if callable(self._embedder) else self._embedder

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.embedder, self.settings.chunking, self.settings.sync.max_bytes)

    def _nothing_to_do(self, sources: list[Source]) -> bool:
        """Whether all is as the last sync left it; seen without opening index or model."""
        model = self.catalog.fact(MODEL)
        if self.catalog.fact(DONE) is None or model != self.settings.embedding.model:
            return False
        if not self.indexes.exists():
            return False
        plan = self._plan(sources, None)
        if plan.changed or plan.gone:
            return False
        self._report(plan)
        return True

    def _update(self, sources: list[Source]) -> None:
        self.catalog.forget(DONE)
        index = self.indexes.current(self.embedder.dimensions)
        live, held = self.catalog.versions(), index.versions()
        index.delete(held - live)  # left by a run that was killed
        plan = self._plan(sources, held)
        self._report(plan)
        self.total = len(plan.changed)
        writer = Writer(self.embedder, index, make_live(self.catalog), self._wrote, [])
        for source, file, past in plan.changed:
            taken = self._take(writer, source, file, past)
            if past is not None and not taken and past.version not in held:
                writer.add(self.reader.carried_over(self.catalog, source, past))
        writer.flush()
        if plan.gone:
            self.report.deleted += len(plan.gone)
            index.delete(self.catalog.replace_documents([], plan.gone))
        index.optimise()
        for key, value in self._facts().items():
            self.catalog.remember(key, value)

    def _plan(self, sources: list[Source], held: set[str] | None) -> Plan:
        """What differs from the catalog; ``held``: what the index has, None to trust it."""
        plan = Plan()
        for source in sources:
            found = self._scan(source, plan)
            known = self.catalog.file_states(source.id)
            for file in found.files:
                past = known.get(file.name)
                lost = past is not None and held is not None and past.version not in held
                if past is None or (lost and past.chunk_count):
                    plan.changed.append((source, file, past))
                elif (past.size, past.mtime_ns) == (file.size, file.mtime_ns):
                    plan.unchanged += 1
                elif past.size == file.size and same_bytes(file, past):
                    plan.unchanged += 1
                    plan.touched.append((past.version, file.size, settled(file)))
                else:
                    plan.changed.append((source, file, past))
            names = {file.name for file in found.files}
            plan.gone |= {
                past.version
                for name, past in known.items()
                if name not in names and not found.may_still_exist(name)
            }
        return plan

    def _report(self, plan: Plan) -> None:
        self.catalog.touch(plan.touched)
        self.report.unchanged += plan.unchanged
        self.report.failed += plan.failed
        self.report.notes += plan.notes

    def _facts(self) -> dict[str, str]:
        return {
            "embedding": self.embedder.fingerprint,
            MODEL: self.settings.embedding.model,
            DONE: "yes",
        }

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
        plan = Plan()
        found = [(source, self._scan(source, plan)) for source in sources]
        self._report(plan)
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
            facts = {"index": name, **self._facts()}
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

    def _scan(self, source: Source, plan: Plan) -> Scan:
        path = place(self.root, source.path)
        if not path.exists():
            plan.failed.append((source.path, f"this source is gone; {KEPT} of its files"))
            return Scan(unknown=[""])
        limits = self.settings.sync
        found = scan(path, limits.include, limits.exclude)
        plan.failed += found.failed
        if found.skipped:
            kinds = ", ".join(f"{kind} {count}" for kind, count in found.skipped.most_common(5))
            plan.notes.append(f"{found.skipped.total()} file(s) of other kinds left out ({kinds})")
        return found

    def _embedding_changed(self) -> bool:
        """Whether an empty workspace changes its model; one that is not empty may not."""
        built = self.catalog.fact("embedding")
        if built in (None, self.embedder.fingerprint):
            return False
        if self.catalog.counts()[0]:
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
            report = self.report
            step = Step(self.done, self.total, report.chunks, report.windows, seconds)
            self.progress(step)


def _spooled(spool: IO[bytes]) -> Iterator[StoredDocument]:
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return
