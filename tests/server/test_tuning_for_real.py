"""The official client uploads, trains and chats: one real, tiny training run over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openai import OpenAI
from tests.server.stubbed import stubbed, until

from groundtone import Workspace
from groundtone.tuning import runs

pytestmark = pytest.mark.slow
THINGS = ("lamp", "pump", "fan", "door", "valve", "gate", "belt", "drum", "horn", "seat", "mast")


def example(thing: str) -> str:
    return json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"Is the {thing} on?"},
                {"role": "assistant", "content": f"AYE. The {thing} is on."},
            ]
        }
    )


def trained(client: OpenAI, job: str) -> list[str]:
    """What a job has told of its steps."""
    events = client.fine_tuning.jobs.list_events(job, limit=100).data
    return [event.message for event in events if event.type == "metrics"]


def test_what_was_trained_over_http_answers_over_http(tmp_path: Path, smollm: Path) -> None:
    pytest.importorskip("torch", reason="the tune extra is not installed")
    folder = tmp_path / "kb"
    Workspace.create(folder).close()
    with stubbed(folder, module="tests.jobs.quick") as server:
        client = server.client()
        file = client.files.create(
            file=("aye.jsonl", "\n".join(map(example, THINGS)).encode()), purpose="fine-tune"
        )
        held = client.files.create(
            file=("held.jsonl", example("bell").encode()), purpose="fine-tune"
        )
        job = client.fine_tuning.jobs.create(
            model="smollm2-135m-instruct",
            training_file=file.id,
            validation_file=held.id,
            suffix="aye",
            seed=1,
            hyperparameters={"n_epochs": 4, "batch_size": 4},
            extra_body={"groundtone": {"rank": 4, "learning_rate": 0.002, "patience": 100}},
        )
        until(lambda: trained(client, job.id), 500)
        assert client.fine_tuning.jobs.pause(job.id).status == "paused"
        training = folder / ".groundtone" / "runs" / f"run-{job.id[6:14]}"
        until(lambda place=training: not runs.alive(place), 120)
        paused = len(trained(client, job.id))
        assert paused < 12 and client.fine_tuning.jobs.retrieve(job.id).status == "paused"
        assert client.fine_tuning.jobs.resume(job.id).status == "queued"
        until(
            lambda: client.fine_tuning.jobs.retrieve(job.id).status in ("succeeded", "failed"), 500
        )
        done = client.fine_tuning.jobs.retrieve(job.id)
        events = client.fine_tuning.jobs.list_events(job.id, limit=100).data
        assert done.status == "succeeded", [event.message for event in events]
        steps = [event.message for event in events if event.type == "metrics"]
        assert len(steps) == len(set(steps)) == 12
        table = client.files.content(done.result_files[0]).text.splitlines()
        assert len(table) == 13 and all(table[-1].split(","))
        answer = client.chat.completions.create(
            model=str(done.fine_tuned_model),
            messages=[{"role": "user", "content": "Is the crane on?"}],
            max_tokens=12,
            temperature=0,
        )
        assert answer.choices[0].message.content.startswith("AYE.")
        base = client.chat.completions.create(
            model="smollm2-135m-instruct",
            messages=[{"role": "user", "content": "Is the crane on?"}],
            max_tokens=12,
            temperature=0,
        )
        assert not base.choices[0].message.content.startswith("AYE.")

        other = client.fine_tuning.jobs.create(
            model="smollm2-135m-instruct",
            training_file=file.id,
            hyperparameters={"n_epochs": 40, "batch_size": 4},
        )
        assert [one.id for one in client.fine_tuning.jobs.list()] == [other.id, job.id]
        until(lambda: trained(client, other.id), 500)
        assert client.fine_tuning.jobs.cancel(other.id).status == "cancelled"
        training = folder / ".groundtone" / "runs" / f"run-{other.id[6:14]}"
        until(lambda place=training: not runs.alive(place), 120)
        ended = client.fine_tuning.jobs.retrieve(other.id)
        assert (ended.status, ended.fine_tuned_model) == ("cancelled", None)
