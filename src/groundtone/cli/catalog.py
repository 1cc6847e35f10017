"""``groundtone catalog``: move what a workspace knows into a database that machines share."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What the workspace knows: documents, answers, models, keys; and how to move it.",
)


@app.callback()
def _group() -> None:
    """Keeps `move` a command of its own."""


@app.command()
def move(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            show_default=False,
            help="An empty database: postgresql://USER@HOST/DATABASE.",
        ),
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry the catalog from its file into PostgreSQL, compare, and switch.

    The settings change last; the file stays as it is. Stop `groundtone serve` before, or what it
    still writes to the file is not in the database.
    """
    from groundtone.workspace import Workspace, catalog_move

    out = Output(as_json)
    kept = "Nothing was changed; the catalog is where it was. Run the same to begin again."
    with (
        Workspace.open(workspace) as opened,
        out.keeping(kept),
        out.bar("Moving") as told,
    ):
        report = catalog_move.move(opened, to, progress=lambda done, of: told(done, of, "rows"))
    out.document(asdict(report))
    out.show(
        f"Moved {report.rows:,} rows, with {report.documents:,} documents, from {report.before} "
        f"to {report.after}.",
        "Compared: every row is there as it was.",
        "groundtone.toml names the database. The file is no longer used; remove it when all is "
        "well.",
    )
