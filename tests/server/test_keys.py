"""Keys: scopes, rates, budgets, an end; and who is served without one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest
from tests.server.serving import Served, served

from groundtone import Workspace
from groundtone.catalog.keys import Used
from groundtone.errors import WrongUse

BASE = "smollm2-135m-instruct"
HELLO = {"model": BASE, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_only_the_digest_of_a_key_is_kept(tmp_path: Path) -> None:
    with Workspace.create(tmp_path) as workspace:
        key, secret = workspace.catalog.create_key(["chat"], rate=(60, 60), budget=(5.0, 86_400))
        assert workspace.catalog.check_key(secret) == key
        assert workspace.catalog.check_key(secret[:-1]) is None
        assert workspace.catalog.check_key("gt-nobody-x") is None
        assert (key.to_json()["rate"], key.to_json()["budget"]) == ("60/min", "5usd/day")
        workspace.catalog.revoke_key(key.id)
        assert workspace.catalog.check_key(secret) is None
        assert workspace.catalog.has_keys(revoked=True) and not workspace.catalog.has_keys()
        with pytest.raises(WrongUse, match="scope"):
            workspace.catalog.create_key(["everything"])
    for file in (tmp_path / ".groundtone").iterdir():
        if file.is_file():
            assert secret.encode() not in file.read_bytes()


def test_usage_is_added_up(tmp_path: Path) -> None:
    with Workspace.create(tmp_path) as workspace:
        key, _ = workspace.catalog.create_key(["chat"])
        for _ in range(2):
            workspace.catalog.add_usage({key.id: Used(1, 10, 5, 0.5)})
        assert workspace.catalog.usage(key.id, 3600) == Used(2, 20, 10, 1.0)
        assert workspace.catalog.list_keys()[0].used_at is not None
        assert [workspace.catalog.count_request(key.id, 3600) for _ in range(3)] == [1, 2, 3]


def test_a_key_is_for_its_scopes(server: Served) -> None:
    with server.http("files") as http:
        assert http.get("/v1/files").status_code == 200
        refused = http.post("/v1/chat/completions", json=HELLO)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "missing_scope")
    with server.http("secrets") as http:
        for path in ("/v1/files", "/v1/fine_tuning/jobs", "/metrics"):
            assert http.get(path).status_code == 403
    with server.http(None) as http:
        refused = http.get("/v1/models")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert http.get("/health").json()["status"] == "ok"
        assert http.get("/ready").status_code == 200
        wrong = http.get("/v1/models", headers=bearer("gt-00000000-wrong"))
        assert wrong.json()["error"]["code"] == "invalid_api_key"


def test_a_rate_is_kept_and_told(server: Served) -> None:
    with Workspace.open(server.folder) as workspace:
        _, secret = workspace.catalog.create_key(["chat"], rate=(2, 86_400))
    with server.http(None) as http:
        for left in ("1", "0"):
            answer = http.get("/v1/models", headers=bearer(secret))
            assert answer.status_code == 200
            assert answer.headers["x-ratelimit-limit-requests"] == "2"
            assert answer.headers["x-ratelimit-remaining-requests"] == left
        over = http.get("/v1/models", headers=bearer(secret))
    assert over.status_code == 429 and int(over.headers["retry-after"]) > 0
    assert over.json()["error"]["code"] == "rate_limit_exceeded"


def test_a_budget_ends(server: Served) -> None:
    with Workspace.open(server.folder) as workspace:
        key, secret = workspace.catalog.create_key(["chat"], budget=(1.0, 86_400))
        with server.http(None) as http:
            assert http.get("/v1/models", headers=bearer(secret)).status_code == 200
            workspace.catalog.add_usage({key.id: Used(cost_usd=1.5)})
            over = http.get("/v1/models", headers=bearer(secret))
    assert (over.status_code, over.json()["error"]["code"]) == (429, "insufficient_quota")


def test_a_revoked_key_ends_within_moments(server: Served) -> None:
    with Workspace.open(server.folder) as workspace, server.http(None) as http:
        key, secret = workspace.catalog.create_key(["chat"])
        assert http.get("/v1/models", headers=bearer(secret)).status_code == 200
        workspace.catalog.revoke_key(key.id)
        end = time.monotonic() + 60
        while http.get("/v1/models", headers=bearer(secret)).status_code == 200:
            assert time.monotonic() < end
            time.sleep(0.1)


def test_a_body_has_an_end_and_pages_from_elsewhere_no_way_in(server: Served) -> None:
    with server.http() as http:
        long = http.post("/v1/chat/completions", content=b"[" + b"1," * 11_000_000)
        assert (long.status_code, long.json()["error"]["code"]) == (413, "request_too_large")
        crossing = http.get("/health", headers={"origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in crossing.headers
        assert crossing.headers["x-content-type-options"] == "nosniff"


def test_a_client_that_goes_away_stops_the_model(server: Served) -> None:
    body = {**HELLO, "max_tokens": 1900, "stream": True, "temperature": 1.5, "n": 4}
    with server.http() as http:
        with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert next(answer.iter_lines()).startswith("data:")
            assert "groundtone_generations 1.0" in http.get("/metrics").text
        end = time.monotonic() + 120
        while "groundtone_generations 0.0" not in http.get("/metrics").text:
            assert time.monotonic() < end, "it goes on writing for nobody"
            time.sleep(0.2)


def test_without_keys_this_machine_alone_is_served_until_the_first_key(tmp_path: Path) -> None:
    Workspace.create(tmp_path).close()
    with served(tmp_path, "--no-worker") as server:
        with httpx.Client(base_url=server.root, timeout=120) as http:
            assert http.get("/v1/models").status_code == 200
            assert http.get("/v1/models", headers=bearer("any")).status_code == 200
            for odd in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
                assert http.get("/v1/models", headers=odd).status_code == 403
            with Workspace.open(tmp_path) as workspace:
                key, secret = workspace.catalog.create_key(["chat"])
                end = time.monotonic() + 60
                while http.get("/v1/models").status_code == 200:
                    assert time.monotonic() < end
                    time.sleep(0.1)
                assert http.get("/v1/models", headers=bearer(secret)).status_code == 200
                workspace.catalog.revoke_key(key.id)
            time.sleep(1.5)
            assert http.get("/v1/models").status_code == 401, "not open again"
        stream = httpx.Client(base_url=server.root, timeout=120)
        with Workspace.open(tmp_path) as workspace:
            secret = workspace.catalog.create_key(["chat"])[1]
        body = {**HELLO, "max_tokens": 24, "stream": True}
        with stream.stream(
            "POST", "/v1/chat/completions", json=body, headers=bearer(secret)
        ) as answer:
            lines = answer.iter_lines()
            next(lines)
            server.process.terminate()
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]", "what is being written may end"
        last = json.loads(rest[-2].removeprefix("data: "))
        assert last["choices"][0]["finish_reason"] in ("stop", "length")
        assert server.process.wait(60) == 0
