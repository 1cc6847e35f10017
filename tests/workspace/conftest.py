"""One workspace over the example manual, with one short real training run, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.short_gate import short_gate

from groundtone import Workspace
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import tune
from groundtone.workspace.tune import Run

SETTINGS = """[answer]
label = "[Source: {title}, Section {section}]"
refusal = "The manual does not answer this question."
passages = 2

[chat]
max_tokens = 64
"""


@pytest.fixture(scope="package")
def workspace(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("kb")
    (folder / "groundtone.toml").write_text(SETTINGS, "utf-8")
    (folder / "style.toml").write_text((examples / "style.toml").read_text("utf-8"), "utf-8")
    with Workspace.open(folder) as opened:
        report = opened.sync(examples / "manual")
        assert (report.added, report.failed) == (17, [])
        yield opened


@pytest.fixture(scope="package")
def tuned(workspace: Workspace, examples: Path) -> Run:
    """A run on a few examples: too short to be good, long enough to be real."""
    pytest.importorskip("torch", reason="the tune extra is not installed")
    run = tune.start(
        workspace,
        examples / "style.jsonl",
        suffix="short",
        recipe=Recipe(epochs=2, batch_size=2, learning_rate=1e-3),
        contexts=Contexts(each=1),
        limit=15,
    )
    with short_gate():
        events = list(run.events())
    assert events[-1]["event"] == "done", events[-1]
    return run
