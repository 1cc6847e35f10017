"""``groundtone models export`` and ``delete``: a tuned model taken out, or away."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from groundtone.cli import models
from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output

app = models.app
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A name of `models list`, or its suffix.")
]


class Format(StrEnum):
    """What other programs read."""

    peft = "peft"
    gguf = "gguf"
    merged_f16 = "merged-f16"
    merged_q8_0 = "merged-q8_0"
    ollama = "ollama"
    vllm = "vllm"


@app.command(short_help="Write a tuned model for other programs.")
def export(
    model: ModelArgument,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", show_default=False, help="A new or empty folder.")
    ],
    format: Annotated[
        Format, typer.Option("--format", metavar="|".join(Format), help="For which program.")
    ] = Format.gguf,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a tuned model for other programs, loaded back and asked before it counts.

    Merged forms, ollama and vllm are for plain adapters (`tune run --kind lora`).
    """
    from groundtone.workspace import Workspace, exporting

    out = Output(as_json)
    with Workspace.open(workspace) as opened, out.keeping("Nothing was written."):
        done = exporting.export(opened, model, to, format.value)
    out.document({**asdict(done), "verified": asdict(done.verified)})
    same = done.verified
    out.show(
        f"{done.model} as {done.format}: {done.folder}",
        *(f"  {name}" for name in done.files),
        f"Loaded back: {same.equal} of {same.of} answers are those of training, {same.near} leave "
        "them at a near tie.",
    )
    if done.command:
        out.show(f"Serve it there with: {done.command}")


@app.command(short_help="Remove a tuned model and its files.")
def delete(
    model: ModelArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Remove a tuned model and its run's files; one that is in use stays."""
    from groundtone.workspace import Workspace

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        name = opened.delete_model(model)
    out.document({"deleted": name})
    out.show(f"Deleted: {name}")
