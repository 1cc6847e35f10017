"""A workspace whose catalog is in PostgreSQL, its index too or in a bucket: nothing of it is in its
folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import make_url
from tests.servers import postgres_server
from tests.small_embedder import SmallEmbedder
from tests.standins.s3 import S3, aws_keys

from groundtone.catalog import StoredModel
from groundtone.errors import Busy, WrongUse
from groundtone.index import Entry
from groundtone.syncing import Step, guarding
from groundtone.workspace import Workspace
from groundtone.workspace.backup import backup


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as address:
        yield address


@pytest.fixture
def url(server: str, tmp_path: Path) -> str:
    """An empty database; its address."""
    return database(server, f"kb_{abs(hash(str(tmp_path))):x}")


def database(server: str, name: str) -> str:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def settings(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "WAIT_S", 0.1)
    monkeypatch.setenv("GROUNDTONE_CATALOG__URL", url)
    monkeypatch.setenv("GROUNDTONE_INDEX__URL", url)
    monkeypatch.setenv("GROUNDTONE_INDEX__STORE", "pgvector")


@pytest.fixture(params=["pgvector", "lancedb"])
def shared(
    request: pytest.FixtureRequest, settings: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The index in the same database, or in a bucket."""
    if request.param == "pgvector":
        yield
        return
    bucket = S3(page=1000)
    aws_keys(monkeypatch)
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", bucket.endpoint)
    monkeypatch.setenv("GROUNDTONE_INDEX__STORE", "lancedb")
    monkeypatch.setenv("GROUNDTONE_INDEX__URL", "s3://manuals/kb/")
    yield
    bucket.close()


def opened(folder: Path) -> Workspace:
    workspace = Workspace.create(folder)
    workspace.__dict__["embedder"] = SmallEmbedder()
    return workspace


def test_two_machines_share_documents_models_and_answers(shared: None, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "door.md").write_text("# Doors\n\nThe blue key opens the front door.\n", "utf-8")
    (docs / "nul.txt").write_text("A text with \ta tab.\n", "utf-8")
    with opened(tmp_path / "one") as one, opened(tmp_path / "two") as two:
        assert one.sync(docs, collection="house").added == 2
        [first, *_] = two.search("Which key opens the front door?")
        assert first.document == "door.md"
        assert [c.name for c in two.collections()] == ["default", "house"]
        (docs / "door.md").write_text("# Doors\n\nThe red key opens the front door.\n", "utf-8")
        assert two.sync().updated == 1
        assert "red key" in one.search("Which key opens the front door?")[0].text
        model = StoredModel("ft:b:s:1", "b", "lora", "", "0", {}, {"gate": {"passed": True}}, 1.0)
        one.catalog.put_model(model)
        one.use("s")
        assert two.catalog.active_model() == "ft:b:s:1"
        with one.catalog.exclusive("sync"), pytest.raises(Busy, match="Another process"):
            two.sync()
        shutil.rmtree(one.state / "index", ignore_errors=True)
        assert two.search("front door")
        assert two.delete_collection("house") == 2
        assert one.search("front door") == []


def written(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.md").write_text(f"# {name}\n\nThe {name} is on shelf {len(name)}.\n")
    return folder


def test_two_machines_sync_two_sources_at_once_and_one_source_by_turns(
    shared: None, tmp_path: Path
) -> None:
    tools = written(tmp_path / "tools", "hammer", "saw")
    lamps = written(tmp_path / "lamps", "lantern", "torch")
    done: list[str] = []
    with (
        opened(tmp_path / "one") as one,
        opened(tmp_path / "one") as beside,  # the same folder: a disk that both see
        opened(tmp_path / "two") as two,
    ):

        def meanwhile(step: Step) -> None:
            if done:
                return
            done.append("begun")
            two.indexes.current(SmallEmbedder().dimensions).add([in_flight()])
            assert two.sync(lamps).added == 2
            assert beside.sync(lamps).unchanged == 2
            for other in (two, beside):
                with pytest.raises(Busy, match=r"syncing \S*tools.*other sources"):
                    other.sync(tools)
                with pytest.raises(Busy, match=r"syncing \S*tools"):
                    other.sync()
                with pytest.raises(Busy, match=r"syncing \S*tools"):
                    other.sync(tmp_path)  # which would take both sources in
                for whole in (lambda: other.sync(rebuild=True), lambda: other.forget(lamps)):  # noqa: B023
                    with pytest.raises(Busy, match="syncing this workspace"):
                        whole()
            assert "in-flight" in index_of(two)  # nobody sweeps what another may be storing

        assert one.sync(tools, progress=meanwhile).added == 2
        assert done
        assert {source.path for source in two.catalog.sources()} == {str(tools), str(lamps)}
        assert index_of(two) == two.catalog.versions()
        for name in ("saw", "lantern"):
            assert two.search(f"Where is the {name}?")[0].document == f"{name}.md"
        assert one.sync().unchanged == beside.sync().unchanged == 4
        assert two.sync(rebuild=True).added == 0
        assert two.forget(lamps) == {str(lamps): 2}


def in_flight() -> Entry:
    """A window as another process stores it before the catalog knows its document."""
    return Entry("in-flight:0:0", "in-flight", 0, 0, "text", np.ones(24, np.float32) / 24**0.5)


def index_of(workspace: Workspace) -> set[str]:
    return workspace.indexes.current(SmallEmbedder().dimensions).versions()


def test_a_dump_of_the_database_and_the_folder_are_the_workspace(
    settings: None, server: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pgserver = pytest.importorskip("pgserver")
    programs = Path(pgserver.__file__).parent / "pginstall" / "bin"
    tools = written(tmp_path / "tools", "hammer", "saw")
    with opened(tmp_path / "kb") as workspace:
        workspace.sync(tools)
        model = StoredModel("ft:b:s:1", "b", "lora", "runs/1/a.gguf", "0", {}, {}, 1.0)
        workspace.catalog.put_model(model)
        (workspace.state / "runs/1").mkdir(parents=True)
        (workspace.state / "runs/1/a.gguf").write_bytes(b"adapter")
        found = [(p.document, p.text, p.score) for p in workspace.search("Where is the saw?")]
        with pytest.raises(WrongUse, match="pg_dump"):
            backup(workspace, tmp_path / "kb.backup")
    dump = tmp_path / "kb.dump"
    subprocess.run([programs / "pg_dump", "-Fc", "-f", dump, url], check=True)
    shutil.copytree(tmp_path / "kb", tmp_path / "copy")
    again = database(server, f"again_{abs(hash(str(tmp_path))):x}")
    subprocess.run([programs / "pg_restore", "-d", again, dump], check=True)
    monkeypatch.setenv("GROUNDTONE_CATALOG__URL", again)
    monkeypatch.setenv("GROUNDTONE_INDEX__URL", again)
    with opened(tmp_path / "copy") as workspace:
        assert [(p.document, p.text, p.score) for p in workspace.search("Where is the saw?")] == (
            found
        )
        [kept] = workspace.catalog.list_models()
        assert (workspace.state / kept.path).read_bytes() == b"adapter"
        assert workspace.sync().unchanged == 2
