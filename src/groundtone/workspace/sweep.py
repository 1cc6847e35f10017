"""Which learning rate, rank and number of epochs: a small search on the held-out examples.

Successive halving (Jamieson and Talwalkar 2016, arXiv 1502.07943): all choices train for a ninth
of the steps, the better third of them goes on to a third, the best one to its end. A choice that
goes on continues from its checkpoint, so no step is trained twice. Everything lies in a folder
named by data and options: the same command goes on where it was interrupted.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.catalog.models import StoredRun
from groundtone.errors import GroundtoneError
from groundtone.tuning import runs
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import tune
from groundtone.workspace.preparing import prepare

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

Event = dict[str, Any]
THIRD = 3
"""Of the choices one in so many goes on, for so many times the steps."""
LEAST = 4
"""Steps under which nothing can be told."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What is searched; every combination is a choice, of which `trials` are drawn."""

    rates: tuple[float, ...] = (2e-4, 5e-4, 1e-3)
    ranks: tuple[int, ...] = (8, 16, 32)
    epochs: tuple[int, ...] = (1, 2, 3)
    trials: int = 9

    def choices(self, recipe: Recipe) -> list[Recipe]:
        """The recipes to try, in the order drawn with the recipe's seed; alpha / rank stays."""
        every = list(itertools.product(self.rates, self.ranks, self.epochs))
        random.Random(recipe.seed).shuffle(every)
        return [
            replace(
                recipe,
                learning_rate=rate,
                rank=rank,
                alpha=max(1, rank * recipe.alpha // recipe.rank),
                epochs=epochs,
            )
            for rate, rank, epochs in every[: self.trials]
        ]


def sweep(
    workspace: Workspace,
    path: Path,
    *,
    suffix: str,
    grid: Grid | None = None,
    recipe: Recipe | None = None,
    contexts: Contexts | None = None,
    validation: Path | None = None,
    limit: int | None = None,
) -> Iterator[Event]:
    """Search, then register and gate the best; yields events.

    They are ``rendered``, ``trial`` (one choice measured), ``round`` (who goes on), ``chosen`` (the
    table and why), and those of the gate, at last ``done`` or ``failed``.

    Args:
        validation: examples to measure on; None holds out a share of those in `path`.
        recipe: what all choices share; with ``stop_on="answers"`` they are told apart by the
            answers written, of equal ones by the loss.

    Raises:
        BadExamples, WrongUse, MissingExtra: as :func:`groundtone.workspace.tune.start`.
        GroundtoneError: every choice failed.
    """
    tune.check_suffix(suffix)
    grid, recipe, contexts = grid or Grid(), recipe or Recipe(), contexts or Contexts()
    files = [
        hashlib.sha256(file.read_bytes()).hexdigest() if file and file.is_file() else ""
        for file in (path, validation)
    ]
    key = json.dumps([files, limit, asdict(grid), asdict(recipe), asdict(contexts), suffix])
    folder = workspace.state / "sweeps" / hashlib.sha256(key.encode()).hexdigest()[:12]
    job = _prepared(workspace, path, folder, recipe, contexts, validation, limit)
    job |= {"suffix": suffix, "organisation": ""}
    trials = [
        _trial(folder, number, job, choice) for number, choice in enumerate(grid.choices(recipe))
    ]
    yield {"event": "rendered", "folder": folder.name, "trials": len(trials)}

    full = max(_steps(folder, choice) for choice in grid.choices(recipe))
    rounds = max(1, 1 + math.floor(math.log(len(trials), THIRD) + 1e-9))
    racing = list(trials)
    for number in range(rounds):
        last = number == rounds - 1
        budget = None if last else max(LEAST, full // THIRD ** (rounds - 1 - number))
        for trial in racing:
            yield {"event": "trial", "round": number + 1, **_run(trial, budget)}
        racing = sorted((t for t in racing if _value(t) < _NOTHING), key=_value)
        if not racing:
            raise GroundtoneError(
                f"Every choice failed: {_state(trials[0]).get('error')}.", "Correct that first."
            )
        if not last:
            racing = racing[: max(1, len(racing) // THIRD)]
        names = [trial.name for trial in racing]
        yield {"event": "round", "round": number + 1, "of": rounds, "go_on": names}
    best = racing[0]
    yield {"event": "chosen", **_chosen(trials, best)}
    yield from _kept(workspace, best)


def _prepared(
    workspace: Workspace,
    path: Path,
    folder: Path,
    recipe: Recipe,
    contexts: Contexts,
    validation: Path | None,
    limit: int | None,
) -> Event:
    """The examples rendered once for all choices."""
    kept = folder / "job.json"
    if kept.is_file():
        found: Event = json.loads(kept.read_text("utf-8"))
        return found
    job = prepare(
        workspace,
        path,
        folder,
        recipe=recipe,
        contexts=contexts,
        validation=validation,
        limit=limit,
    )
    partial = kept.with_suffix(".part")
    partial.write_text(json.dumps(job), "utf-8")
    partial.replace(kept)
    return job


def _trial(folder: Path, number: int, job: Event, choice: Recipe) -> Path:
    trial = folder / f"trial-{number + 1}"
    trial.mkdir(exist_ok=True)
    for name in ("tokens.jsonl", "held_out.json"):
        if not (trial / name).exists():
            shutil.copyfile(folder / name, trial / name)
    (trial / "job.json").write_text(json.dumps({**job, "recipe": asdict(choice)}), "utf-8")
    return trial


def _steps(folder: Path, recipe: Recipe) -> int:
    """About how many steps a choice takes to its end (by batches of examples, not of tokens)."""
    lines = (folder / "tokens.jsonl").read_text("utf-8").splitlines()
    count = sum(1 for line in lines if '"split": "train"' in line)
    batches = -(-count // (recipe.batch_size * recipe.accumulate))
    return batches * recipe.epochs


def _run(trial: Path, budget: int | None) -> Event:
    """Train one choice up to so many steps, or its end; returns how it is doing."""
    if runs.alive(trial):  # of a search that was interrupted
        for _ in runs.follow(trial, seen=len(runs.events(trial))):
            pass
    state = _state(trial)
    behind = budget is None or (state["step"] or 0) < budget
    if state["status"] != "trained" and (behind or state["loss"] is None):
        until = trial / "until"
        until.unlink(missing_ok=True)
        if budget is not None:
            until.write_text(str(budget))
        seen = len(runs.events(trial))
        runs.start(trial)
        for _ in runs.follow(trial, seen=seen):
            pass
    return _state(trial)


def _state(trial: Path) -> Event:
    """What a choice is and how far it has come."""
    recipe = json.loads((trial / "job.json").read_text("utf-8"))["recipe"]
    told = runs.events(trial)
    measured = [e for e in told if e["event"] in ("measured", "trained")]
    last = measured[-1] if measured else {}
    end = told[-1] if told else {}
    return {
        "trial": trial.name,
        "learning_rate": recipe["learning_rate"],
        "rank": recipe["rank"],
        "epochs": recipe["epochs"],
        "step": last.get("step", last.get("steps")),
        "loss": last.get("valid_loss"),
        "answers": last.get("valid_answers"),
        "status": end.get("event", "waiting"),
        "error": end.get("error"),
    }


_NOTHING = (math.inf, math.inf)


def _value(trial: Path) -> tuple[float, float]:
    """What choices are ordered by, the least first."""
    state = _state(trial)
    if state["loss"] is None or state["status"] == "failed":
        return _NOTHING
    return (-(state["answers"] or 0.0), state["loss"])


def _chosen(trials: Sequence[Path], best: Path) -> Event:
    table = [_state(trial) for trial in trials]
    winner = _state(best)
    others = sorted((t for t in trials if t != best and _value(t) < _NOTHING), key=_value)
    by = "answers" if winner["answers"] is not None else "loss"
    why = (
        f"learning rate {winner['learning_rate']:g}, rank {winner['rank']}, {winner['epochs']} "
        f"epochs: the best by held-out {by} of {len(table)} choices in each round it was in"
    )
    if others:
        second = _state(others[0])
        why += (
            f"; its {by} is {winner[by]:.3f} after {winner['step']} steps. The best of the others, "
            f"learning rate {second['learning_rate']:g}, rank {second['rank']}, {second['epochs']} "
            f"epochs, was dropped after {second['step']} steps with {second[by]:.3f}. One seed "
            "each: small differences may be luck"
        )
    return {**winner, "by": by, "why": why + ".", "table": table}


def _kept(workspace: Workspace, best: Path) -> Iterator[Event]:
    """The best choice becomes a run like any other: registered and gated."""
    mark = best.parent / "run"
    id = mark.read_text() if mark.exists() else f"run-{uuid.uuid4().hex[:8]}"
    mark.write_text(id)
    folder = workspace.state / "runs" / id
    if not (folder / "job.json").exists():
        partial = folder.with_name(f".{id}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(best, partial)
        partial.replace(folder)
    job = json.loads((folder / "job.json").read_text("utf-8"))
    stored = workspace.catalog.get_run(id)
    if stored is None:
        workspace.catalog.put_run(StoredRun(id, "running", settings=job, created_at=time.time()))
    run = tune.Run(workspace, id)
    if stored is not None and stored.status == "succeeded":
        model = workspace.catalog.get_model(stored.model or "")
        gate = model.metrics.get("gate") if model else None
        yield {"event": "done", "run": id, "model": stored.model, "gate": gate}
        return
    yield from tune.finish(workspace, run)
