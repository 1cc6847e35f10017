"""Two servers on one PostgreSQL catalog and one server store behave as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.server.serving import served
from tests.server.stubbed import until
from tests.servers import postgres_server

from groundtone import Workspace


@pytest.mark.slow
def test_two_servers_are_one(tmp_path: Path, minilm: object) -> None:
    with postgres_server() as url:
        (tmp_path / "groundtone.toml").write_text(
            f'[catalog]\nurl = "{url}"\n[index]\nstore = "pgvector"\nurl = "{url}"\n'
        )
        with Workspace.open(tmp_path) as workspace:
            _, admin = workspace.catalog.create_key(["admin"])
            rated, secret = workspace.catalog.create_key(["chat"], rate=(3, 86_400))
        with served(tmp_path) as one, served(tmp_path, "--no-worker") as other:
            one.keys = other.keys = {"admin": admin, "rated": secret}
            client = one.client()
            store = client.vector_stores.create(name="Shared")
            file = client.files.create(
                file=("tide.md", b"# Tide\n\nThe tide turns at noon."), purpose="assistants"
            )
            client.vector_stores.files.create(store.id, file_id=file.id)

            there = other.client()
            until(lambda: there.vector_stores.retrieve(store.id).file_counts.completed == 1, 120)
            found = there.vector_stores.search(store.id, query="When does the tide turn?")
            assert [result.file_id for result in found.data] == [file.id]

            statuses = []
            for server in (one, other, one, other):
                with server.http("rated") as http:
                    statuses.append(http.get("/v1/models").status_code)
            assert statuses == [200, 200, 200, 429], "a rate counts what is asked of either"
            with Workspace.open(tmp_path) as workspace:
                workspace.catalog.revoke_key(rated.id)
            for server in (one, other):
                with server.http("rated") as http:
                    until(lambda http=http: http.get("/v1/models").status_code == 401)
