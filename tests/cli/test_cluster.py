"""`doctor --cluster` against services that are well, away, wrong, or late."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from groundtone.cli import cluster
from groundtone.workspace import Workspace


class _Models(BaseHTTPRequestHandler):
    """Lists models, by a clock that may be wrong."""

    names: tuple[str, ...] = ("large",)
    late = 0.0

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": name} for name in self.names]}).encode()
        self.send_response_only(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("date", formatdate(cluster.time.time() - self.late, usegmt=True))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@pytest.fixture
def models() -> Iterator[tuple[str, type[_Models]]]:
    """A server of models: its address, and what it can be told."""
    told = type("Told", (_Models,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), told)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", told
    server.shutdown()
    server.server_close()


def looked(folder: Path, settings: str = "") -> dict[str, list[cluster.Finding]]:
    """The findings of a workspace with these settings, by name."""
    folder.mkdir(exist_ok=True)
    (folder / "groundtone.toml").write_text(settings, "utf-8")
    found: dict[str, list[cluster.Finding]] = {}
    with Workspace.create(folder) as workspace:
        for finding in cluster.look(workspace):
            found.setdefault(finding.name, []).append(finding)
    return found


def test_one_machine_alone_is_no_fault(call: Any, tmp_path: Path) -> None:
    found = looked(tmp_path / "kb")
    assert found.keys() >= {"versions", "catalog", "store", "ray", "chat", "disk"}
    assert {f.level for each in found.values() for f in each} <= {"ok", "warn"}
    assert "SQLite" in found["catalog"][0].text
    told = call("doctor", "--cluster", "--workspace", tmp_path / "kb", "--json")
    assert told.code in (0, 1)  # 1: little room on this disk
    assert {check["name"] for check in told.json["checks"]} == found.keys()
    assert call("doctor", "--cluster", "--workspace", tmp_path, "--json").code == 3


def test_a_remote_model_is_asked_for_its_name_and_its_clock(
    tmp_path: Path, models: tuple[str, type[_Models]]
) -> None:
    url, told = models
    found = looked(tmp_path / "kb", f'[chat]\nmodel = "{url}#large"\n')
    assert found["chat"][0].level == found["clock"][0].level == "ok"
    told.late = 60.0
    found = looked(tmp_path / "kb", f'[chat]\nmodel = "{url}#large"\n')
    assert found["clock"][0].level == "warn" and "behind" in found["clock"][0].text
    told.names = ("small",)
    found = looked(tmp_path / "kb", f'[chat]\nmodel = "{url}#large"\n')
    assert found["chat"][0].level == "fail" and "small" in found["chat"][0].remedy


def test_what_is_away_is_named_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    found = looked(tmp_path / "kb", '[chat]\nmodel = "http://127.0.0.1:9/v1#large"\n')
    assert found["chat"][0].level == "fail" and "127.0.0.1:9" in found["chat"][0].text
    assert found["catalog"][0].level == "ok" and found["disk"]


def test_ray_is_reached_by_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_ray_address", lambda _: address)
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda _: object())
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"ray://127.0.0.1:{server.getsockname()[1]}"
        assert looked(tmp_path / "kb")["ray"][0].level == "ok"
    assert looked(tmp_path / "kb")["ray"][0].level == "fail"
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda _: None)
    missing = looked(tmp_path / "kb")["ray"][0]
    assert missing.level == "fail" and "groundtone[ray]" in missing.remedy
