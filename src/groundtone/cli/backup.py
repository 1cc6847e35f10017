"""``groundtone backup`` and ``groundtone restore``: a workspace in one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, size

if TYPE_CHECKING:
    from groundtone.workspace.backup import Kept


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="A new file to write.")
    ],
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="S", min=0, help="Seconds to wait for a sync at work."),
    ] = 600,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the workspace into one file, consistent while others search, ask and sync.

    Catalog, index, models, runs and settings are in it; the documents' own files stay where they
    are.
    """
    from groundtone.workspace import Workspace
    from groundtone.workspace.backup import backup as take

    out = Output(as_json)
    with Workspace.open(workspace) as opened, out.keeping("No file was written."):
        kept = take(opened, file, wait=wait)
    _tell(out, "Written", file, kept)


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="What backup wrote.")
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", show_default=False, help="A new or empty folder.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Put a backup into a new folder, after checking every byte of it."""
    from groundtone.workspace.backup import restore as put_back

    out = Output(as_json)
    with out.keeping("No folder was made."):
        kept = put_back(file, folder)
    _tell(out, "Restored to", folder, kept)


def _tell(out: Output, what: str, where: Path, kept: Kept) -> None:
    told: dict[str, Any] = {
        "file": kept.path,
        "files": kept.files,
        "bytes": kept.size,
        "documents": kept.documents,
        "chunks": kept.chunks,
        "index": kept.index,
        "created_at": kept.created_at,
    }
    out.document({**told, "folder": where} if what.startswith("Restored") else told)
    out.show(
        f"{what} {where}: {kept.documents:,} documents, {kept.chunks:,} chunks, "
        f"{kept.files:,} files, {size(kept.size)}; taken {kept.created_at}."
    )
    if not kept.index:
        out.show("The index is not in it: a server keeps it, or there is none yet.")
