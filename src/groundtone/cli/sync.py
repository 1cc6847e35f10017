"""``groundtone sync``: bring the workspace in step with folders, files and web pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, duration
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.syncing import Step, SyncReport
    from groundtone.workspace import Workspace

KEPT = (
    "Everything is consistent: what was synced so far is kept, and the next `groundtone sync` "
    "goes on."
)


def sync(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]…",
            show_default=False,
            help="Folders, files, pages or sitemaps (https://…), buckets (s3://…, gs://…, az://…); "
            "new ones are remembered. Default: all that are known.",
        ),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection",
            metavar="NAME",
            show_default=False,
            help="The collection that new sources belong to; without sources, only its own are "
            "synced.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on following them, until Ctrl-C.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read and embed every file again.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="CLUSTER",
            show_default=False,
            help="The Ray cluster that reads and embeds: auto or ray://HOST:PORT. "
            "Default: as [scale] ray says.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow sources: new, changed, moved and deleted files, and nothing that is unchanged.

    Ends with exit code 1 if some files could not be read; the others are there.
    """
    from groundtone.cli import synced
    from groundtone.workspace import Workspace

    if watch and dry_run:
        raise WrongUse("--watch and --dry-run exclude each other.", "Leave out one of them.")
    out = Output(as_json)
    named = sources or []
    with Workspace.open(workspace) as opened, out.keeping(KEPT):
        if watch:
            from groundtone.cli import watching

            watching.follow(opened, named, out, collection=collection, rebuild=rebuild, on=on)
        report = follow(
            opened, named, out, collection=collection, rebuild=rebuild, dry_run=dry_run, on=on
        )
    out.document(synced.as_document(report))
    out.show(*synced.shown(report))
    if report.failed:
        raise typer.Exit(1)


def follow(
    workspace: Workspace,
    sources: Sequence[str | Path],
    out: Output,
    *,
    collection: str | None = None,
    rebuild: bool = False,
    dry_run: bool = False,
    on: str | None = None,
) -> SyncReport:
    """Sync once, with a progress bar."""
    with out.bar("Syncing", left=False) as bar:

        def tell(step: Step) -> None:
            bar(step.done, step.total, words(step))

        return workspace.sync(
            *sources,
            collection=collection,
            progress=tell,
            rebuild=rebuild,
            dry_run=dry_run,
            on=on,
        )


def words(step: Step) -> str:
    """What stands behind the bar."""
    if step.page is not None:
        return f"pages · {step.page}"
    parts = ["files", f"{step.chunks:,} chunks", f"{step.chunks_per_s:,.0f}/s"]
    if step.left is not None:
        parts.append(f"{duration(step.left)} left")
    return " · ".join(parts)
