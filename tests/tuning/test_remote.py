"""What a provider of fine-tuning says, as we understand it; the whole way is in tests/server."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from groundtone.errors import EngineError, WrongUse
from groundtone.tuning.remote import Provider

TABLE = "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,2.5,0.5,,\n"
JOB: dict[str, Any] = {
    "id": "ftjob-1", "object": "fine_tuning.job", "created_at": 1, "finished_at": 9,
    "model": "m", "fine_tuned_model": "ft:m", "organization_id": "o", "status": "succeeded",
    "training_file": "file-1", "validation_file": None, "result_files": ["file-r"],
    "trained_tokens": 5, "error": None, "seed": 1, "hyperparameters": {"n_epochs": 1},
}  # fmt: skip


def event(number: int, message: str, **data: Any) -> dict[str, Any]:
    return {
        "id": f"ftevent-{number}", "object": "fine_tuning.job.event", "created_at": 10 * number,
        "level": "info", "message": message, "type": "metrics" if data else "message",
        "data": data,
    }  # fmt: skip


class Answers(BaseHTTPRequestHandler):
    """Answers as OpenAI does; who has another key than `right` is turned away."""

    def do_GET(self) -> None:
        told: Any
        if self.headers["authorization"] != "Bearer right":
            self._send(401, {"error": {"message": "no", "type": "x", "param": None, "code": None}})
            return
        if self.path.startswith("/v1/models"):
            told = {
                "object": "list",
                "data": [
                    {"id": "ends", "object": "model", "created": 1, "owned_by": "o",
                     "shutdown_date": "2026-10-23"},
                    {"id": "stays", "object": "model", "created": 1, "owned_by": "o"},
                ],
            }  # fmt: skip
        elif "/events" in self.path:
            told = {
                "object": "list", "has_more": False,
                "data": [
                    event(3, "done"),
                    event(2, "Step 2/4", step=2, train_loss=1.5, total_steps=4, valid_loss=2.0),
                    event(1, "Step 1/4", step=1, train_loss=2.5, total_steps=4),
                ],
            }  # fmt: skip
        elif self.path.endswith("/content"):
            self._send(200, base64.b64encode(TABLE.encode()))
            return
        else:
            told = JOB
        self._send(200, told)

    def _send(self, status: int, told: Any) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("GROUNDTONE_API_KEY", "right")
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = Provider(f"http://127.0.0.1:{server.server_port}/v1")
        yield opened
        opened.close()
        server.shutdown()


def test_a_model_that_ends_soon_is_warned_of(provider: Provider) -> None:
    assert provider.warnings("stays") == []
    (warning,) = provider.warnings("ends")
    assert "2026-10-23" in warning
    (warning,) = provider.warnings("other")
    assert "does not list" in warning and "stays" in warning


def test_events_come_oldest_first_with_the_time_left(provider: Provider) -> None:
    told = list(provider.follow("ftjob-1", poll_s=0))
    assert [e["event"] for e in told] == ["step", "step", "message", "succeeded"]
    assert told[1] == {
        "event": "step", "step": 2, "of": 4, "train_loss": 1.5, "train_accuracy": None,
        "valid_loss": 2.0, "valid_accuracy": None, "tokens_per_s": None, "left_s": 20,
    }  # fmt: skip


def test_metrics_are_read_in_base64_too(provider: Provider) -> None:
    assert provider.results(provider.job("ftjob-1")) == TABLE


def test_a_wrong_key_and_none_say_which_variable(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_API_KEY", "wrong")
    with pytest.raises(EngineError, match="GROUNDTONE_API_KEY"):
        Provider(provider.where).warnings("ends")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EngineError, match="OPENAI_API_KEY"):
        Provider()


def test_faulty_examples_are_not_sent(tmp_path: Path) -> None:
    from groundtone import Workspace
    from groundtone.workspace import tune_remote

    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n", "utf-8")
    with Workspace.create(tmp_path / "kb") as workspace, pytest.raises(WrongUse, match="line 1"):
        list(
            tune_remote.run(workspace, bad, model="m", suffix="s", base_url="http://127.0.0.1:1/v1")
        )
