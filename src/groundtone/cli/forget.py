"""``groundtone forget``: take sources out of the workspace."""

from __future__ import annotations

from typing import Annotated

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, table


def forget(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]…",
            show_default=False,
            help="Sources, named as `sync` was told them. Without any, the known ones are listed.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove sources and their documents from the workspace; the files themselves stay.

    They are in no answer from then on, and `sync` leaves them alone until they are named again.
    """
    from groundtone.cli.synced import counted, printable
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        if not sources:
            known = opened.sources()
            rows = [{"source": str(one), "documents": count} for one, count in known.items()]
            out.document({"sources": rows})
            listed = table("source", "documents", right=("documents",))
            for one, count in known.items():
                listed.add_row(printable(str(one)), f"{count:,}")
            out.show(listed if known else "No source is known yet.")
            return
        # All of them are looked up first: a wrong name leaves everything as it is.
        removed = opened.forget(*sources)
    rows = [{"source": one, "documents": count} for one, count in removed.items()]
    out.document({"forgotten": rows})
    for one, count in removed.items():
        out.show(
            f"Forgot {printable(one)} with {counted(count, 'document')}; its files are untouched."
        )
