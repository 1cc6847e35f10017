"""Which index is current, what a rebuild leaves, and what was moved elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.contracts.index import DIMENSIONS, entry
from tests.standins.pinecone import pinecone_standin

from groundtone.index.generations import Indexes

pytest.importorskip("pinecone", reason="the extra `pinecone` is not installed")


class Facts:
    current: str | None = None


def test_a_rebuild_takes_its_place_and_the_old_one_is_swept(tmp_path: Path) -> None:
    facts = Facts()
    indexes = Indexes(tmp_path, "lancedb", lambda: facts.current)
    indexes.current(DIMENSIONS).add([entry(1)])
    name, beside = indexes.beside(DIMENSIONS)
    beside.add([entry(2)])
    indexes.sweep()
    assert not (tmp_path / f"lancedb-{name}").exists(), "not current yet"
    name, beside = indexes.beside(DIMENSIONS)
    beside.add([entry(2)])
    facts.current = name
    assert indexes.current(DIMENSIONS).versions() == {"v2"}
    indexes.sweep()
    assert [path.name for path in tmp_path.iterdir()] == [f"lancedb-{name}"]
    indexes.close()


def test_collections_of_a_server_are_kept_apart_and_swept_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINECONE_API_KEY", "key")
    facts = Facts()
    with pinecone_standin(DIMENSIONS, "key") as (url, records):
        one = Indexes(tmp_path, "pinecone", lambda: facts.current, url=url, collection="one")
        two = Indexes(tmp_path, "pinecone", lambda: facts.current, url=url, collection="two")
        one.current(DIMENSIONS).add([entry(1)])
        two.current(DIMENSIONS).add([entry(2)])
        assert one.path != two.path
        one.beside(DIMENSIONS)[1].add([entry(3)])
        two.sweep()
        assert records.spaces.keys() == {"one", "one-2", "two"}, "not its own"
        one.sweep()
        assert records.spaces.keys() == {"one", "two"}
        one.leave()
        assert one.left and not two.left
        two.sweep()
        assert records.spaces.keys() == {"two"} and not one.path.exists()
        two.leave()
        two.close()
    local = Indexes(tmp_path, "lancedb", lambda: facts.current)
    local.current(DIMENSIONS)
    monkeypatch.delenv("PINECONE_API_KEY")
    local.sweep()  # the server is away: its folder goes all the same
    assert [path.name for path in tmp_path.iterdir()] == ["lancedb-1"]
    local.close()
