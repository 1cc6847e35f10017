"""``groundtone demo``: the whole promise on real files, stage by stage."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from groundtone.cli import examples, stages
from groundtone.cli.options import JsonLinesOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import WrongUse


def demo(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer examples and questions: under 4 minutes.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            metavar="DIR",
            show_default=False,
            help="Where its workspace is made; default: demo.",
        ),
    ] = None,
    examples_folder: Annotated[
        Path | None,
        typer.Option(
            "--examples",
            metavar="DIR",
            show_default=False,
            help="Documents, style and questions to use instead of the ones it comes with.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Index a manual, tune a model on a style, and measure what both bring.

    Makes a workspace in a new folder and needs nothing but the weights, which it fetches if they
    are missing. Ctrl-C leaves nothing broken: run it again to go on.
    """
    if fresh and resume:
        raise WrongUse("--fresh and --resume exclude each other.", "Choose one.")
    if folder is not None and workspace is not None and folder != workspace:
        raise WrongUse("Both --folder and --workspace were given.", "Give the folder once.")
    place = folder or workspace or Path("demo")
    material = examples.folder(examples_folder)
    out = Output(as_json)
    marker = place / ".groundtone" / stages.STATE
    if marker.exists() and (fresh or (not resume and _begin_anew(place))):
        stages.end_runs(place)
        shutil.rmtree(place)
    elif not marker.exists() and place.exists() and any(place.iterdir()):
        raise WrongUse(
            f"{place} holds other things, and the demo makes a workspace of its own.",
            "Name another folder with --folder DIR.",
        )
    again = "groundtone demo" + (" --quick" if quick else "")
    if place != Path("demo"):
        again += f" --folder {place}"
    with out.keeping(f"What was done is kept; go on with: {again} --resume"):
        stages.play(place, material, stages.QUICK if quick else stages.FULL, out)


def _begin_anew(place: Path) -> bool:
    """Ask, where somebody is there to answer; otherwise go on with what there is."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    answer = typer.prompt(
        f"{place} holds an earlier demo. Go on with it, or begin anew? [go on/anew]",
        default="go on",
        show_default=False,
        err=True,
    )
    return str(answer).strip().lower().startswith(("a", "n", "f"))
