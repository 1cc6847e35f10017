"""One sync from its sources to its report."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.buckets.addresses import is_bucket
from groundtone.catalog import Catalog, FileState, Source, StoredSync
from groundtone.errors import Busy, EmbeddingMismatch
from groundtone.index.generations import Indexes
from groundtone.settings import Settings
from groundtone.syncing.guarding import Hold, alone, beside, many_may_write, named_disk_full
from groundtone.syncing.looking import Looker
from groundtone.syncing.path_rules import PathRules
from groundtone.syncing.planning import Plan, Planner
from groundtone.syncing.reading import moment, settled
from groundtone.syncing.rebuilding import rebuild as build_anew
from groundtone.syncing.recipe import attempt, moved_to, recipe
from groundtone.syncing.remembering import DIMENSIONS, DONE, FINGERPRINT, MODEL, PLACES_UNKNOWN
from groundtone.syncing.report import Progress, SyncReport
from groundtone.syncing.scanning import Scan
from groundtone.syncing.sources import choose, place
from groundtone.syncing.telling import Teller
from groundtone.syncing.updating import update
from groundtone.syncing.web.addresses import is_address
from groundtone.syncing.working import Work

if TYPE_CHECKING:
    from groundtone.embedding import Embedder


def sync(
    sources: Path | str | Sequence[Path | str] = (),
    *,
    state: Path,
    catalog: Catalog,
    indexes: Indexes,
    embedder: Embedder | Callable[[], Embedder],
    settings: Settings,
    progress: Progress | None = None,
    collection: str | None = None,
    rebuild: bool = False,
    dry_run: bool = False,
) -> SyncReport:
    """Bring catalog and index in step with sources.

    Killed at any moment, it leaves everything consistent, and the next sync goes on.

    Args:
        sources: folders, files or, as text, web addresses, new or known; none: all known ones.
        state: the workspace's ``.groundtone`` folder, which holds the lock; a source beside it is
            remembered relative to it, so that both can move together.
        embedder: the workspace's model, or what opens it: called only if there is work for it.
        progress: told how it goes on.
        collection: that new sources belong to; without sources, only its own are looked at.
        rebuild: read and embed every file of every source again, beside the present index, and
            switch at the end.
        dry_run: only say what would be done, judged by names, sizes and times: no file is opened
            and nothing written; web addresses are not fetched.

    Raises:
        WrongUse: a source does not exist or is of another collection, or none is known.
        GroundtoneError: a new address cannot be fetched.
        Busy: another sync is running; where several may write, of one of these sources.
        EmbeddingMismatch: the workspace was built with another embedding model.
        GroundtoneError: the disk is full, or no process can be started to read files.
    """
    named = [sources] if isinstance(sources, Path | str) else list(sources)
    run = Run(state, catalog, indexes, embedder, settings, Teller(progress))
    if dry_run:
        return run.rehearse(named, collection, rebuild)
    started = time.time()
    shared = catalog.served and many_may_write(settings.index) and not rebuild
    holding = beside(catalog) if shared else alone(state, catalog)
    with holding as run.hold, named_disk_full(state):
        report = run.sync(named, collection, rebuild)
        if not rebuild:  # it reads everything, and says nothing of what changed
            catalog.put_sync(_stored(catalog, started, report))
    return report


def _stored(catalog: Catalog, started: float, report: SyncReport) -> StoredSync:
    return StoredSync(
        started_at=started,
        seconds=report.seconds,
        added=report.added,
        updated=report.updated,
        deleted=report.deleted,
        documents=catalog.counts()[0],
        sources=len(catalog.sources()),
    )


class Run:
    """What belongs together for the length of one sync."""

    def __init__(
        self,
        state: Path,
        catalog: Catalog,
        indexes: Indexes,
        embedder: Embedder | Callable[[], Embedder],
        settings: Settings,
        teller: Teller,
    ) -> None:
        self.state = state
        self.root = state.parent.resolve()
        self.catalog = catalog
        self.indexes = indexes
        self._embedder = embedder
        self.settings = settings
        self.teller = teller
        self.report = teller.report
        self.hold = Hold()

    def recipe(self, source: Source) -> str:
        """What the documents of a source are made with."""
        return recipe(self.settings.of(source.collection))

    def attempt(self, source: Source) -> str:
        """What its files are tried with."""
        return attempt(self.settings.of(source.collection))

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model, opened when first needed."""
        return self._embedder() if callable(self._embedder) else self._embedder

    def sync(self, named: list[Path | str], collection: str | None, rebuild: bool) -> SyncReport:
        """Do it."""
        with self.hold.everything() as only:
            if only:
                self.indexes.sweep()
        with Looker(self.state, self.catalog, self.settings, self.teller.page) as looker:
            with self.hold.choosing():
                sources = choose(
                    self.catalog,
                    self.root,
                    named,
                    self.report,
                    collection=collection,
                    check=looker.check,
                    claim=self.hold.claim,
                )
            looker.sweep()
            facts = self.catalog.facts()
            settled = self._settled(facts)
            if rebuild:
                sources = self.catalog.sources()
            plan = self._plan(sources, looker.scan, again=rebuild)
            if not rebuild and settled and not plan.writes:
                self.note(plan)
            elif rebuild or not self._updated(plan, facts):
                with self.hold.everything() as only:
                    if not only:
                        raise Busy(
                            "Another process is syncing this workspace, whose model has changed.",
                            "Sync again when it has finished.",
                        )
                    if not rebuild:
                        plan = self._plan(self.catalog.sources(), looker.scan, again=True)
                    build_anew(self, plan)
        return self.teller.end()

    def _settled(self, facts: dict[str, str]) -> bool:
        """Whether nothing was left half done, in the index and by the model of the settings."""
        filled = facts.get(DONE)
        there = filled == self.indexes.place and self.indexes.exists()
        there |= filled == "yes" and self.indexes.path.is_dir()
        return there and facts.get(MODEL) == self.settings.embedding.model

    def rehearse(
        self, named: list[Path | str], collection: str | None, rebuild: bool
    ) -> SyncReport:
        """Say what `sync` would do."""
        self.report.dry_run = True
        sources = choose(
            self.catalog,
            self.root,
            named,
            self.report,
            collection=collection,
            remember=False,
        )
        if rebuild:
            sources = [*sources, *(one for one in self.catalog.sources() if one not in sources)]
        looker = Looker(self.state, self.catalog, self.settings)

        def look(source: Source) -> Scan:
            if not is_address(source.path) or is_bucket(source.path):
                return looker.scan(source)
            return Scan(unknown=[""], notes=[f"{source.path} was not fetched"])

        plan = self._plan(sources, look, dry=True, again=rebuild)
        if rebuild:
            plan.everything()
        plan.told(self.report)
        return self.teller.end()

    def note(self, plan: Plan) -> None:
        """Do and tell what needs neither index nor model."""
        seen = [
            (s.source.id, s.file.name, s.sha256, settled(s.file.mtime_ns), moment(s.file.mtime_ns))
            for s in plan.seen
        ]
        self.catalog.touch(seen)
        if plan.forgotten:
            self.catalog.put_failures([replace(one, reasons=()) for one in plan.forgotten])
        self.report.unchanged += len(plan.unchanged)
        self.report.failed += plan.failed
        self.report.notes += plan.notes

    def finished(self) -> None:
        """Remember that nothing is left half done."""
        self.catalog.forget(PLACES_UNKNOWN)
        opened = "embedder" in self.__dict__
        self.catalog.remember_all(self.facts() if opened else {DONE: self.indexes.place})

    def facts(self) -> dict[str, str]:
        """What is remembered of a sync that embedded."""
        return {
            FINGERPRINT: self.embedder.fingerprint,
            DIMENSIONS: str(self.embedder.dimensions),
            MODEL: self.settings.embedding.model,
            DONE: self.indexes.place,
        }

    def _updated(self, plan: Plan, facts: dict[str, str]) -> bool:
        """Carry out the plan, unless it takes a rebuild."""
        with ExitStack() as stack:
            work = stack.enter_context(Work(self, plan))
            if self.hold.shared and plan.tasks and FINGERPRINT not in facts:
                facts = self._begun()
            if DIMENSIONS in facts:
                stack.callback(self._open_index(int(facts[DIMENSIONS])).join)
            if self._embedding_changed(plan, facts):
                return False
            update(self, plan, facts, work)
        return True

    def _begun(self) -> dict[str, str]:
        """Remember the model before the first text is embedded, so that nobody else begins with
        another, nor makes the index once more; returns what is remembered now."""
        with self.hold.choosing():
            known = self.catalog.facts()
            if FINGERPRINT not in known:
                self.indexes.current(self.embedder.dimensions)
                ours = {key: value for key, value in self.facts().items() if key != DONE}
                self.catalog.remember_all(ours)
                known |= ours
        return known

    def _open_index(self, dimensions: int) -> threading.Thread:
        """Begin to open the index while the model is opened: each takes half a second."""

        def open_it() -> None:
            with contextlib.suppress(Exception):  # raised again by whoever needs it
                self.indexes.current(dimensions)

        thread = threading.Thread(target=open_it, name="opening")
        thread.start()
        return thread

    def _embedding_changed(self, plan: Plan, facts: dict[str, str]) -> bool:
        """Whether an empty workspace changes its model; one that is not empty may not."""
        if not plan.tasks and facts.get(MODEL) == self.settings.embedding.model:
            return False  # nothing will be embedded
        built = facts.get(FINGERPRINT)
        if built in (None, self.embedder.fingerprint):
            return False
        if self.catalog.counts()[0]:
            raise EmbeddingMismatch(
                f"This workspace was built with the embedding model {built}, the settings name "
                f"{self.embedder.fingerprint}.",
                "Set [embedding] model back, or run `groundtone sync --rebuild`.",
            )
        return True

    def _plan(
        self,
        sources: Sequence[Source],
        look: Callable[[Source], Scan],
        *,
        dry: bool = False,
        again: bool = False,
    ) -> Plan:
        rules = PathRules.of(self.settings)
        planner = Planner(self.recipe, self.attempt, rules, look=not dry, again=again)
        for source in sources:
            known = self.catalog.file_states(source.id) or self._taken_in(source)
            planner.add(source, look(source), known, self.catalog.failed_files(source.id))
        return planner.plan()

    def _taken_in(self, source: Source) -> dict[str, FileState]:
        """For a source that a dry run did not add: the files of known ones inside it."""
        states: dict[str, FileState] = {}
        if source.id > 0 or is_address(source.path):
            return states
        path = place(self.root, source.path)
        for inner in self.catalog.sources():
            held = place(self.root, inner.path)
            if not is_address(inner.path) and held.is_relative_to(path):
                folder = (held.parent if held.is_file() else held).relative_to(path)
                for state in self.catalog.file_states(inner.id).values():
                    moved = (folder / state.path).as_posix()
                    mark = moved_to(folder.as_posix())
                    states[moved] = replace(state, path=moved, recipe=state.recipe + mark)
        return states
