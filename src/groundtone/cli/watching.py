"""``groundtone sync --watch``: sync, and sync again whenever something has changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from groundtone.cli import synced
from groundtone.cli.output import Output
from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.syncing import SyncReport
    from groundtone.workspace import Workspace

STOPPED = "Everything is as the last line says; `groundtone sync --watch` goes on from there."


def follow(workspace: Workspace, named: Sequence[str], out: Output, *, rebuild: bool) -> NoReturn:
    """Follow sources until Ctrl-C; only errors of the first sync end it.

    Args:
        named: sources to follow; none: all that are known.
    """
    from groundtone.cli.sync import follow as sync
    from groundtone.syncing.sources import resolve
    from groundtone.syncing.watching import Watch

    report = sync(workspace, named, out, rebuild=rebuild)
    out.show(*synced.shown(report))
    out.line(synced.as_document(report))
    sources = [resolve(one) for one in named] or list(workspace.sources())
    watch = Watch(sources, workspace.state, workspace.settings.web.recheck)
    out.note(f"Watching {', '.join(map(str, sources))}. Ctrl-C ends it.")
    if not watch.told:
        out.note(
            "The system tells no changes here (too many folders?): they are looked for instead."
        )
    failed = report.failed
    with out.keeping(STOPPED):
        while True:
            due = watch.wait()
            try:
                report = workspace.sync(*due)
            except (GroundtoneError, OSError) as error:
                _say(out, f"error: {error}", {"error": {"message": str(error)}})
                watch.again(due)
                continue
            watch.done()
            if report.changes or report.failed != failed:
                _tell(out, report, failed)
            failed = report.failed
    raise AssertionError("only Ctrl-C ends this")


def _tell(out: Output, report: SyncReport, before: Sequence[tuple[str, str]]) -> None:
    """One line for a set of changes, and one for each file that newly cannot be read."""
    lines = [synced.brief(report)]
    new = [one for one in report.failed if one not in before]
    lines += [
        f"could not be read: {synced.printable(path)}: {synced.printable(reason)}"
        for path, reason in new[: synced.SHOWN]
    ]
    if len(new) > synced.SHOWN:
        lines.append(f"… and {len(new) - synced.SHOWN:,} more")
    _say(out, "\n          ".join(lines), synced.as_document(report))


def _say(out: Output, text: str, document: dict[str, object]) -> None:
    out.show(f"{time.strftime('%H:%M:%S')}  {text}")
    out.line(document)
