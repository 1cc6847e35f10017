"""A key sees its collections and groups, and nothing tells it of others, through any endpoint."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.server.serving import Served

# Words of documents, names and ids that a key of another collection, or no group, must not meet.
SECRETS = ("zephyrine", "tromsø", "quillfeather", "secrets", "launch.md", "pay.md", "launch plan")
ASK = "When is the start of the new product, and how large is the rise for employees?"
BASE = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def ids(server: Served) -> dict[str, str]:
    """What exists in the other collection, as somebody learns who may."""
    with server.http() as http:
        found = http.get("/v1/vector_stores/vs_secrets/files").json()["data"]
        kept = http.post(
            "/v1/files",
            files={"file": ("launch.md", b"Zephyrine")},
            data={"purpose": "assistants"},
        ).json()
    assert len(found) == 2
    return {"store": "vs_secrets", "file_id": found[0]["id"], "upload": kept["id"]}


def operations(server: Served) -> list[tuple[str, str]]:
    with server.http(None) as http:
        paths = http.get("/openapi.json").json()["paths"]
    return [(method, path) for path, ways in paths.items() for method in ways]


def told(answer: httpx.Response, sent: str = "") -> str:
    """What an answer tells beside what was sent: body and headers."""
    text = answer.text + str(dict(answer.headers))
    return text.replace(sent, "") if sent else text


def test_no_endpoint_tells_of_another_collection(server: Served, ids: dict[str, str]) -> None:
    bodies = {
        "/v1/chat/completions": {"model": "docs", "messages": [{"role": "user", "content": ASK}]},
        "/v1/completions": {"model": BASE, "prompt": "x", "max_tokens": 1},
        "/v1/embeddings": {"model": "all-minilm-l6-v2", "input": ASK},
        "/v1/responses": {
            "model": "docs",
            "input": ASK,
            "include": ["file_search_call.results"],
        },
    }
    tried = 0
    with server.http("guides") as http:
        for method, path in operations(server):
            named = path.replace("{model}", "docs:secrets").replace("{store}", "vs_secrets")
            named = named.replace("/files/{file_id}", f"/files/{ids['file_id']}")
            if path.startswith("/v1/files/"):
                named = path.replace("{file_id}", ids["upload"])
            named = re.sub(r"\{\w+\}", "unknown", named)
            body = bodies.get(path)
            if body is None and method == "post":
                body = {"query": ASK, "file_id": ids["upload"], "name": "x", "attributes": {}}
                body |= {"file_ids": [ids["upload"]], "model": "docs:secrets"}
            answer = http.request(method, named, json=body if method == "post" else None)
            assert answer.status_code < 500, (method, path, answer.text)
            text = told(answer)
            for known in ("docs:secrets", "vs_secrets", *ids.values()):
                text = text.replace(known, "")  # what was asked for may be named again
            for secret in SECRETS:
                assert secret not in text.casefold(), (method, path)
            if "{store}" in path:
                assert answer.status_code in (403, 404), (method, path)
            tried += 1
    assert tried > 30


def test_what_is_not_allowed_looks_like_what_does_not_exist(server: Served) -> None:
    with server.http("guides") as http:
        for path, what in (
            ("/v1/models/docs:{}", None),
            ("/v1/vector_stores/vs_{}", None),
            ("/v1/vector_stores/vs_{}/search", {"query": "x"}),
            ("/v1/responses", {"input": "x"}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
        ):
            answers = []
            for name in ("secrets", "nothing"):
                url = path.format(name)
                if what is None:
                    answer = http.get(url)
                else:
                    answer = http.post(url, json={"model": f"docs:{name}", **what})
                answers.append((answer.status_code, answer.text.replace(name, "")))
            assert answers[0] == answers[1]
            assert answers[0][0] == 404


def test_groups_are_kept_in_every_answer_and_count(server: Served) -> None:
    def seen(key: str) -> tuple[int, str]:
        with server.http(key) as http:
            store = http.get("/v1/vector_stores/vs_secrets").json()
            files = http.get("/v1/vector_stores/vs_secrets/files").json()["data"]
            texts = [
                http.get(f"/v1/vector_stores/vs_secrets/files/{file['id']}/content").text
                for file in files
            ]
            search = {"query": "pay rise of employees"}
            texts.append(http.post("/v1/vector_stores/vs_secrets/search", json=search).text)
            body = {"model": "docs:secrets", "input": "How large is the pay rise?"}
            body["include"] = ["file_search_call.results"]
            texts.append(http.post("/v1/responses", json=body).text)
            assert store["file_counts"]["total"] == len(files)
            return len(files), "".join(texts)

    count, text = seen("hr")
    assert count == 2 and "Quillfeather" in text and "Zephyrine" in text
    count, text = seen("secrets")
    assert count == 1 and "Zephyrine" in text
    assert "Quillfeather" not in text and "pay.md" not in text and "7 percent" not in text


def test_an_attribute_filter_tells_nothing_of_what_is_not_seen(server: Served) -> None:
    body = {"query": "pay", "filters": {"type": "eq", "key": "team", "value": "people"}}
    with server.http("hr") as http:
        found = http.post("/v1/vector_stores/vs_secrets/search", json=body).json()["data"]
    assert [one["filename"] for one in found] == ["pay.md"]
    with server.http("secrets") as http:
        assert http.post("/v1/vector_stores/vs_secrets/search", json=body).json()["data"] == []


def test_no_key_and_no_question_is_logged(server: Served) -> None:
    log = (server.folder / "server.log").read_text()
    assert '"key": "key-' in log
    for secret in server.keys.values():
        # The identifier before the second hyphen may be logged; what follows may hold hyphens.
        assert secret not in log and secret.split("-", 2)[2] not in log
    assert "pay rise" not in log and "Zephyrine" not in log
