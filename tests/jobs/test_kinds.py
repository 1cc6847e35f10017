"""Syncs and comparisons as jobs, and what becomes of jobs that cannot be carried out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundtone import Workspace
from groundtone.catalog import StoredJob
from groundtone.errors import Busy, WrongUse
from groundtone.jobs.worker import TRIES, Worker


def put(workspace: Workspace, kind: str, **payload: Any) -> str:
    workspace.catalog.put_job(StoredJob("job-1", kind, kind, payload))
    return "job-1"


def job(workspace: Workspace, id: str = "job-1") -> StoredJob:
    found = workspace.catalog.get_job(id)
    assert found is not None
    return found


def test_a_sync_brings_its_sources_in(workspace: Workspace, minilm: object) -> None:
    manual = workspace.folder / "manual"
    manual.mkdir()
    (manual / "pump.md").write_text("# Pump\n\nThe pump is started with the green lever.\n")
    workspace.create_collection("plant")
    put(workspace, "sync", sources=[str(manual)], collection="plant")
    assert Worker(workspace.folder).step(workspace.catalog)
    done = job(workspace)
    assert (done.state, done.progress["report"]["added"]) == ("succeeded", 1)
    (document,) = workspace.catalog.documents()
    assert document.path == "pump.md"
    assert [c.documents for c in workspace.collections() if c.name == "plant"] == [1]


def test_a_sync_that_must_wait_is_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise Busy("Another sync is at work.")

    monkeypatch.setattr(Workspace, "sync", busy)
    put(workspace, "sync")
    worker = Worker(workspace.folder)
    assert worker.step(workspace.catalog)
    waiting = job(workspace)
    assert waiting.state == "queued" and waiting.not_before > waiting.created_at
    assert not worker.step(workspace.catalog)
    (event,), _ = workspace.catalog.job_events("job-1")
    assert "Another sync" in event.message


def test_a_comparison_leaves_its_report(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Report:
        def to_json(self) -> dict[str, Any]:
            return {"arms": {}}

        def to_html(self, path: Path) -> Path:
            path.write_text("<p>", "utf-8")
            return path

    asked: dict[str, Any] = {}

    def compare(_: Workspace, questions: str, **options: Any) -> Report:
        options.pop("progress")(1, 2, None)
        asked.update(options, questions=questions)
        return Report()

    monkeypatch.setattr(Workspace, "compare", compare)
    put(workspace, "compare", questions="q.jsonl", arms=["rag"], limit=3, tuned=None)
    Worker(workspace.folder).step(workspace.catalog)
    done = job(workspace)
    assert (done.state, done.progress["done"], done.progress["of"]) == ("succeeded", 1, 2)
    assert asked == {"questions": "q.jsonl", "arms": ["rag"], "limit": 3}
    assert json.loads(Path(done.progress["report"]).read_text("utf-8")) == {"arms": {}}
    assert Path(done.progress["page"]).is_file()


@pytest.mark.parametrize("error", [WrongUse("No source."), RuntimeError("boom")])
def test_work_that_fails_says_why(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Workspace, "sync", fail)
    put(workspace, "sync")
    Worker(workspace.folder).step(workspace.catalog)
    failed = job(workspace)
    assert failed.state == "failed" and failed.error is not None
    assert str(error) in failed.error["message"]


def test_a_cancelled_sync_stops_at_its_next_step(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundtone.syncing.report import Step

    monkeypatch.setattr("groundtone.jobs.holding.LOOK_S", 0.02)
    steps = 0

    def sync(self: Workspace, *_: Any, progress: Any, **__: Any) -> None:
        nonlocal steps
        import time

        while steps < 500:
            steps += 1
            if steps == 3:
                assert workspace.catalog.cancel_job("job-1")
            progress(Step(steps, 500, 0, 0, 1.0))
            time.sleep(0.02)

    monkeypatch.setattr(Workspace, "sync", sync)
    put(workspace, "sync")
    Worker(workspace.folder).step(workspace.catalog)
    stopped = job(workspace)
    assert (stopped.state, stopped.stopping, stopped.worker) == ("cancelled", False, "")
    assert steps < 500


def test_a_job_that_kills_its_workers_is_given_up(workspace: Workspace) -> None:
    put(workspace, "sync")
    for n in range(TRIES):
        assert workspace.catalog.claim_job(f"dead-{n}", ("sync",), 60)
        assert workspace.catalog.release_worker(f"dead-{n}") == 1
    Worker(workspace.folder).step(workspace.catalog)
    failed = job(workspace)
    assert failed.state == "failed" and failed.error is not None
    assert "died 5 times" in failed.error["message"]
