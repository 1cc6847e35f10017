"""Tuned models looked at and set side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.catalog import StoredModel
from groundtone.catalog.models import StoredRun
from groundtone.errors import WrongUse
from groundtone.workspace import registry


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "kb") as made:
        examples = tmp_path / "style.jsonl"
        examples.write_text("{}\n", "utf-8")
        for id, rank, form in (("one", 8, 0.9), ("two", 16, 0.97)):
            adapter = made.state / "runs" / f"run-{id}" / "adapter.gguf"
            adapter.parent.mkdir(parents=True)
            adapter.write_bytes(b"x" * 100)
            (adapter.parent / "adapter").mkdir()
            (adapter.parent / "adapter" / "adapter_model.safetensors").write_bytes(b"y" * 50)
            name = f"ft:smollm2-135m-instruct:{id}:{id}"
            made.catalog.put_model(
                StoredModel(
                    name=name,
                    base="smollm2-135m-instruct",
                    kind="alora",
                    path=f"runs/run-{id}/adapter.gguf",
                    data_sha256=hashlib.sha256(examples.read_bytes()).hexdigest(),
                    settings={
                        "examples": str(examples),
                        "recipe": {"rank": rank, "seed": 0},
                        "contexts": {"each": 2},
                    },
                    metrics={"seconds": 10.0, "gate": {"passed": True, "form": form}},
                )
            )
            made.catalog.put_run(StoredRun(f"run-{id}", "succeeded", model=name))
        yield made


def test_lineage_and_measures_are_shown(workspace: Workspace) -> None:
    workspace.use("one")
    told = registry.describe(workspace, "one")
    assert told["active"] and told["run"] == "run-one" and told["bytes"] == 100
    assert told["data_changed"] is False and len(told["base_sha256"]) == 64
    assert told["gate"]["form"] == 0.9 and [used["reason"] for used in told["used"]]
    Path(told["examples"]).write_text("other\n", "utf-8")
    assert registry.describe(workspace, "one")["data_changed"] is True
    Path(told["examples"]).unlink()
    assert registry.describe(workspace, "one")["data_changed"] is None
    with pytest.raises(WrongUse, match="no tuned model"):
        registry.describe(workspace, "base")


def test_two_models_side_by_side(workspace: Workspace) -> None:
    told = registry.compare(workspace, "one", "two")
    assert told["measures"]["form"] == {"values": [0.9, 0.97], "difference": 0.07}
    assert told["differ"] == {"recipe.rank": [8, 16]}
    assert told["same_data"] is True
    with pytest.raises(WrongUse, match="twice"):
        registry.compare(workspace, "one", "one")
