"""A workspace, a file of examples in it, and jobs on them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.jobs import stub

from groundtone import Workspace
from groundtone.catalog import StoredJob
from groundtone.jobs import fine_tuning
from groundtone.workspace.files import Files


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "kb") as workspace:
        yield workspace


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model in this process."""
    from groundtone.jobs import training_files, tuning
    from groundtone.tuning import runs
    from groundtone.workspace import tune

    for module, name, value in (
        (runs, "start", stub.start_child),
        (tune, "start", stub.start),
        (tune, "finish", stub.finish),
        (tuning, "_answers", lambda *_: None),
        (training_files.preparing, "over_length", lambda *_: []),
        (training_files.preparing, "over_context_whole", lambda *_: []),
        (training_files.preparing, "over_context_tools", lambda *_: []),
    ):
        monkeypatch.setattr(module, name, value)


def lines(count: int, **changes: Any) -> list[str]:
    """Lines of a training file."""
    return [
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": f"Question {n}?"},
                    {"role": "assistant", "content": f"Answer {n}."},
                ],
                **changes,
            }
        )
        for n in range(count)
    ]


@pytest.fixture
def upload(workspace: Workspace) -> Callable[..., str]:
    """Keeps lines as a file; returns its id."""

    def uploaded(rows: list[str], purpose: str = "fine-tune") -> str:
        content = io.BytesIO("\n".join(rows).encode())
        return Files(workspace).add(content, "style.jsonl", purpose).id

    return uploaded


@pytest.fixture
def create(workspace: Workspace, upload: Callable[..., str]) -> Callable[..., StoredJob]:
    """Creates a job on ten examples."""

    def created(**request: Any) -> StoredJob:
        request.setdefault("model", "base")
        request.setdefault("hyperparameters", {"n_epochs": 1})
        if "training_file" not in request:
            request["training_file"] = upload(lines(10))
        return fine_tuning.create(workspace, **request)

    return created
