"""A job in the hands of a worker: its lease kept alive, its notes written, its end noticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from groundtone.catalog import Catalog, JobEvent, StoredJob
from groundtone.errors import GroundtoneError

LEASE_S = 30.0
LOOK_S = 1.0
"""How often a worker looks whether its job was cancelled or paused."""
TALK_S = 1.0
"""Least time between two notes of progress that are only for show."""


class LetGo(BaseException):
    """The work on a job must stop now. No error: nothing that handles errors should catch it.

    Attributes:
        why: ``cancelled`` or ``paused`` by somebody; ``stopping``, as the worker is to end;
            ``lost``, as another worker has the job.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Hold:
    """One claimed job. While entered, a thread renews its lease and looks at its state.

    Args:
        stopping: set when the worker is to end.
    """

    def __init__(
        self,
        catalog: Catalog,
        job: StoredJob,
        *,
        lease_s: float = LEASE_S,
        stopping: threading.Event | None = None,
    ) -> None:
        self.job = job
        self.progress: dict[str, Any] = dict(job.progress)
        self._catalog = catalog
        self._worker = job.worker
        self._lease_s = lease_s
        self._stopping = stopping or threading.Event()
        self._done = threading.Event()
        self._state: str | None = job.state
        self._told = 0.0
        self._thread = threading.Thread(target=self._keep, name=f"lease of {job.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Go on only while it is right to: call it often.

        Raises:
            LetGo: otherwise.
        """
        if self._state is None:
            raise LetGo("lost")
        if self._state != "running":
            # Queued again: it was paused and resumed before this was noticed.
            raise LetGo("paused" if self._state == "queued" else self._state)
        if self._stopping.is_set():
            raise LetGo("stopping")

    def note(self, *events: JobEvent, **progress: Any) -> None:
        """Write down events, and what progress consists of, together.

        Raises:
            LetGo: it is another worker's by now.
        """
        self.progress.update(progress)
        kept = self._catalog.note_job(
            self.job.id, self._worker, progress=self.progress if progress else None, events=events
        )
        if not kept:
            raise LetGo("lost")

    def show(self, **progress: Any) -> None:
        """The same for progress that only tells how far it is: not each time it is called.

        Raises:
            LetGo: as :meth:`check`.
        """
        self.check()
        self.progress.update(progress)
        if time.monotonic() - self._told >= TALK_S:
            self._told = time.monotonic()
            self.note(**progress)

    def succeed(self, *events: JobEvent, **progress: Any) -> bool:
        """End it well; False if it was cancelled or paused just before."""
        self.progress.update(progress)
        return self._catalog.end_job(
            self.job.id, self._worker, "succeeded", progress=self.progress, events=events
        )

    def hand_over(self, lane: str, *events: JobEvent) -> bool:
        """Queue it in another lane; False if it was cancelled or paused just before."""
        return self._catalog.requeue_job(
            self.job.id, self._worker, lane=lane, progress=self.progress, events=events
        )

    def fail(self, error: Mapping[str, Any], *events: JobEvent) -> bool:
        """End it with an error: ``code``, ``message``, ``param``."""
        told = JobEvent(f"The job failed: {error['message']}", level="error")
        return self._catalog.end_job(
            self.job.id,
            self._worker,
            "failed",
            progress=self.progress,
            error=error,
            events=[*events, told],
        )

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(min(LOOK_S, self._lease_s / 4)):
            try:
                if time.monotonic() - renewed > self._lease_s / 3:
                    seen = self._catalog.renew_job(self.job.id, self._worker, self._lease_s)
                    renewed = time.monotonic()
                else:
                    seen = self._catalog.get_job(self.job.id)
                    if seen is not None and seen.worker != self._worker:
                        seen = None
            except GroundtoneError:
                continue  # the database is busy; there are some more tries within the lease
            self._state = seen.state if seen is not None else None
