"""What a key may not see takes no longer, and no other way, than what does not exist.

Times would have to be compared over thousands of requests; so the work is compared: every statement
that the database is given, and how many rows each would read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from starlette.testclient import TestClient

from groundtone import Workspace
from groundtone.catalog import StoredDocument, StoredFile, StoredJob, StoredModel
from groundtone.server import auth, quotas
from groundtone.server.app import create_app

ABSENT = "nothing"
ABSENT_OF = {
    "store": f"vs_{ABSENT}",
    "model": f"docs:{ABSENT}",
    "job_id": f"ftjob-{ABSENT}",
    "file_id": f"file-{ABSENT}",
}


@contextmanager
def statements() -> Iterator[list[tuple[str, int]]]:
    """The statements of all databases while it is entered, each with the rows that it finds."""
    told: list[tuple[str, int]] = []
    counting = False

    def executed(connection: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
        nonlocal counting
        if counting:
            return
        rows = 0
        if text.lstrip().upper().startswith("SELECT"):
            counting = True
            rows = len(connection.exec_driver_sql(text, parameters).fetchall())
            counting = False
        told.append((text, rows))

    event.listen(Engine, "after_cursor_execute", executed)
    try:
        yield told
    finally:
        event.remove(Engine, "after_cursor_execute", executed)


@pytest.fixture(scope="module", autouse=True)
def nothing_beside() -> Iterator[None]:
    """Keys stay remembered, and what was used is written at the end: neither is a request's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth, "KNOWN_S", 3600)
        patch.setattr(quotas, "FLUSH_S", 3600)
        yield


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """A client with a key for collection `mine`, and what exists beside that is not its own."""
    folder = tmp_path_factory.mktemp("hidden") / "kb"
    with Workspace.create(folder) as workspace:
        catalog = workspace.catalog
        for name in ("mine", "theirs"):
            workspace.create_collection(name)
            catalog.add_source(str(folder / name), name)
        other, _ = catalog.create_key(["files", "tune"], collections=["theirs"])
        _, secret = catalog.create_key(["chat", "files", "tune"], collections=["mine"])
        file = StoredFile("file-theirs", "a.jsonl", 3, "fine-tune", "", owner=other.id)
        catalog.put_file(file)
        catalog.put_job(StoredJob("ftjob-theirs", "tune", "tune", {}, owner=other.id))
        with TestClient(create_app(workspace, pages=False)) as client:
            client.headers["authorization"] = f"Bearer {secret}"
            assert client.get("/v1/vector_stores/vs_mine").status_code == 200
            yield (
                client,
                {
                    "store": "vs_theirs",
                    "model": "docs:theirs",
                    "job_id": "ftjob-theirs",
                    "file_id": "file-theirs",
                },
            )


def work(client: TestClient, method: str, path: str, body: Any) -> tuple[int, str, Any]:
    with statements() as told:
        answer = client.request(method, path, json=body)
    return answer.status_code, answer.text, told


def same(client: TestClient, method: str, path: str, body: Any, theirs: str, absent: str) -> None:
    def told(id: str) -> tuple[int, str, Any]:
        named = {key: filled(value, id) for key, value in body.items()} if body else None
        status, text, kept = work(client, method, path.format(id), named)
        return status, text.replace(id, ""), kept

    forbidden, missing = told(theirs), told(absent)
    assert forbidden == missing, (method, path)
    assert forbidden[0] in (400, 403, 404), (method, path, forbidden)


def filled(value: Any, id: str) -> Any:
    if isinstance(value, list):
        return [filled(one, id) for one in value]
    if isinstance(value, dict):
        return {key: filled(one, id) for key, one in value.items()}
    return value.replace("{}", id) if isinstance(value, str) else value


def test_every_place_in_a_path(asked: tuple[TestClient, dict[str, str]]) -> None:
    client, theirs = asked
    body = {"query": "x", "file_id": "file-x", "file_ids": ["file-x"], "name": "x"}
    body |= {"attributes": {}}
    tried = 0
    for path, ways in client.get("/openapi.json").json()["paths"].items():
        for name in re.findall(r"{(\w+)}", path):
            if name not in theirs or ("{store}" in path and name != "store"):
                continue
            pattern = path.replace(f"{{{name}}}", "{}")
            pattern = re.sub(r"{\w+}", "unknown", pattern)
            for method in ways:
                given = body if method == "post" else None
                same(client, method, pattern, given, theirs[name], ABSENT_OF[name])
                tried += 1
    assert tried > 20


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (
            "/v1/chat/completions",
            {"model": "{}", "messages": [{"role": "user", "content": "x"}]},
            "model",
        ),
        ("/v1/responses", {"model": "{}", "input": "x"}, "model"),
        (
            "/v1/responses",
            {
                "model": "docs:mine",
                "input": "x",
                "tools": [{"type": "file_search", "vector_store_ids": ["{}"]}],
            },
            "store",
        ),
        ("/v1/fine_tuning/jobs", {"model": "base", "training_file": "{}"}, "file_id"),
        ("/v1/vector_stores/vs_mine/files", {"file_id": "{}"}, "file_id"),
        ("/v1/vector_stores/vs_mine/file_batches", {"file_ids": ["{}"]}, "file_id"),
        ("/v1/vector_stores", {"name": "x", "file_ids": ["{}"]}, "file_id"),
    ],
)
def test_every_name_in_a_body(
    asked: tuple[TestClient, dict[str, str]], path: str, body: dict[str, Any], kind: str
) -> None:
    client, theirs = asked
    same(client, "post", path, body, theirs[kind], ABSENT_OF[kind])


def test_a_file_of_another_group_is_looked_for_like_one_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    with Workspace.create(folder) as workspace:
        catalog = workspace.catalog
        source = catalog.add_source(str(folder / "docs"))
        for name, groups in (("open.md", {}), ("pay.md", {"groups": ["hr"]})):
            catalog.replace_documents(
                [
                    StoredDocument(
                        name, source.id, name, 3, 1, "", name, "text/markdown", "Hey", (),
                        metadata=groups,
                    )
                ]
            )  # fmt: skip
        _, secret = catalog.create_key(["chat", "files"], groups=[])
        with TestClient(create_app(workspace, pages=False)) as client:
            client.headers["authorization"] = f"Bearer {secret}"
            seen = client.get("/v1/vector_stores/vs_default/files").json()["data"]
            assert [one["id"] for one in seen] == ["file-open.md"]
            for method, path in (
                ("get", "/v1/vector_stores/vs_default/files/{}"),
                ("get", "/v1/vector_stores/vs_default/files/{}/content"),
                ("delete", "/v1/vector_stores/vs_default/files/{}"),
            ):
                same(client, method, path, None, "file-pay.md", "file-nothing")


def test_what_another_limited_key_has_tuned_does_not_exist(tmp_path: Path) -> None:
    name = "ft:smollm2-135m-instruct:local:theirs:1"
    with Workspace.create(tmp_path / "kb") as workspace:
        catalog = workspace.catalog
        other, secret = catalog.create_key(["chat"], collections=["theirs"])
        _, mine = catalog.create_key(["chat"], collections=["mine"])
        _, admin = catalog.create_key(["admin"])
        for number, owner in ((1, other.id), (2, None)):
            model = f"{name[:-1]}{number}"
            catalog.put_model(
                StoredModel(model, "smollm2-135m-instruct", "lora", f"runs/{number}/a.gguf", "")
            )
            progress = {"model": model}
            catalog.put_job(
                StoredJob(
                    f"ftjob-{number}", "tune", "tune", {}, "succeeded", owner, progress=progress
                )
            )
        with TestClient(create_app(workspace, pages=False)) as client:

            def seen(key: str) -> tuple[bool, bool, int]:
                client.headers["authorization"] = f"Bearer {key}"
                names = [one["id"] for one in client.get("/v1/models").json()["data"]]
                status = client.get(f"/v1/models/{name}").status_code
                return name in names, f"{name[:-1]}2" in names, status

            assert seen(mine) == (False, True, 404)
            assert seen(secret) == seen(admin) == (True, True, 200)
            client.headers["authorization"] = f"Bearer {mine}"
            body = {"model": name, "messages": [{"role": "user", "content": "x"}]}
            assert client.post("/v1/chat/completions", json=body).status_code == 404
