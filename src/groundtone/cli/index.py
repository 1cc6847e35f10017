"""``groundtone index``: where the index is; move it, compact it; adopt a collection."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output, size, table
from groundtone.errors import WrongUse

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The index of windows and vectors: where it is, how to move it and keep it small.",
)

CollectionOption = Annotated[
    str | None,
    typer.Option("--collection", metavar="NAME", show_default=False, help="Its name in the store."),
]


@app.command()
def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show the store, its place, and how much it holds."""
    from groundtone.workspace import Workspace, stores

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        found = stores.show(opened)
    out.document(asdict(found))
    shown = table("what", "value")
    shown.add_row("store", found.store)
    shown.add_row("place", found.place)
    if found.collection:
        shown.add_row("collection", found.collection)
    shown.add_row("windows", f"{found.windows:,}")
    shown.add_row("passages", f"{found.passages:,}")
    shown.add_row("documents", f"{found.documents:,}")
    if found.embedding:
        shown.add_row("embedding", f"{found.embedding}, {found.dimensions} numbers a vector")
    shown.add_row("on this disk", size(found.bytes))
    out.show(shown)


@app.command()
def move(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="STORE",
            show_default=False,
            help="lancedb, chroma or qdrant for a folder of the workspace; s3://BUCKET/PREFIX; "
            "postgresql://USER@HOST/DATABASE, chroma:http://HOST:8000, … for a server.",
        ),
    ],
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="NAME", show_default=False, help="The store, for an http address."
        ),
    ] = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry the index to another store without embedding again, verify it, and switch.

    The settings change last. Interrupted, the present index stays in use, and the same command
    goes on. The next `sync` removes the old index.
    """
    from groundtone.workspace import Workspace, stores

    out = Output(as_json)
    wanted = stores.parse(to, store=store, collection=collection)
    kept = "What was carried is kept; the present index is still in use. Run the same to go on."
    with (
        Workspace.open(workspace) as opened,
        out.keeping(kept),
        out.bar("Moving") as told,
    ):
        report = stores.move(opened, wanted, progress=lambda done, of: told(done, of, "windows"))
    out.document(asdict(report))
    out.show(
        f"Moved {report.windows:,} windows from {report.before} to {report.after}, "
        f"{report.carried:,} of them now.",
        f"Verified: {report.asked} sampled windows have the same vectors, and "
        f"{report.agreement:.1%} of their neighbours are found again.",
        "groundtone.toml names the new store. The next `groundtone sync` removes the old index.",
    )


@app.command()
def compact(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Take all new windows into the search structures, merge files, remove what is not live.

    A sync does as much of it as is worth the while. Any machine may do the rest.
    """
    from groundtone.cli.synced import counted
    from groundtone.workspace import Workspace, compacting

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        done = compacting.compact(opened)
    out.document(asdict(done))
    removed = f"; {counted(done.removed, 'window')} removed" if done.removed else ""
    out.show(f"{counted(done.windows, 'window')}, compacted in {done.seconds:.1f} s{removed}.")


@app.command()
def adopt(
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="DIR", show_default=False, help="Folder of a Chroma database."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", show_default=False, help="Address of a Chroma server."
        ),
    ] = None,
    collection: Annotated[
        str,
        typer.Option("--collection", metavar="NAME", show_default=False, help="The collection."),
    ] = "",
    group: Annotated[
        str | None,
        typer.Option(
            "--group-by",
            metavar="KEY",
            show_default=False,
            help="The metadata that names a record's document. Default: source, file, path, … "
            "whichever most records have.",
        ),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Make vectors anew, by this workspace's model.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in a Chroma collection that something else filled, with its vectors.

    The collection is only read. Its records become documents of this workspace, to be searched,
    asked and cited; `groundtone forget` takes them out again.
    """
    from groundtone.cli.synced import counted
    from groundtone.workspace import Workspace, adopting

    if (path is None) == (url is None) or not collection:
        raise WrongUse(
            "Say which collection, and where it is.",
            "Give --collection NAME, and --path DIR or --url URL.",
        )
    out = Output(as_json)
    place = str(Path(path).expanduser().resolve()) if path is not None else str(url)
    with Workspace.open(workspace) as opened, out.bar("Adopting") as told:
        root = opened.folder.resolve()
        if path is not None and Path(place).is_relative_to(root):
            place = f"./{Path(place).relative_to(root).as_posix()}"
        report = adopting.adopt(
            opened,
            place,
            collection,
            embed=embed,
            group=group,
            progress=lambda done, of: told(done, of, "passages"),
        )
    out.document(asdict(report))
    grouped = f" by {report.grouped_by!r}" if report.grouped_by else ""
    made = f"{counted(report.records, 'record')} as {counted(report.documents, 'document')}"
    out.show(f"Adopted {made}{grouped}, {report.unchanged:,} of them known already.")
    if report.skipped:
        out.show(f"Left out: {counted(report.skipped, 'record')} without text.")
    if report.deleted:
        out.show(f"Removed {counted(report.deleted, 'document')} that the collection lost.")
    out.show(
        "Their texts were embedded anew."
        if report.cosine is None
        else f"Their vectors are used as they are (cosine with this model: {report.cosine:.3f})."
    )
    out.show(f"To take them out: groundtone forget {report.source!r}")
