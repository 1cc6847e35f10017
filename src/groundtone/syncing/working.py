"""Reading, embedding and storing at once: the part that updates and rebuilds have in common."""

from __future__ import annotations

import os
from collections.abc import Collection
from types import TracebackType
from typing import TYPE_CHECKING, Self

from groundtone import documents
from groundtone.buckets.addresses import is_bucket
from groundtone.buckets.reaching import Access
from groundtone.cores import usable
from groundtone.syncing.looking import DOWNLOADS
from groundtone.syncing.path_rules import PathRules
from groundtone.syncing.readers import Limits, Readers
from groundtone.syncing.reading import Making, Reader
from groundtone.syncing.recipe import recipe
from groundtone.syncing.settling import Settler, jobs
from groundtone.syncing.sources import place
from groundtone.syncing.web.addresses import is_address
from groundtone.syncing.writing import Begin, Commit, Writer, embedded_here

if TYPE_CHECKING:
    from groundtone.index import Index
    from groundtone.syncing.on_ray.fleet import Fleet
    from groundtone.syncing.planning import Plan
    from groundtone.syncing.run import Run

MOST = 4  # processes that read: one feeds two processors' embedding, the others wait for big files
FEW = 8  # files for which one is enough


class Work:
    """Carries out the reading and writing of a plan; a context manager.

    Processes that read are started at once, so that they start up while index and model are opened.
    With [scale] ray, a cluster reads and embeds in their place.
    """

    def __init__(self, run: Run, plan: Plan) -> None:
        self._run = run
        self._plan = plan
        self._readers: Readers | Fleet | None = None
        if plan.tasks:
            self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._readers is not None:
            self._readers.close()

    def do(
        self,
        index: Index,
        commit: Commit,
        held: Collection[str],
        *,
        left_over: Collection[str] = (),
    ) -> None:
        """Read, embed and store all of it.

        Args:
            commit: makes files live whose windows are in the index.
            held: versions of which the index has windows.
            left_over: those of them that are not live.
        """
        run, plan, teller = self._run, self._plan, self._run.teller
        settler = Settler(
            run.catalog,
            held,
            recipe=run.recipe,
            attempt=run.attempt,
            rules=PathRules.of(run.settings),
            fingerprint=lambda: run.embedder.fingerprint,
        )
        if plan.tasks and self._readers is None:
            self._start()
        embed: Begin = embedded_here(lambda: run.embedder)
        ahead = 0
        if self._readers is not None and not isinstance(self._readers, Readers):
            embed, ahead = self._readers.embed, self._readers.ahead
        writer = Writer(
            embed,
            index,
            run.catalog,
            commit,
            teller.windows,
            teller.whole,
            left_over,
            ahead,
        )
        teller.begin(plan.tasks)
        with writer:
            for moved in plan.moved:
                writer.add(settler.moved(moved))
                teller.moved(moved)
            for past in (*plan.kept, *plan.relabelled):
                writer.add(settler.carried_over(past))
            if plan.tasks:
                self._read(settler, writer)
            writer.finish()

    def _read(self, settler: Settler, writer: Writer) -> None:
        """Keep the writer busy with files as they are read."""
        assert self._readers is not None
        tasks = {(task.source.id, task.file.name): task for task in self._plan.tasks}
        if isinstance(self._readers, Readers):
            self._readers.begin(self._reader(), jobs(self._plan.tasks))
        else:
            self._readers.begin(self._reader(), self._run.embedder, jobs(self._plan.tasks))
        here = isinstance(self._readers, Readers)
        while True:
            # What embeds elsewhere goes on while this waits for more to give to it.
            wait = writer.idle if here else writer.short
            taken = self._readers.take(wait=wait) if writer.hungry else None
            if taken is not None:
                job, read = taken
                task = tasks.pop((job.source, job.name))
                made = settler.read(task, read)
                self._run.teller.read(task, read, made)
                writer.add(made)
            elif writer.idle:
                return
            else:
                writer.work()

    def _start(self) -> None:
        if self._run.settings.scale.ray:
            from groundtone.syncing.on_ray.fleet import Fleet

            self._readers = Fleet(self._run.settings, self._places())
            return
        limits = self._run.settings.sync
        count = len(self._plan.tasks)
        processes = 1 if count <= FEW else min(MOST, max(2, usable() // 2))
        self._readers = Readers(Limits(limits.read_seconds, limits.read_mb), processes)

    def _places(self) -> list[str]:
        """The folders and files that whoever reads must have."""
        run = self._run
        sources = {task.source.path for task in self._plan.tasks}
        return sorted(
            os.fspath(run.state / DOWNLOADS if is_address(one) else place(run.root, one))
            for one in sources
            if not is_bucket(one)
        )

    def _making(self, collection: str) -> Making:
        settings = self._run.settings.of(collection)
        sizes = settings.chunking.model_dump()
        sizes["window_tokens"] = min(sizes["window_tokens"], self._run.embedder.max_tokens)
        return Making(sizes, settings.sync.max_bytes, recipe(settings))

    def _reader(self) -> Reader:
        run = self._run
        collections = {task.source.collection for task in self._plan.tasks}
        return Reader(
            parse=documents.read_all,
            encode=run.embedder.encode,
            makings={name: self._making(name) for name in collections},
            fingerprint=run.embedder.fingerprint,
            rules=PathRules.of(run.settings),
            access=Access.of(run.settings),
        )
