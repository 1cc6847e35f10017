"""``groundtone sync --watch``: sync, and sync again whenever something has changed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from groundtone.cli import synced
from groundtone.cli.output import Output
from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.syncing import SyncReport
    from groundtone.syncing.watching import Source
    from groundtone.workspace import Workspace

LOOK_S = 1.0  # between two looks whether Ctrl-C was pressed and got lost
STOPPED = "Everything is as the last line says; `groundtone sync --watch` goes on from there."


def follow(
    workspace: Workspace,
    named: Sequence[str],
    out: Output,
    *,
    collection: str | None,
    rebuild: bool,
    on: str | None,
) -> NoReturn:
    """Follow sources until Ctrl-C; only errors of the first sync end it.

    Args:
        named: sources to follow; none: all that are known, or all of the collection.
    """
    from groundtone.cli.sync import follow as sync
    from groundtone.syncing.sources import resolve
    from groundtone.syncing.watching import Watch

    report = sync(workspace, named, out, collection=collection, rebuild=rebuild, on=on)
    out.show(*synced.shown(report))
    out.line(synced.as_document(report))
    sources = [resolve(one) for one in named] or list(workspace.sources(collection))
    watch = Watch(sources, workspace.state, workspace.settings.web.recheck)
    out.note(f"Watching {', '.join(map(str, sources))}. Ctrl-C ends it.")
    if not watch.told:
        out.note(
            "The system tells no changes here (too many folders?): they are looked for instead."
        )
    told = _Told(out, report)
    with out.keeping(STOPPED), _interruptible() as interrupted:
        while True:
            due = told.present(watch.wait(LOOK_S))
            if interrupted():
                raise KeyboardInterrupt
            if not due:
                continue
            try:
                report = workspace.sync(*due, on=on)
            except (GroundtoneError, OSError) as error:
                told.error(str(error))
                watch.again(due)
            else:
                watch.done()
                told.report(report)
    raise AssertionError("only Ctrl-C ends this")


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C interrupts as ever, and is remembered besides.

    Python drops an exception that is raised in a destructor or in a weak reference's callback: an
    interrupt that came just then would be lost, and a watcher would run for ever.
    """
    pressed = threading.Event()

    def remember(_number: int, _frame: object) -> NoReturn:
        pressed.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, remember)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


class _Told:
    """Tells what is new, each thing once."""

    def __init__(self, out: Output, first: SyncReport) -> None:
        self._out = out
        self._failed = set(first.failed)
        self._gone: set[Source] = set()
        self._error = ""

    def present(self, due: Sequence[Source]) -> list[Source]:
        """Those that are there; what has gone is said once, and its documents are kept."""
        gone = {one for one in due if isinstance(one, Path) and not os.path.exists(one)}  # noqa: PTH110
        for one in sorted(gone - self._gone, key=str):
            text = f"{one} is gone; its documents are kept until it is back or forgotten"
            self._say(text, {"gone": str(one)})
        self._gone = (self._gone - set(due)) | gone
        return [one for one in due if one not in gone]

    def error(self, text: str) -> None:
        """A sync that failed, and will be tried again."""
        if text != self._error:
            self._say(f"error: {text}", {"error": {"message": text}})
        self._error = text

    def report(self, report: SyncReport) -> None:
        """One line for a set of changes, and one for each file that newly cannot be read."""
        new = [one for one in report.failed if one not in self._failed]
        changed = {change.path for change in report.changes}
        self._failed = {one for one in self._failed if one[0] not in changed}.union(report.failed)
        self._error = ""
        if not report.changes and not new:
            return
        lines = [synced.brief(report)]
        lines += [
            f"could not be read: {synced.printable(path)}: {synced.printable(reason)}"
            for path, reason in new[: synced.SHOWN]
        ]
        if len(new) > synced.SHOWN:
            lines.append(f"… and {len(new) - synced.SHOWN:,} more")
        self._say("\n          ".join(lines), synced.as_document(report))

    def _say(self, text: str, document: dict[str, object]) -> None:
        self._out.show(f"{time.strftime('%H:%M:%S')}  {text}")
        self._out.line(document)
