"""Half of the examples and all of them, measured on the same ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundtone import Workspace
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.tuning.examples import load
from groundtone.workspace.learning_curve import measure


def examples(path: Path, count: int) -> Path:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What is part {n}?"},
                {"role": "assistant", "content": f"Part {n}."},
            ]
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


class Trained:
    """A run that ends with a loss by the number of its examples."""

    def __init__(self, path: Path, held: Path, fails: bool) -> None:
        self.questions = {row.question for row in load(path).rows}
        self.held = {row.question for row in load(held).rows}
        self.fails = fails

    def events(self) -> Iterator[dict[str, Any]]:
        size = len(self.questions)
        yield {"event": "step", "step": 1, "of": 2}
        yield {"event": "trained", "valid_loss": 10 / size}
        if self.fails:
            yield {"event": "failed", "error": "no"}
            return
        gate = {"form": size / 100, "facts": 0.5}
        yield {"event": "done", "model": f"m{size}", "gate": gate, "seconds": 2.0}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "kb") as made:
        yield made


def test_half_and_all_are_measured_on_the_same_examples(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[Trained] = []
    deleted: list[str] = []

    def tune(path: Path, *, suffix: str, validation: Path, **_: Any) -> Trained:
        runs.append(Trained(path, validation, fails=False))
        return runs[-1]

    monkeypatch.setattr(workspace, "tune", tune)
    monkeypatch.setattr(workspace, "delete_model", lambda name: deleted.append(name))
    told: list[str] = []
    found = measure(
        workspace,
        examples(tmp_path / "e.jsonl", 60),
        progress=lambda name, step, of: told.append(name),
    )
    half, whole = runs
    assert half.held == whole.held and len(half.held) == found.held_out == 8
    assert half.questions < whole.questions
    assert not whole.questions & whole.held
    assert found.examples == (26, 52) == (len(half.questions), len(whole.questions))
    assert found.gain == pytest.approx(0.5) and "worth collecting" in found.hint
    assert (found.form, found.model, found.seconds) == ((0.26, 0.52), "m52", 4.0)
    assert (told, deleted) == (["half", "all"], ["m26"])


def test_too_few_examples_and_runs_that_fail(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WrongUse, match="takes 40"):
        measure(workspace, examples(tmp_path / "few.jsonl", 39))
    monkeypatch.setattr(
        workspace, "tune", lambda path, *, validation, **_: Trained(path, validation, fails=True)
    )
    with pytest.raises(GroundtoneError, match="half"):
        measure(workspace, examples(tmp_path / "e.jsonl", 60))
