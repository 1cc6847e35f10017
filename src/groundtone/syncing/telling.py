"""A sync's report while it is written, and its progress while it works."""

from __future__ import annotations

import time
from collections.abc import Iterable

from groundtone.syncing.path_rules import inside
from groundtone.syncing.planning import KEPT, Moved, Task
from groundtone.syncing.reading import Read
from groundtone.syncing.report import Change, Progress, Step, SyncReport
from groundtone.syncing.writing import Made


class Teller:
    """Writes the report and calls the progress function.

    Attributes:
        report: complete after `end`.
    """

    def __init__(self, progress: Progress | None) -> None:
        self.report = SyncReport()
        self._progress = progress
        self._started = self._working = time.perf_counter()
        self._done = self._total = 0
        self._bytes = self._bytes_read = 0
        self._windows_given = 0

    def page(self, address: str, number: int, pages: int) -> None:
        """A page is about to be fetched: which, its number from 1, and how many there are."""
        if self._progress is not None:
            seconds = time.perf_counter() - self._started
            self._progress(Step(number, pages, 0, 0, seconds, page=address))

    def begin(self, tasks: Iterable[Task]) -> None:
        """Say how much there is to read."""
        sizes = [task.file.size for task in tasks]
        self._total, self._bytes = len(sizes), sum(sizes)
        self._working = time.perf_counter()
        self._tell()

    def read(self, task: Task, read: Read, made: Made) -> None:
        """A file was read."""
        name, report = task.file.name, self.report
        self._bytes_read += task.file.size
        self._windows_given += sum(len(c.windows) for one in made.indexed for c in one.chunks)
        stay = {document.path for document in made.kept}
        whole = any(not inner for inner, _ in read.failed)
        for inner, reason in read.failed:
            path = inside(name, inner)
            kept = path in stay or (whole and task.past is not None)
            report.failed.append((path, f"{reason}; {KEPT}" if kept else reason))
        report.notes += [f"{name}: {note}" for note in read.notes]
        if whole and task.moved is not None:
            self._changed(Change("deleted", task.moved[1].path))
        elif whole:
            pass
        elif task.moved is not None:
            self._changed(Change("moved", name, task.moved[1].path))
        elif task.past is None:
            self._changed(Change("added", name))
        elif made.indexed or made.replaces:
            self._changed(Change("updated", name))
        else:
            report.unchanged += 1
        self._tell()

    def moved(self, moved: Moved) -> None:
        """A file got another place without being read."""
        if moved.elsewhere:
            self._changed(Change("moved", moved.file.name, moved.before[1].path))
        else:
            self.report.unchanged += 1

    def deleted(self, paths: Iterable[str]) -> None:
        """Files were forgotten."""
        for path in paths:
            self._changed(Change("deleted", path))

    def windows(self, windows: int, chunks: int, embedded: int) -> None:
        """Windows were finished."""
        self.report.windows += windows
        self.report.chunks += chunks
        self.report.embedded += embedded
        self._tell()

    def whole(self, made: Made) -> None:
        """All windows of a file were finished."""
        self._done += 1
        self._tell()

    def end(self) -> SyncReport:
        """The finished report."""
        self.report.failed.sort()
        self.report.changes.sort(key=lambda change: change.path)
        self.report.seconds = time.perf_counter() - self._started
        return self.report

    def _changed(self, change: Change) -> None:
        self.report.changes.append(change)
        setattr(self.report, change.kind, getattr(self.report, change.kind) + 1)

    def _tell(self) -> None:
        if self._progress is None:
            return
        now, report = time.perf_counter(), self.report
        self._progress(
            Step(
                done=self._done,
                total=self._total,
                chunks=report.chunks,
                windows=report.windows,
                seconds=now - self._started,
                left=self._left(now),
            )
        )

    def _left(self, now: float) -> float | None:
        """Files yet unread are taken to have as many windows a byte as those that were read."""
        done, read = self.report.windows, self._bytes_read
        if not done or not read:
            return None
        windows = self._windows_given * max(1.0, self._bytes / read)
        return max(0.0, windows - done) * (now - self._working) / done
