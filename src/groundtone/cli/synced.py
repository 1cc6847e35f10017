"""What a sync did, as text and as JSON."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundtone.cli.output import duration, table

if TYPE_CHECKING:
    from groundtone.syncing import SyncReport

SHOWN = 30  # files named one by one
FEW = 3  # files named for a reason that many share
KINDS = ("added", "updated", "moved", "deleted", "unchanged")
_NUMBER = re.compile(r"\d[\d.,:]*")


def as_document(report: SyncReport) -> dict[str, Any]:
    """The shape that ``sync --json`` prints: all there is, nothing left out."""
    return {
        **{kind: getattr(report, kind) for kind in KINDS},
        "failed": [{"path": path, "reason": reason} for path, reason in report.failed],
        "notes": report.notes,
        "changes": [
            {"kind": change.kind, "path": change.path, "before": change.before}
            for change in report.changes
        ],
        "dry_run": report.dry_run,
        "chunks": report.chunks,
        "windows": report.windows,
        "embedded": report.embedded,
        "seconds": round(report.seconds, 2),
    }


def shown(report: SyncReport) -> list[Any]:
    """A sync for people: counts, what failed and why."""
    counts = table(*KINDS, "failed", "time", right=(*KINDS, "failed", "time"))
    counts.add_row(
        *(f"{getattr(report, kind):,}" for kind in KINDS),
        f"{len(report.failed):,}",
        duration(report.seconds),
    )
    lines: list[Any] = [counts]
    if report.dry_run:
        lines = ["Nothing was done. A sync would do this:", counts, *_changes(report)]
    elif report.chunks:
        lines.append(
            f"{counted(report.chunks, 'chunk')} found by {counted(report.windows, 'window')}, "
            f"{report.embedded:,} of which had to be embedded."
        )
    if report.failed:
        lines.append(failures(report.failed))
        if len(report.failed) > SHOWN:
            lines.append("--json lists every file.")
    lines += [f"note: {printable(note)}" for note in report.notes[:SHOWN]]
    if len(report.notes) > SHOWN:
        lines.append(f"… and {len(report.notes) - SHOWN} more notes; --json lists them all.")
    return lines


def failures(failed: Sequence[tuple[str, str]]) -> Any:
    """What could not be read: file by file, or where there are many, reason by reason."""
    if len(failed) <= SHOWN:
        named = table("could not be read", "because")
        for path, reason in failed:
            named.add_row(printable(path), printable(reason))
        return named
    alike: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, reason in failed:
        alike[_NUMBER.sub("…", reason)].append((path, reason))
    grouped = table("files", "could not be read because", "for example", right=("files",))
    most = sorted(alike.items(), key=lambda item: -len(item[1]))
    for form, some in most[:SHOWN]:
        same = len({reason for _, reason in some}) == 1
        few = ", ".join(printable(path) for path, _ in some[:FEW])
        more = ", …" if len(some) > FEW else ""
        grouped.add_row(f"{len(some):,}", printable(some[0][1] if same else form), few + more)
    rest = sum(len(some) for _, some in most[SHOWN:])
    if rest:
        grouped.add_row(f"{rest:,}", "of other reasons", "")
    return grouped


def brief(report: SyncReport) -> str:
    """A sync that changed something, in one line."""
    counts = [f"{getattr(report, kind):,} {kind}" for kind in KINDS[:-1] if getattr(report, kind)]
    if report.failed:
        counts.append(f"{len(report.failed):,} failed")
    names = [printable(change.path) for change in report.changes[:FEW]]
    names += ["…"] * (len(report.changes) > FEW)
    told = f"{', '.join(counts) or 'nothing changed'} in {duration(report.seconds)}"
    return f"{told}: {', '.join(names)}" if names else told


def counted(number: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "chunk"), counted(1200, "chunk")
    ('1 chunk', '1,200 chunks')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def printable(text: str) -> str:
    r"""A name or reason on one line: what would break it is escaped.

    >>> printable("two\nlines.md")
    'two\\nlines.md'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _changes(report: SyncReport) -> list[Any]:
    if not report.changes:
        return []
    named = table("would be", "file")
    for change in report.changes[:SHOWN]:
        before = f" (before: {printable(change.before)})" if change.before else ""
        named.add_row(change.kind, printable(change.path) + before)
    more = len(report.changes) - SHOWN
    return [named, f"… and {more:,} more; --json lists them all."] if more > 0 else [named]
