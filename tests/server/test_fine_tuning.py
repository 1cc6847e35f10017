"""The official client against files and fine-tuning jobs; training trains nothing here."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from tests.cli.calling import command
from tests.jobs.conftest import lines
from tests.server.stubbed import Stubbed, start, stop, stubbed, until

from groundtone import Workspace
from groundtone.tuning import runs

STATUSES = ("succeeded", "failed", "cancelled")


def jsonl(count: int = 10) -> tuple[str, io.BytesIO]:
    return "style.jsonl", io.BytesIO("\n".join(lines(count)).encode())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubbed]:
    folder = tmp_path_factory.mktemp("tuned") / "kb"
    Workspace.create(folder).close()
    with stubbed(folder) as running:
        yield running


def ended(client: openai.OpenAI, id: str) -> FineTuningJob:
    def job() -> FineTuningJob | None:
        found = client.fine_tuning.jobs.retrieve(id)
        return found if found.status in STATUSES else None

    found: FineTuningJob = until(job)
    return found


def strict(kind: Any, told: Any, *extra: str) -> None:
    """What was told is of the client's own type, with nothing missing and nothing more."""
    values = told.to_dict()
    if values.get("status") != "paused":
        kind.model_validate(values, strict=True)
    assert set(values) - set(kind.model_fields) == set(extra)
    required = {name for name, field in kind.model_fields.items() if field.is_required()}
    assert required <= set(values)


def test_a_tutorials_script_works(server: Stubbed) -> None:
    client = server.client()
    file = client.files.create(file=jsonl(), purpose="fine-tune")
    strict(FileObject, file)
    assert (file.filename, file.purpose, file.status) == ("style.jsonl", "fine-tune", "processed")
    job = client.fine_tuning.jobs.create(
        model="smollm2-135m-instruct", training_file=file.id, suffix="support-style",
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
        metadata={"team": "docs"}, extra_body={"groundtone": {"kind": "lora", "rank": 4}},
    )  # fmt: skip
    strict(FineTuningJob, job, "groundtone", "user_provided_suffix")
    assert job.status in ("validating_files", "queued", "running")
    assert job.error is None and job.id.startswith("ftjob-")
    done = ended(client, job.id)
    strict(FineTuningJob, done, "groundtone", "user_provided_suffix")
    assert (done.status, done.trained_tokens, done.metadata) == (
        "succeeded",
        1000,
        {"team": "docs"},
    )
    assert done.fine_tuned_model is not None
    assert done.fine_tuned_model.startswith("ft:smollm2-135m-instruct:local:support-style:")

    events = list(client.fine_tuning.jobs.list_events(job.id, limit=4))  # several pages
    for event in events:
        strict(FineTuningJobEvent, event)
    assert events[-1].message == f"Created fine-tuning job: {job.id}"
    assert "Step 10/10: training loss=0.30, validation loss=0.20" in [e.message for e in events]
    assert len({event.id for event in events}) == len(events)
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(job.id)
    strict(FineTuningJobCheckpoint, checkpoint)
    table = client.files.content(done.result_files[0]).text.splitlines()
    assert table[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"

    model = client.models.retrieve(done.fine_tuned_model)
    assert model.id == done.fine_tuned_model
    assert done.fine_tuned_model in [one.id for one in client.models.list()]
    assert client.models.delete(done.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.delete(done.fine_tuned_model)


def test_curl_as_in_any_tutorial(server: Stubbed, tmp_path: Path) -> None:
    path = tmp_path / "style.jsonl"
    path.write_bytes(jsonl()[1].read())
    upload = subprocess.run(
        ["curl", "-s", f"{server.url}/files", "-H", "Authorization: Bearer sk-any",
         "-F", "purpose=fine-tune", "-F", f"file=@{path}"],
        capture_output=True, check=True,
    )  # fmt: skip
    file = FileObject.model_validate_json(upload.stdout)
    made = subprocess.run(
        ["curl", "-s", "-X", "POST", f"{server.url}/fine_tuning/jobs",
         "-H", "Authorization: Bearer sk-any", "-H", "Content-Type: application/json",
         "-d", f'{{"model": "base", "training_file": "{file.id}", "suffix": "support-style"}}'],
        capture_output=True, check=True,
    )  # fmt: skip
    job = FineTuningJob.model_validate_json(made.stdout)
    assert (job.training_file, job.model) == (file.id, "smollm2-135m-instruct")
    assert ended(server.client(), job.id).status == "succeeded"


def test_files_are_listed_read_and_deleted(server: Stubbed) -> None:
    client = server.client()
    content = jsonl(3)[1].read()
    made = [
        client.files.create(file=(f"{n}.jsonl", content), purpose="user_data") for n in range(3)
    ]
    strict(FileObject, client.files.retrieve(made[0].id))
    page = client.files.list(purpose="user_data", order="asc", limit=2)
    assert ([file.id for file in page.data], page.has_more) == ([f.id for f in made[:2]], True)
    everything = [file.id for file in client.files.list(purpose="user_data", limit=1)]
    assert everything == [file.id for file in reversed(made)]
    assert client.files.content(made[0].id).read() == content
    assert client.files.delete(made[0].id).deleted
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError) as gone:
            call(made[0].id)
        assert gone.value.type == "invalid_request_error"
    lasting = client.files.create(
        file=("b", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert lasting.expires_at is not None and lasting.expires_at - lasting.created_at in range(
        3599, 3602
    )


@pytest.mark.parametrize("content", [b"", b"not json\n", b'{"messages": [\n', b"[]\n", b"\xff\xfe"])
def test_what_is_no_jsonl_is_refused_while_uploading(server: Stubbed, content: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        server.client().files.create(file=("style.jsonl", content), purpose="fine-tune")
    assert (refused.value.param, refused.value.code) == ("file", "invalid_file_format")


def test_wrong_requests_name_their_field(server: Stubbed) -> None:
    client = server.client()
    file = client.files.create(file=jsonl(), purpose="fine-tune")
    fine: dict[str, Any] = {"model": "base", "training_file": file.id}
    for param, changed in {
        "model": {"model": "gpt-4o-mini-2024-07-18"},
        "training_file": {"training_file": "file-nothing"},
        "suffix": {"suffix": "x" * 65},
        "seed": {"seed": -1},
        "hyperparameters.n_epochs": {"hyperparameters": {"n_epochs": 1000}},
        "method.type": {"method": {"type": "dpo"}},
        "integrations": {"integrations": [{"type": "wandb", "wandb": {"project": "x"}}]},
        "groundtone.rank": {"extra_body": {"groundtone": {"rank": "high"}}},
        "training_data": {"extra_body": {"training_data": "x"}},
    }.items():
        with pytest.raises(openai.BadRequestError) as refused:
            client.fine_tuning.jobs.create(**{**fine, **changed})
        assert refused.value.param == param, refused.value.message
    with pytest.raises(openai.BadRequestError, match="Use smollm2-135m-instruct"):
        client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    for ask in (client.fine_tuning.jobs.retrieve, client.fine_tuning.jobs.cancel):
        with pytest.raises(openai.NotFoundError):
            ask("ftjob-nothing")


def test_faults_in_the_file_fail_the_job_later(server: Stubbed) -> None:
    client = server.client()
    file = client.files.create(file=jsonl(4), purpose="fine-tune")
    failed = ended(client, client.fine_tuning.jobs.create(model="base", training_file=file.id).id)
    assert failed.status == "failed" and failed.error is not None
    assert (failed.error.code, failed.error.param) == ("invalid_n_examples", "training_file")


def test_the_async_client_does_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    Workspace.create(folder).close()

    async def script(server: Stubbed) -> None:
        async with server.async_client() as client:
            file = await client.files.create(file=jsonl(), purpose="fine-tune")
            job = await client.fine_tuning.jobs.create(model="base", training_file=file.id)
            await reaches(client, job.id, "running")
            paused = await client.fine_tuning.jobs.pause(job.id)
            assert paused.status == "paused"
            strict(FineTuningJob, paused, "groundtone", "user_provided_suffix")
            with pytest.raises(openai.BadRequestError) as refused:
                await client.fine_tuning.jobs.pause(job.id)
            assert refused.value.code == "invalid_job_status"
            assert (await client.fine_tuning.jobs.resume(job.id)).status == "queued"
            await reaches(client, job.id, "running")
            cancelled = await client.fine_tuning.jobs.cancel(job.id)
            assert cancelled.status == "cancelled" and cancelled.finished_at
            other = await client.fine_tuning.jobs.create(
                model="base", training_file=file.id, metadata={"n": "2"}
            )
            listed = [one.id async for one in client.fine_tuning.jobs.list(limit=1)]
            assert listed == [other.id, job.id]
            page = await client.fine_tuning.jobs.list(metadata={"n": "2"})
            assert [one.id for one in page.data] == [other.id]

    with stubbed(folder, step_s=0.2) as server:
        asyncio.run(script(server))


async def reaches(client: openai.AsyncOpenAI, id: str, status: str) -> None:
    for _ in range(2_400):
        if (await client.fine_tuning.jobs.retrieve(id)).status == status:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(status)


@pytest.mark.slow
def test_killed_workers_and_servers_lose_nothing_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    Workspace.create(folder).close()
    server = start(folder)
    try:
        client = server.client()
        file = client.files.create(file=jsonl(), purpose="fine-tune")
        job = client.fine_tuning.jobs.create(
            model="base", training_file=file.id, hyperparameters={"n_epochs": 2},
            extra_body={"groundtone": {"rank": 11}},
        )  # fmt: skip
        training = folder / ".groundtone" / "runs" / f"run-{job.id[6:14]}"

        def steps() -> list[str]:
            events = server.client().fine_tuning.jobs.list_events(job.id, limit=100)
            return [event.message for event in events if event.type == "metrics"]

        until(lambda: len(steps()) == 3)
        pid, worker = (training / "pid").read_text(), server.worker_pid()
        os.kill(worker, signal.SIGKILL)
        until(lambda: server.worker_pid() != worker)
        (training / "until").write_text("6")
        until(lambda: len(steps()) == 6)  # the new worker follows the same process

        uploads = Uploads(server)
        uploads.start()
        until(lambda: len(uploads.acknowledged) > 5)
        server.process.kill()
        uploads.join()
        assert runs.alive(training)  # training survives the server

        server = start(folder)
        client = server.client()
        kept = {one.id for one in client.files.list(purpose="user_data")}
        assert set(uploads.acknowledged) <= kept
        for id in uploads.acknowledged[-3:]:
            assert client.files.content(id).read() == Uploads.CONTENT
        (training / "until").write_text("20")
        done = ended(client, job.id)
        assert done.status == "succeeded", done.error
        assert (training / "pid").read_text() == pid
        assert len(steps()) == len(set(steps())) == 20
    finally:
        stop(server)


class Uploads(threading.Thread):
    """Uploads until the server is gone."""

    CONTENT = b"x" * 3_000_000

    def __init__(self, server: Stubbed) -> None:
        super().__init__()
        self.client = server.client()
        self.acknowledged: list[str] = []

    def run(self) -> None:
        try:
            while True:
                file = self.client.files.create(file=("a", self.CONTENT), purpose="user_data")
                self.acknowledged.append(file.id)
        except openai.OpenAIError:
            pass


@pytest.mark.slow
def test_a_stopped_server_leaves_its_jobs_to_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    Workspace.create(folder).close()
    with stubbed(folder, step_s=0.3) as server:
        client = server.client()
        file = client.files.create(file=jsonl(), purpose="fine-tune")
        ids = [
            client.fine_tuning.jobs.create(
                model="base", training_file=file.id, hyperparameters={"n_epochs": 1}
            ).id
            for _ in range(2)
        ]
        until(lambda: client.fine_tuning.jobs.retrieve(ids[0]).status == "running")
    with stubbed(folder) as server:
        client = server.client()
        assert [ended(client, id).status for id in ids] == ["succeeded"] * 2


def test_tune_run_trains_on_another_server(server: Stubbed, tmp_path: Path) -> None:
    path = tmp_path / "style.jsonl"
    path.write_bytes(jsonl()[1].read())
    Workspace.create(tmp_path / "kb").close()
    asked = ["tune", "run", path, "--suffix", "afar", "--provider", "openai"]
    asked += ["--base-url", server.url, "--workspace", tmp_path / "kb"]
    result = command(
        *asked, "--model", "base", "--epochs", "1", "--rank", "4", "--json", cwd=tmp_path
    )
    assert result.code == 0, result.err
    told = [json.loads(line) for line in result.out.splitlines()]
    assert [event["step"] for event in told if event["event"] == "step"] == list(range(1, 11))
    done = told[-1]
    assert done["event"] == "done" and done["trained_tokens"] == 1000
    with Workspace.open(tmp_path / "kb") as workspace:
        model = workspace.catalog.get_model(done["model"])
        assert model is not None
        assert (model.kind, model.base) == ("remote", "smollm2-135m-instruct")
        assert model.settings["hyperparameters"]["n_epochs"] == 1
        assert (model.metrics["train_loss"], model.metrics["valid_loss"]) == (0.3, 0.2)
        assert (workspace.state / "runs" / done["run"] / "metrics.csv").is_file()
    again = command(*asked, "--job", done["run"], cwd=tmp_path)
    assert again.code == 0 and done["model"] in again.out
    path.write_text("\n".join(lines(4)), "utf-8")
    assert command(*asked, "--model", "base", cwd=tmp_path).code == 2
    path.write_text("\n".join(lines(10)), "utf-8")
    wrong = command(*asked, "--model", "gpt-4o-mini", cwd=tmp_path)
    assert wrong.code == 2 and "not available for fine-tuning" in wrong.err


def test_keys_need_the_scope_and_see_what_is_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    with Workspace.create(folder) as workspace:
        _, chat = workspace.catalog.create_key(scopes=["chat"])
        _, full = workspace.catalog.create_key(scopes=["files", "tune"])
        _, limited = workspace.catalog.create_key(scopes=["files", "tune"], collections=["default"])
    with stubbed(folder) as server:

        def asks(key: str) -> openai.OpenAI:
            return openai.OpenAI(base_url=server.url, api_key=key, max_retries=0)

        with pytest.raises(openai.AuthenticationError):
            asks("wrong").files.list()
        with pytest.raises(openai.PermissionDeniedError):
            asks(chat).files.list()
        with pytest.raises(openai.PermissionDeniedError):
            asks(chat).fine_tuning.jobs.list()
        theirs = asks(full).files.create(file=jsonl(), purpose="fine-tune")
        with pytest.raises(openai.NotFoundError):
            asks(limited).files.retrieve(theirs.id)
        with pytest.raises(openai.BadRequestError) as hidden:
            asks(limited).fine_tuning.jobs.create(model="base", training_file=theirs.id)
        assert hidden.value.code == "file_not_found"
        own = asks(limited).files.create(file=jsonl(), purpose="fine-tune")
        job = asks(limited).fine_tuning.jobs.create(model="base", training_file=own.id)
        assert job.to_dict()["groundtone"]["documents"] is False
        assert [file.id for file in asks(limited).files.list()] == [own.id]
        assert {file.id for file in asks(full).files.list()} == {own.id, theirs.id}


def test_a_client_that_goes_away_while_uploading_leaves_nothing(server: Stubbed) -> None:
    before = {file.id for file in server.client().files.list()}

    def half() -> Iterator[bytes]:
        head = (
            b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--b\r\n'
            b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        )
        yield head + b"x" * 100_000
        raise ConnectionError

    with pytest.raises((ConnectionError, httpx.HTTPError)):
        httpx.post(
            f"{server.url}/files", content=half(), timeout=60,
            headers={"content-type": "multipart/form-data; boundary=b"},
        )  # fmt: skip
    time.sleep(0.2)
    assert {file.id for file in server.client().files.list()} == before
