"""``groundtone tune sweep``: a small search for learning rate, rank and epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from groundtone.cli import following, recipes
from groundtone.cli.options import (
    ContextsOption,
    JsonLinesOption,
    LimitOption,
    SeedOption,
    WithoutDocumentsOption,
    WorkspaceOption,
)
from groundtone.cli.output import Output, table
from groundtone.errors import GateRefused, GroundtoneError, WrongUse


def _list(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", metavar="A,B,…", help=what)


def sweep(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", show_default=False, help="Examples: OpenAI's chat JSONL."),
    ],
    suffix: Annotated[
        str, typer.Option("--suffix", metavar="NAME", show_default=False, help="Part of its name.")
    ],
    validation: Annotated[
        Path | None,
        typer.Option(
            "--validation",
            metavar="FILE",
            show_default=False,
            help="Examples to measure on. Default: a share of FILE.",
        ),
    ] = None,
    rates: Annotated[str, _list("learning-rates", "To choose from.")] = "2e-4,5e-4,1e-3",
    ranks: Annotated[str, _list("ranks", "To choose from.")] = "8,16,32",
    epochs: Annotated[str, _list("epochs", "To choose from.")] = "1,2,3",
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", min=1, max=81, help="Choices to try.")
    ] = 9,
    kind: recipes.KindOption = None,
    batch_size: recipes.BatchSizeOption = None,
    stop_on: recipes.StopOption = None,
    contexts: ContextsOption = None,
    without_documents: WithoutDocumentsOption = False,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Search for learning rate, rank and epochs on held-out examples, and keep the best model.

    Choices that do badly early are dropped (successive halving). Interrupted, the same command goes
    on where it was. Ends with exit code 4 if the gate refused the best one.
    """
    from groundtone.workspace import Workspace
    from groundtone.workspace import sweep as sweeping

    grid = sweeping.Grid(
        tuple(_numbers("learning-rates", rates)),
        tuple(map(round, _numbers("ranks", ranks))),
        tuple(map(round, _numbers("epochs", epochs))),
        trials,
    )
    recipe, varied = recipes.made(
        epochs=None,
        contexts=contexts,
        seed=seed,
        without_documents=without_documents,
        kind=kind,
        batch_size=batch_size,
        stop_on=stop_on,
    )
    out = Output(as_json)
    last: dict[str, Any] = {}
    with (
        Workspace.open(workspace) as opened,
        out.keeping("What was trained is kept; the same command goes on."),
    ):
        for last in sweeping.sweep(
            opened,
            file,
            suffix=suffix,
            grid=grid,
            recipe=recipe,
            contexts=varied,
            validation=validation,
            limit=limit,
        ):
            out.line(last)
            if not as_json:
                _show(last, out)
    if last.get("event") != "done":
        raise GroundtoneError(f"The best choice failed: {last.get('error')}.")
    if not (last.get("gate") or {}).get("passed"):
        raise GateRefused(
            f"The gate refused {last['model']}.",
            f"Use it all the same: groundtone models use {last['model']} --force",
        )


def _numbers(name: str, text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) <= 0:
        raise WrongUse(f"--{name} {text!r} is no list of numbers.", "Write it like 1,2,3.")
    return found


def _show(event: dict[str, Any], out: Output) -> None:
    if event["event"] == "trial":
        loss = "failed" if event["loss"] is None else f"held-out {event['loss']:.3f}"
        out.note(
            f"round {event['round']} · {event['trial']}: rate {event['learning_rate']:g}, rank "
            f"{event['rank']}, {event['epochs']} epochs · step {event['step']} · {loss}"
        )
    elif event["event"] == "round":
        out.note(f"round {event['round']}/{event['of']}: {', '.join(event['go_on'])} ahead")
    elif event["event"] == "chosen":
        rows = table(
            "choice", "learning rate", "rank", "epochs", "steps", "held-out loss", "answers"
        )
        for row in event["table"]:
            mark = " *" if row["trial"] == event["trial"] else ""
            rows.add_row(
                row["trial"] + mark,
                f"{row['learning_rate']:g}",
                str(row["rank"]),
                str(row["epochs"]),
                "–" if row["step"] is None else str(row["step"]),
                "–" if row["loss"] is None else f"{row['loss']:.3f}",
                "–" if row["answers"] is None else f"{row['answers']:.3f}",
            )
        out.show(rows, f"Chosen: {event['why']}")
    elif event["event"] == "done" and event.get("gate"):
        out.show(*following.gate_shown(event))
