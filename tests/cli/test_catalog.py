"""A catalog that moves from its file into PostgreSQL: whole, or not at all."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url
from tests.servers import postgres_server

from groundtone.catalog import Catalog, StoredAnswer, StoredModel
from groundtone.catalog import copying as copying_module
from groundtone.workspace import Workspace

pytest.importorskip("psycopg", reason="the extra `pgvector` is not installed")
QUESTION = "How do I reset my password?"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database; its address."""
    name = f"test_{abs(hash(request.node.nodeid)):x}"
    engine = create_engine(
        make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def kb(manual: Path, tmp_path: Path) -> Path:
    """A workspace that knows something of every kind."""
    folder = tmp_path / "kb"
    shutil.copytree(manual, folder)
    with Workspace.open(folder) as workspace:
        catalog = workspace.catalog
        for name in ("ft:b:one:1", "ft:b:two:2"):
            catalog.put_model(StoredModel(name, "b", "lora", "", "0", {"a": [1.5]}, {}, 1.0))
            catalog.activate(name, "better")
        answer = StoredAnswer("a-1", "What is \0 here?", "base", {"text": "nul \0", "n": None})
        catalog.put_answer(answer)
        catalog.rate("a-1", "good", "right")
        catalog.remember("note", "kept")
        workspace.create_collection("empty", {"about": "nothing"})
        catalog.create_key(["chat"], name="desk", groups=["support"])
    return folder


def everything(catalog: Catalog) -> dict[str, Any]:
    return {
        "documents": [catalog.stored(one.version) for one in catalog.documents()],
        "sources": catalog.sources(),
        "collections": catalog.collections(),
        "facts": catalog.facts(),
        "models": catalog.list_models(),
        "history": catalog.activation_history(),
        "answers": [
            (one.id, one.question.replace("\0", "\u2400"), one.answer, one.rating, one.note)
            for one in catalog.list_answers()
        ],
        "keys": catalog.list_keys(),
        "counts": catalog.counts(),
    }


def test_all_of_it_is_there_afterwards_and_nothing_is_read_again(
    call: Any, kb: Path, database: str
) -> None:
    with Workspace.open(kb) as workspace:
        before = everything(workspace.catalog)
        found = [(p.document, p.start) for p in workspace.search(QUESTION)]
    result = call("catalog", "move", "--to", database, "-w", kb, "--json")
    assert result.code == 0, result.err
    assert result.json["documents"] == len(before["documents"]) > 0
    assert tomllib.loads((kb / "groundtone.toml").read_text())["catalog"] == {"url": database}
    assert (kb / ".groundtone" / "catalog.db").exists()
    with Workspace.open(kb) as workspace:
        assert workspace.catalog.served
        assert everything(workspace.catalog) == before
        assert [(p.document, p.start) for p in workspace.search(QUESTION)] == found
        report = workspace.sync()
        assert (report.unchanged, report.added, report.embedded) == (len(before["documents"]), 0, 0)
        workspace.catalog.activate("ft:b:one:1", "again")  # numbers go on behind the last
        assert workspace.catalog.active_model() == "ft:b:one:1"
        assert workspace.rollback() == "ft:b:two:2"
    again = call("catalog", "move", "--to", database, "-w", kb)
    assert again.code == 2 and "already" in again.err


def test_one_that_was_killed_before_the_settings_were_written_goes_on(
    call: Any, kb: Path, database: str
) -> None:
    toml = (kb / "groundtone.toml").read_text()
    assert call("catalog", "move", "--to", database, "-w", kb).code == 0
    (kb / "groundtone.toml").write_text(toml)
    assert call("catalog", "move", "--to", database, "-w", kb).code == 0
    assert database in (kb / "groundtone.toml").read_text()
    (kb / "groundtone.toml").write_text(toml)
    with Workspace.open(kb) as workspace:
        workspace.catalog.remember("note", "other")
    result = call("catalog", "move", "--to", database, "-w", kb)
    assert result.code == 3 and "another catalog" in result.err
    assert (kb / "groundtone.toml").read_text() == toml


def test_what_does_not_arrive_as_it_was_sent_is_not_kept(
    call: Any, kb: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = (kb / "groundtone.toml").read_text()
    plain = copying_module._plain
    calls: list[str] = []

    def losing(row: Any) -> dict[str, Any]:
        calls.append("")
        return {**plain(row), "text": "lost"} if "text" in row and len(calls) % 2 else plain(row)

    monkeypatch.setattr(copying_module, "_plain", losing)
    result = call("catalog", "move", "--to", database, "-w", kb)
    assert result.code == 3 and "did not arrive" in result.err
    monkeypatch.undo()
    assert (kb / "groundtone.toml").read_text() == toml
    empty = Catalog(database)
    assert empty.sources() == [] and empty.counts()[0] == 0
    empty.close()
    assert call("catalog", "move", "--to", database, "-w", kb).code == 0


def test_what_cannot_be_moved_is_refused(
    call: Any, kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, code, word in (
        ("postgresql://me:secret@host/db", 2, "PGPASSWORD"),
        ("mysql://host/db", 2, "PostgreSQL only"),
        ("postgresql://me@127.0.0.1:9/db", 3, "127.0.0.1"),
    ):
        result = call("catalog", "move", "--to", url, "-w", kb)
        assert result.code == code and word in result.err and "secret" not in result.err
    monkeypatch.setenv("GROUNDTONE_CATALOG__URL", "")
    result = call("catalog", "move", "--to", "postgresql://me@host/db", "-w", kb)
    assert result.code == 2 and "GROUNDTONE_CATALOG__URL" in result.err
