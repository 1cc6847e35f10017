"""``groundtone models export``, ``deploy`` and ``delete``: tuned models taken out, or away."""

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


class Fleet(StrEnum):
    """What serves many at once."""

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


@app.command(short_help="Write what a fleet needs to serve tuned models.")
def deploy(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]…", show_default=False, help="Default: all that can be served there."
        ),
    ] = None,
    to: Annotated[
        Fleet, typer.Option("--to", metavar="vllm", help="What serves them.")
    ] = Fleet.vllm,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="A new or empty folder.")
    ] = Path("fleet"),
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="MODEL",
            show_default=False,
            help="The base as the fleet knows it, such as a name on the hub. "
            "Default: it is written into the folder.",
        ),
    ] = "",
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Where the fleet will answer.")
    ] = "http://127.0.0.1:8000/v1",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the command, base, adapters and settings by which a fleet serves tuned models.

    Nothing is started. Activated adapters, the default kind, are not served by vLLM.
    """
    from groundtone.workspace import Workspace, deploying

    out = Output(as_json)
    with Workspace.open(workspace) as opened, out.keeping("Remove the folder before trying again."):
        done = deploying.deploy(opened, names or [], folder, base=base, url=url)
    out.document({"to": to.value, **asdict(done)})
    out.show(f"For {to.value}: {done.folder}", *(f"  {name}" for name in done.files))
    for name, why in done.left_out.items():
        out.show(f"Left out: {name}: {why}.")
    out.show(f"There, run: {done.command}", "Then add to groundtone.toml:", done.settings.rstrip())


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
