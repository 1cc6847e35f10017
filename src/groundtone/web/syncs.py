"""Syncs that pages start: one at a time, in a thread, seen alike from every page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.syncing import Step, SyncReport
    from groundtone.workspace import Workspace

Work = Callable[[Callable[["Step"], None]], "SyncReport | str"]


@dataclass(slots=True)
class Progress:
    """Where the newest sync stands.

    Attributes:
        what: its name for a reader.
        step: the last it told; None before that.
        report: once it has ended well; a text for work that is no sync.
        error: why it failed.
    """

    what: str
    collection: str
    started_at: float
    step: Step | None = None
    report: SyncReport | str | None = None
    error: str = ""

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self.report is None and not self.error


class Syncs:
    """Starts syncs of a workspace; what comes while one works is done after it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._waiting: list[tuple[Progress, Work]] = []
        self._lock = threading.Lock()
        self._working = False
        self.newest: Progress | None = None

    def sync(self, collection: str, *paths: str | Path) -> None:
        """Bring these sources, or all of the collection, in step."""
        what = ", ".join(Path(path).name for path in paths) or "all sources"

        def work(tell: Callable[[Any], None]) -> SyncReport:
            return self._workspace.sync(*paths, collection=collection, progress=tell)

        self.do(what, collection, work)

    def do(self, what: str, collection: str, work: Work) -> None:
        """Do something that changes documents, after what is being done."""
        entry = (Progress(what, collection, time.time()), work)
        with self._lock:
            self._waiting.append(entry)
            if not self._working:
                self._working = True
                threading.Thread(target=self._run, daemon=True, name="web-sync").start()
            self.newest = entry[0]

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working = False
                    return
                progress, work = self._waiting.pop(0)

            def tell(step: Step, progress: Progress = progress) -> None:
                progress.step = step

            try:
                progress.report = work(tell)
            except GroundtoneError as error:
                progress.error = str(error)
            except Exception as error:  # shown on the page, not lost in a thread
                progress.error = f"It ended with an error that nobody foresaw: {error}"
