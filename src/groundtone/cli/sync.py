"""``groundtone sync``: bring the workspace in step with folders and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, duration, table

if TYPE_CHECKING:
    from groundtone.syncing import Step, SyncReport
    from groundtone.workspace import Workspace

SHOWN = 30
KEPT = (
    "Everything is consistent: what was synced so far is kept, and the next `groundtone sync` "
    "goes on."
)


def sync(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]…",
            show_default=False,
            help="Folders or files; new ones are added. Default: all that are known.",
        ),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read and embed every file again.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow folders: new, changed and deleted files, and nothing that is unchanged.

    Ends with exit code 1 if some files could not be read; the others are there.
    """
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened, out.keeping(KEPT):
        report = follow(opened, paths or [], out, rebuild=rebuild)
    out.document(as_document(report))
    out.show(*shown(report))
    if report.failed:
        raise typer.Exit(1)


def follow(
    workspace: Workspace, paths: list[Path], out: Output, *, rebuild: bool = False
) -> SyncReport:
    """Sync with a progress bar."""
    with out.bar("Syncing") as bar:

        def tell(step: Step) -> None:
            bar(step.done, step.total, f"files · {step.windows:,} windows")

        return workspace.sync(*paths, progress=tell, rebuild=rebuild)


def as_document(report: SyncReport) -> dict[str, object]:
    """The shape that ``sync --json`` prints."""
    return {
        "added": report.added,
        "updated": report.updated,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "failed": [{"path": path, "reason": reason} for path, reason in report.failed],
        "notes": report.notes,
        "chunks": report.chunks,
        "windows": report.windows,
        "seconds": round(report.seconds, 2),
    }


def shown(report: SyncReport) -> list[Any]:
    """A sync for people: counts, what failed and why."""
    counts = table("added", "updated", "deleted", "unchanged", "failed", "time")
    for column in counts.columns:
        column.justify = "right"
    counts.add_row(
        *(f"{n:,}" for n in (report.added, report.updated, report.deleted, report.unchanged)),
        f"{len(report.failed):,}",
        duration(report.seconds),
    )
    lines: list[Any] = [counts]
    if report.chunks:
        lines.append(f"{report.chunks:,} chunks were made, found by {report.windows:,} windows.")
    if report.failed:
        failed = table("could not be read", "because")
        for path, reason in report.failed[:SHOWN]:
            failed.add_row(path, reason)
        lines.append(failed)
        if len(report.failed) > SHOWN:
            lines.append(f"… and {len(report.failed) - SHOWN} more; --json lists them all.")
    lines += [f"note: {note}" for note in report.notes[:SHOWN]]
    return lines
