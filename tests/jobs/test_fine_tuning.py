"""Fine-tuning jobs from their request to their end, with a training process that trains nothing."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.conftest import lines
from tests.tuning.test_chat_format import CALLING

from groundtone import Workspace
from groundtone.catalog import StoredJob
from groundtone.errors import UnusableExamples
from groundtone.jobs import fine_tuning, tuning
from groundtone.jobs.refusing import Refused
from groundtone.jobs.training_files import Decision
from groundtone.jobs.worker import Worker
from groundtone.tuning import runs
from groundtone.tuning.examples import Fault
from groundtone.workspace import preparing, tune
from groundtone.workspace.files import Files

pytestmark = pytest.mark.usefixtures("stubbed")
Create = Callable[..., StoredJob]


def messages(workspace: Workspace, id: str) -> list[str]:
    events, _ = workspace.catalog.job_events(id, limit=1000, newest=False)
    return [event.message for event in events]


def work(workspace: Workspace) -> None:
    """Carry out all that waits."""
    worker = Worker(workspace.folder)
    while worker.step(workspace.catalog):
        pass


def told(workspace: Workspace, id: str) -> dict[str, Any]:
    return fine_tuning.as_object(fine_tuning.find(workspace, id))


def test_a_job_goes_from_its_files_to_its_model(workspace: Workspace, create: Create) -> None:
    job = create(suffix="support style", metadata={"team": "docs"}, seed=7)
    begun = told(workspace, job.id)
    assert begun["status"] == "validating_files"
    assert begun["hyperparameters"] == {
        "n_epochs": 1, "batch_size": "auto", "learning_rate_multiplier": "auto",
    }  # fmt: skip
    assert (begun["error"], begun["fine_tuned_model"], begun["finished_at"]) == (None, None, None)
    Worker(workspace.folder).step(workspace.catalog, "checking")
    assert told(workspace, job.id)["status"] == "queued"
    work(workspace)
    done = told(workspace, job.id)
    assert done["status"] == "succeeded"
    assert (
        done["fine_tuned_model"] == f"ft:smollm2-135m-instruct:local:support-style:{job.id[6:14]}"
    )
    assert done["trained_tokens"] == 1000
    assert done["hyperparameters"] == {
        "n_epochs": 1, "batch_size": 8, "learning_rate_multiplier": 1.0,
    }  # fmt: skip
    assert done["metadata"] == {"team": "docs"}
    assert done["groundtone"]["gate"]["passed"] is False  # it is there all the same
    assert workspace.model_name("support-style") == done["fine_tuned_model"]
    assert workspace.model_name() == "smollm2-135m-instruct"
    said = messages(workspace, job.id)
    assert said[0] == f"Created fine-tuning job: {job.id}"
    assert "Training without documents: the workspace holds none" in said
    assert "Step 10/10: training loss=0.30, validation loss=0.20" in said
    assert any(text.startswith("The gate refused the model") for text in said)
    assert said[-1] == "The job has successfully completed"


def test_its_numbers_are_events_a_file_and_a_checkpoint(
    workspace: Workspace, create: Create
) -> None:
    job = create()
    work(workspace)
    events, _ = workspace.catalog.job_events(job.id, limit=1000, newest=False)
    metrics = [event for event in events if event.kind == "metrics"]
    assert [event.data["step"] for event in metrics] == list(range(1, 11))
    assert metrics[1].data == {
        "step": 2, "train_loss": 1.5, "train_mean_token_accuracy": 0.5, "total_steps": 10,
        "valid_loss": 1.0, "valid_mean_token_accuracy": 0.25,
    }  # fmt: skip
    (result,) = told(workspace, job.id)["result_files"]
    file = workspace.catalog.get_file(result)
    assert file is not None and file.purpose == "fine-tune-results"
    rows = list(csv.DictReader(Files(workspace).path(result).read_text("utf-8").splitlines()))
    assert list(rows[0]) == [
        "step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy",
    ]  # fmt: skip
    assert (len(rows), rows[0]["valid_loss"], rows[9]["valid_loss"]) == (10, "", "0.2")
    (checkpoint,) = fine_tuning.checkpoints(fine_tuning.find(workspace, job.id))
    assert checkpoint["step_number"] == 10
    model = checkpoint["fine_tuned_model_checkpoint"]
    assert model.endswith(":ckpt-step-10")
    assert workspace.model_name(model) == told(workspace, job.id)["fine_tuned_model"]


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        (lines(3), "invalid_n_examples", "has 3 example(s), but must have at least 10"),
        ([*lines(10), "{"], "invalid_training_file", "line 11"),
        ([*lines(10), '{"messages": []}'], "invalid_training_file", "line 11"),
    ],
)
def test_files_that_cannot_be_trained_on_fail_the_job(
    workspace: Workspace, create: Create, upload: Callable[..., str],
    rows: list[str], code: str, words: str,
) -> None:  # fmt: skip
    job = create(training_file=upload(rows))
    work(workspace)
    failed = told(workspace, job.id)
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == code
    assert failed["error"]["param"] == "training_file"
    assert words in failed["error"]["message"]
    assert failed["finished_at"] is not None
    assert messages(workspace, job.id)[-1].startswith("The job failed")


def test_a_validation_file_may_have_one_example_and_no_fault(
    workspace: Workspace, create: Create, upload: Callable[..., str]
) -> None:
    fine = create(validation_file=upload([lines(11)[10]]))
    bad = create(validation_file=upload(["{"]))
    work(workspace)
    assert told(workspace, fine.id)["status"] == "succeeded"
    assert told(workspace, bad.id)["error"]["param"] == "validation_file"


def test_the_file_that_cannot_be_used_is_the_one_that_is_named(
    workspace: Workspace, create: Create, upload: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    calls = create(validation_file=upload([json.dumps(CALLING)] * 2))
    work(workspace)
    error = told(workspace, calls.id)["error"]
    assert (error["code"], error["param"]) == ("invalid_validation_file", "validation_file")
    assert "tools in every example" in error["message"]

    def start(workspace: Workspace, path: Path, *, validation: Path, **_: Any) -> None:
        at = {"training": path, "validation": validation}[wrong]
        raise UnusableExamples(at, f"None of the answers in {at} is supported.")

    monkeypatch.setattr(tune, "start", start)
    for wrong in ("training", "validation"):
        job = create(validation_file=upload([lines(11)[10]]))
        work(workspace)
        assert told(workspace, job.id)["error"] == {
            "code": f"invalid_{wrong}_file",
            "message": "None of the answers in style.jsonl is supported.",
            "param": f"{wrong}_file",
        }


@pytest.mark.parametrize("documents", [False, True])
def test_an_example_longer_than_the_context_fails_the_job_while_it_is_checked(
    workspace: Workspace, create: Create, monkeypatch: pytest.MonkeyPatch, documents: bool
) -> None:
    long = Fault(4, "messages", "all messages together have 9000 tokens", "Shorten them.")
    monkeypatch.setattr(preparing, "over_context_whole", lambda *_: [long])
    monkeypatch.setattr(tuning, "decide", lambda *_, **__: Decision(documents, "so it is"))
    job = create()
    Worker(workspace.folder).step(workspace.catalog, "checking")
    if documents:  # then earlier turns are not shown
        assert told(workspace, job.id)["status"] == "queued"
        return
    error = told(workspace, job.id)["error"]
    assert (error["code"], error["param"]) == ("invalid_training_file", "training_file")
    assert "style.jsonl has 1 fault(s): " in error["message"] and "line 4" in error["message"]


def test_what_cannot_be_used_is_refused_with_its_field(
    create: Create, upload: Callable[..., str]
) -> None:
    for param, request in {
        "model": {"model": "gpt-4o-mini"},
        "training_file": {"training_file": "file-nothing"},
        "validation_file": {"validation_file": upload(lines(1), "assistants")},
        "integrations": {"integrations": [{"type": "wandb"}]},
        "method.type": {"method": {"type": "dpo"}},
        "hyperparameters.n_epochs": {"hyperparameters": {"n_epochs": 0}},
        "hyperparameters.batch_size": {"hyperparameters": {"batch_size": "large"}},
        "hyperparameters.epochs": {"hyperparameters": {"epochs": 1}},
        "groundtone.rank": {"groundtone": {"rank": 4096}},
        "groundtone.threads": {"groundtone": {"threads": 64}},
        "groundtone.processes": {"groundtone": {"processes": 2}},
        "groundtone.documents": {"groundtone": {"documents": "some"}},
    }.items():
        with pytest.raises(Refused) as refused:
            create(**request)
        assert refused.value.param == param
    with pytest.raises(Refused, match="smollm2-135m-instruct"):
        create(model="gpt-4o-mini")


def test_an_alias_stands_for_the_base(
    workspace: Workspace, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_CHAT__ALIASES", '["gpt-4o-mini"]')
    workspace.reload()
    job = create(model="gpt-4o-mini")
    assert told(workspace, job.id)["model"] == "smollm2-135m-instruct"
    assert workspace.model_name("gpt-4o-mini") == "smollm2-135m-instruct"


def test_the_recipe_takes_what_the_request_says(workspace: Workspace, create: Create) -> None:
    from groundtone.jobs.hyperparameters import chosen

    how = chosen(
        {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 2},
        {"kind": "lora", "rank": 4, "contexts": 3, "documents": True},
        seed=5,
    )
    recipe = how.recipe
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (2, 4, 1e-3)
    assert (recipe.kind, recipe.rank, recipe.alpha, recipe.seed) == ("lora", 4, 8, 5)
    assert (how.contexts.each, how.contexts.seed, how.documents) == (3, 5, True)
    legacy = create(hyperparameters={"n_epochs": 4, "batch_size": 2})
    newer = create(
        hyperparameters={"n_epochs": 4},
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
    )
    assert told(workspace, legacy.id)["hyperparameters"]["n_epochs"] == 4
    assert told(workspace, newer.id)["method"]["supervised"]["hyperparameters"]["n_epochs"] == 2


def test_training_that_fails_fails_the_job(workspace: Workspace, create: Create) -> None:
    job = create(groundtone={"rank": 13})
    work(workspace)
    failed = told(workspace, job.id)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
    assert "out of luck" in failed["error"]["message"]


HELD = {"rank": 11}
"""Training that stops before its fourth step until it is told how far it may go (`stub_child`)."""


def running(workspace: Workspace, worker: Worker) -> threading.Thread:
    thread = threading.Thread(target=worker.run)
    thread.start()
    return thread


def wait(workspace: Workspace, id: str, condition: Callable[[StoredJob], bool]) -> StoredJob:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        job = fine_tuning.find(workspace, id)
        if condition(job):
            return job
        time.sleep(0.02)
    raise AssertionError(f"{job.state} {job.progress} {messages(workspace, id)}")


@pytest.fixture
def worker(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("groundtone.jobs.holding.LOOK_S", 0.05)
    monkeypatch.setattr("groundtone.jobs.worker.POLL_S", 0.05)
    monkeypatch.setenv("STUB_STEP_S", "0.2")
    worker = Worker(workspace.folder)
    thread = running(workspace, worker)
    yield worker
    worker.stopping.set()
    thread.join()


def test_a_running_job_is_paused_resumed_and_cancelled(
    workspace: Workspace, create: Create, worker: Worker
) -> None:
    job = create(groundtone=HELD)
    folder = tune.Run(workspace, f"run-{job.id[6:14]}").folder
    wait(workspace, job.id, lambda job: job.progress.get("step", 0) >= 2)
    assert fine_tuning.status(fine_tuning.pause(workspace, job.id)) == "paused"
    wait(workspace, job.id, lambda job: not job.stopping)
    assert not runs.alive(folder)
    with pytest.raises(Refused, match="paused"):
        fine_tuning.pause(workspace, job.id)
    fine_tuning.resume(workspace, job.id)
    wait(
        workspace,
        job.id,
        lambda job: any("Going on from step" in text for text in messages(workspace, job.id)),
    )
    assert fine_tuning.status(fine_tuning.cancel(workspace, job.id)) == "cancelled"
    wait(workspace, job.id, lambda job: not job.stopping)
    assert not runs.alive(folder)
    for ask in (fine_tuning.cancel, fine_tuning.pause, fine_tuning.resume):
        with pytest.raises(Refused, match="cancelled"):
            ask(workspace, job.id)
    assert workspace.catalog.list_models() == []


def test_a_job_cancelled_in_its_last_moment_leaves_no_model(
    workspace: Workspace, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = create()
    registered = []

    def cancelled_now(workspace: Workspace, model: str) -> None:
        registered.append(model)
        fine_tuning.cancel(workspace, job.id)

    monkeypatch.setattr(tuning, "_answers", cancelled_now)
    work(workspace)
    assert len(registered) == 1
    ended = fine_tuning.find(workspace, job.id)
    assert (ended.state, ended.stopping, ended.worker) == ("cancelled", False, "")
    assert workspace.catalog.list_models() == []
    assert tune.find(workspace).status == "cancelled"


def test_a_job_paused_in_its_last_moment_keeps_its_model(
    workspace: Workspace, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = create()
    asked = []

    def paused_now(workspace: Workspace, _model: str) -> None:
        if not asked:
            fine_tuning.pause(workspace, job.id)
        asked.append(None)

    monkeypatch.setattr(tuning, "_answers", paused_now)
    work(workspace)
    assert told(workspace, job.id)["status"] == "paused"
    fine_tuning.resume(workspace, job.id)
    work(workspace)
    assert told(workspace, job.id)["status"] == "succeeded"
    assert len(workspace.catalog.list_models()) == 1


def test_a_worker_that_ends_leaves_training_to_the_next(
    workspace: Workspace, create: Create, worker: Worker
) -> None:
    job = create(groundtone=HELD)
    folder = tune.Run(workspace, f"run-{job.id[6:14]}").folder
    wait(workspace, job.id, lambda job: job.progress.get("step", 0) >= 2)
    worker.stopping.set()
    left = wait(workspace, job.id, lambda job: not job.worker)
    assert left.state == "running" and runs.alive(folder)
    (folder / "until").write_text("99", "utf-8")
    work(workspace)
    assert told(workspace, job.id)["status"] == "succeeded"
    steps = [text for text in messages(workspace, job.id) if text.startswith("Step")]
    assert len(steps) == len(set(steps)) == 10


def test_jobs_wait_for_each_other(workspace: Workspace, create: Create, worker: Worker) -> None:
    first, second = create(groundtone=HELD), create()
    wait(workspace, first.id, lambda job: job.progress.get("step", 0) >= 1)
    assert (
        fine_tuning.status(wait(workspace, second.id, lambda job: job.lane == "tune")) == "queued"
    )
    fine_tuning.cancel(workspace, first.id)
    wait(workspace, second.id, lambda job: job.progress.get("step", 0) >= 1)


def test_a_key_with_limits_trains_without_documents(workspace: Workspace, create: Create) -> None:
    with pytest.raises(Refused, match="does not exist"):
        create(owner="key-1", limited=True)  # the file is another's
    with pytest.raises(Refused):
        fine_tuning.find(workspace, create().id, owner="key-1")
