"""``groundtone tune run --provider openai``: the same command, trained on another server."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from groundtone.cli.output import Interrupted, Output
from groundtone.errors import GroundtoneError, WrongUse


class Provider(StrEnum):
    """Whose API is spoken."""

    openai = "openai"


ProviderOption = Annotated[
    Provider | None,
    typer.Option(
        "--provider",
        metavar="openai",
        show_default=False,
        help="Train on a server that speaks OpenAI's fine-tuning API.",
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        show_default=False,
        help="That server, up to /v1; default: OpenAI.",
    ),
]
BaseModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", show_default=False, help="The base, by its name on that server."
    ),
]
JobOption = Annotated[
    str | None,
    typer.Option(
        "--job",
        metavar="ID",
        show_default=False,
        help="Follow this job there instead of creating one.",
    ),
]
EXTRAS = ("kind", "rank", "alpha", "learning_rate")
"""Of the recipe, what a groundtone server understands beyond OpenAI's hyperparameters."""


def train(
    workspace: Path | None,
    file: Path,
    out: Output,
    *,
    suffix: str,
    base_url: str | None,
    model: str | None,
    job: str | None,
    seed: int,
    chosen: dict[str, Any],
) -> None:
    """Train there, tell it as a run here is told, and keep the model.

    Args:
        chosen: options of the recipe that were given; None: not given.
    """
    from groundtone.workspace import Workspace, tune_remote

    given = {name: value for name, value in chosen.items() if value is not None}
    names = {"epochs": "n_epochs", "batch_size": "batch_size"}
    extras = {name: given.pop(name) for name in EXTRAS if name in given}
    hyperparameters = {names[name]: given.pop(name) for name in names if name in given}
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
        raise WrongUse(f"OpenAI's API has no place for {options}.", "Leave it out.")
    if model is None and job is None:
        raise WrongUse(
            "Which model is to be tuned there?", "Name it with --model, e.g. --model base."
        )
    last: dict[str, Any] = {}
    began = ""
    with Workspace.open(workspace) as opened:
        try:
            for last in tune_remote.run(
                opened,
                file,
                model=model or "",
                suffix=suffix,
                base_url=base_url,
                seed=seed,
                hyperparameters=hyperparameters,
                extras=extras,
                job=job,
            ):
                out.line(last)
                if last["event"] == "started":
                    began = last["run"]
                if shown := _line(last):
                    out.note(shown)
        except KeyboardInterrupt:
            if not began:
                raise Interrupted("Interrupted; no job was created.", "") from None
            raise Interrupted(
                f"Stopped following; {began} goes on there.",
                f"Follow it again by adding --job {began}.",
            ) from None
    if last.get("event") != "done":
        raise GroundtoneError(f"{began} {last.get('event')}: {last.get('error') or 'no reason'}.")
    place = f"{base_url}#" if base_url else "openai:"
    out.show(
        f"Trained {last['model']} ({began}).\n\nIt answers on its server. To ask it with your "
        "documents, set in groundtone.toml:\n"
        f'  [chat]\n  model = "{place}{last["model"]}"'
    )


def _line(event: dict[str, Any]) -> str:
    if event["event"] == "step":
        shown = f"step {event['step']}/{event['of']} · loss {event['train_loss']:.3f}"
        if event["valid_loss"] is not None:
            shown += f" · held-out {event['valid_loss']:.3f}"
        return shown
    if event["event"] == "message":
        return str(event["message"])
    if event["event"] == "uploaded":
        return f"uploaded as {event['file']}"
    return f"{event['run']} is at work there" if event["event"] == "started" else ""
