"""A small search on a tiny base: who goes on, what is kept, what is not trained twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from groundtone import Workspace
from groundtone.errors import GroundtoneError
from groundtone.tuning import runs
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace.sweep import Grid, sweep
from workspace.test_exporting import workspace_of

pytest.importorskip("torch", reason="the tune extra is not installed")

GRID = Grid(rates=(1e-6, 1e-2, 5e-3), ranks=(4,), epochs=(8,), trials=3)
RECIPE = Recipe(kind="lora", batch_size=8, threads=1)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Children run in this process; says which were started."""
    from groundtone.tuning import child

    started: list[str] = []

    def start(folder: Path) -> None:
        started.append(folder.name)
        child.main(folder)

    monkeypatch.setattr(runs, "start", start)
    monkeypatch.setattr(child.signal, "signal", lambda *_: None)
    return started


def run(workspace: Workspace, **options: Any) -> Any:
    return sweep(
        workspace,
        workspace.folder / "style.jsonl",
        suffix="best",
        grid=GRID,
        recipe=RECIPE,
        contexts=Contexts.none(),
        **options,
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_best_goes_on_and_what_was_trained_is_not_trained_again(
    tmp_path: Path, starts: list[str]
) -> None:
    with Workspace.open(workspace_of(tmp_path)) as workspace:
        for event in run(workspace):
            if event["event"] == "trial":
                break  # interrupted after the first choice
        assert starts == ["trial-1"]

        told = list(run(workspace))
        trials = [event for event in told if event["event"] == "trial"]
        assert [event["round"] for event in trials] == [1, 1, 1, 2]
        assert {event["step"] for event in trials[:3]} == {5}  # a third of 16
        best = min(trials[:3], key=lambda event: event["loss"])
        assert trials[3]["trial"] == best["trial"] and trials[3]["status"] == "trained"
        assert starts == ["trial-1", "trial-2", "trial-3", best["trial"]]
        steps = [
            event["step"]
            for folder in (workspace.state / "sweeps").iterdir()
            for event in runs.events(folder / best["trial"])
            if event["event"] == "step"
        ]
        assert steps == list(range(1, trials[3]["step"] + 1))  # each once

        chosen = next(event for event in told if event["event"] == "chosen")
        assert len(chosen["table"]) == 3 and chosen["learning_rate"] != 1e-6
        assert (
            f"rate {chosen['learning_rate']:g}" in chosen["why"] and "of 3 choices" in chosen["why"]
        )
        done = told[-1]
        assert done["event"] == "done" and done["gate"]["parity"] == 1.0
        stored = workspace.catalog.get_model(done["model"])
        assert stored is not None
        assert stored.settings["recipe"]["learning_rate"] == chosen["learning_rate"]
        assert stored.settings["recipe"]["alpha"] == 8  # alpha / rank stays

        again = list(run(workspace))
        assert again[-1]["model"] == done["model"] and len(starts) == 4
        assert len(workspace.catalog.list_models()) == 1


def test_a_search_in_which_everything_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(folder: Path) -> None:
        with (folder / "events.jsonl").open("a") as log:
            log.write('{"event": "failed", "error": "no luck today"}\n')

    monkeypatch.setattr(runs, "start", start)
    with (
        Workspace.open(workspace_of(tmp_path)) as workspace,
        pytest.raises(GroundtoneError, match="no luck today"),
    ):
        list(run(workspace))
