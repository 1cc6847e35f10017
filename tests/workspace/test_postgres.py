"""A workspace whose catalog and index are in one PostgreSQL: nothing of it is in its folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import postgres_server
from tests.small_embedder import SmallEmbedder

from groundtone.catalog import StoredModel
from groundtone.errors import Busy
from groundtone.workspace import Workspace


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server() as address:
        yield address


@pytest.fixture
def settings(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDTONE_CATALOG__URL", url)
    monkeypatch.setenv("GROUNDTONE_INDEX__URL", url)
    monkeypatch.setenv("GROUNDTONE_INDEX__STORE", "pgvector")


def opened(folder: Path) -> Workspace:
    workspace = Workspace.create(folder)
    workspace.__dict__["embedder"] = SmallEmbedder()
    return workspace


def test_two_machines_share_documents_models_and_answers(settings: None, tmp_path: Path) -> None:
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
