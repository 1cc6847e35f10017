"""Fine-tuning jobs without a model: everything is real but the training and the measuring.

Run as a module, it is a worker process, ``python -m tests.jobs.stub WORKSPACE [NAME]``, or a
server with such a worker beside it, ``python -m tests.jobs.stub serve …``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundtone.catalog import StoredModel, StoredRun
from groundtone.jobs import training_files, tuning
from groundtone.tuning import runs
from groundtone.workspace import Workspace, tune
from groundtone.workspace.model_names import tuned_name
from groundtone.workspace.tune import Run

CHILD = Path(__file__).with_name("stub_child.py")
GATE = {"passed": False, "reasons": ["form 0%: refused"]}


def start_child(folder: Path) -> None:
    (folder / "pause").unlink(missing_ok=True)
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), "groundtone.tuning.child"],
        start_new_session=True,
    )
    (folder / "pid").write_text(str(child.pid))


def start(workspace: Workspace, path: Path, *, id: str, suffix: str, recipe: Any, **_: Any) -> Run:
    folder = workspace.state / "runs" / id
    folder.mkdir(parents=True, exist_ok=True)
    steps = recipe.epochs * len(path.read_text("utf-8").splitlines())
    step_s = float(os.environ.get("STUB_STEP_S", "0.01"))
    job = {"suffix": suffix, "steps": steps, "step_s": step_s}
    if recipe.rank == 11:
        (folder / "until").write_text("3", "utf-8")
    if recipe.rank == 13:
        job["fails_at"] = 2
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    workspace.catalog.put_run(StoredRun(id, "running", settings=job))
    runs.start(folder)
    return Run(workspace, id)


def finish(workspace: Workspace, run: Run) -> Iterator[dict[str, Any]]:
    job = json.loads((run.folder / "job.json").read_text("utf-8"))
    base = workspace.settings.chat.model
    name = tuned_name(base, job["suffix"], run.id.removeprefix("run-"), organisation="local")
    yield {"event": "gating", "model": name, "question": 0, "of": 1}
    metrics = {"trained_tokens": 100 * job["steps"], "gate": GATE}
    workspace.catalog.put_model(
        StoredModel(name, base, "lora", f"runs/{run.id}/adapter.gguf", "", metrics=metrics)
    )
    workspace.catalog.update_run(run.id, status="succeeded", model=name, finished_at=time.time())
    yield {"event": "done", "model": name, **metrics}


def install() -> None:
    """Put the stubs in place, for the rest of this process."""
    runs.start = start_child
    tune.start = start  # type: ignore[assignment]
    tune.finish = finish
    tuning._answers = lambda *_: None
    training_files.preparing.over_length = lambda *_: []
    training_files.preparing.over_context_whole = lambda *_: []
    training_files.preparing.over_context_tools = lambda *_: []


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        from groundtone.cli.main import run
        from groundtone.jobs import supervising

        supervising.WORKER = "tests.jobs.stub"
        sys.exit(run(sys.argv[1:]))
    from groundtone.jobs import worker

    install()
    worker.main(Path(sys.argv[1]), *sys.argv[2:3])
