"""``groundtone collections``: named sets of sources, seen, made and removed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from groundtone.catalog import StoredCollection
from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Named sets of sources, each asked as if it were alone.",
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


@app.command("list")
def list_(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List collections with their sources and sizes."""
    from groundtone.cli.synced import printable
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        known = opened.collections()
    out.document({"collections": [_row(one) for one in known]})
    listed = table(
        "collection", "documents", "passages", "sources", right=("documents", "passages")
    )
    for one in known:
        sources = ", ".join(printable(path) for path in one.sources) or "none yet"
        listed.add_row(one.name, f"{one.documents:,}", f"{one.chunks:,}", sources)
    out.show(listed)


@app.command("create")
def create(
    name: NameArgument,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata",
            metavar="NAME=TEXT",
            show_default=False,
            help="Anything to remember of it (may be given several times).",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a collection that holds nothing yet. `sync --collection NAME` makes one, too."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    told = [one.partition("=") for one in metadata or ()]
    if bad := next((first for first, equals, _ in told if not equals or not first), None):
        raise WrongUse(f"--metadata {bad!r} is not of the form NAME=TEXT.", "Write both parts.")
    with Workspace.open(workspace) as opened:
        made = opened.create_collection(name, {first: text for first, _, text in told})
    out.document(_row(made))
    out.show(f"The collection {made.name} is there: `groundtone sync FOLDER --collection {name}`.")


@app.command("delete")
def delete(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a collection with its sources; the files of synced folders stay."""
    from groundtone.cli.synced import counted
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        if not yes and not as_json:
            typer.confirm(f"Remove the collection {name} and all its documents?", abort=True)
        gone = opened.delete_collection(name)
    out.document({"deleted": name, "documents": gone})
    out.show(f"Removed the collection {name} with {counted(gone, 'document')}.")


def _row(one: StoredCollection) -> dict[str, Any]:
    return {
        "name": one.name,
        "documents": one.documents,
        "chunks": one.chunks,
        "sources": list(one.sources),
        "metadata": dict(one.metadata),
        "created_at": one.created_at,
    }
