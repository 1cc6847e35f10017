"""``groundtone init``: make a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import WrongUse


def init(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", show_default=False, help="Default: the current folder."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: a groundtone.toml with every setting, and a folder for its state."""
    from groundtone import weights
    from groundtone.settings import FILE_NAME
    from groundtone.workspace import Workspace

    if folder is not None and workspace is not None and folder != workspace:
        raise WrongUse(
            f"Both {folder} and --workspace {workspace} were given.", "Give the folder once."
        )
    out = Output(as_json)
    place = folder or workspace or Path()
    existed = (place / FILE_NAME).exists()
    with Workspace.create(place) as made:
        path = made.folder.resolve()
        needed = (made.settings.embedding.model, made.settings.chat.model)
    missing = [name for name in needed if name in weights.KNOWN and not weights.present(name)]
    inside = "" if path == Path.cwd() else f"cd {place} && "
    steps = ["groundtone models fetch"] if missing else []
    steps += [f"{inside}groundtone sync FOLDER", f'{inside}groundtone ask "…"']
    out.document(
        {
            "workspace": path,
            "created": not existed,
            "settings": path / FILE_NAME,
            "missing_weights": missing,
            "next": steps,
        }
    )
    out.show(
        f"There is a workspace in {path} already; it was left as it is."
        if existed
        else f"Made a workspace in {path}. Its settings are in {FILE_NAME}."
    )
    if missing:
        out.show(f"Not on this machine yet: the weights of {' and '.join(missing)}.")
    out.show("\nNext:\n" + "\n".join(f"  {step}" for step in steps))
