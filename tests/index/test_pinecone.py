"""Pinecone's real client against a stand-in of its service, and against the service if told."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.index import DIMENSIONS, IndexContract, entry, unit
from tests.standins.pinecone import Records, pinecone_standin

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import Entry, Index, drop_index, open_index

pytest.importorskip("pinecone", reason="the extra `pinecone` is not installed")
KEY = "key-of-the-stand-in"
SERVICE = os.environ.get("GROUNDTONE_TEST_PINECONE_URL", "")


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[str, Records]]:
    with pinecone_standin(DIMENSIONS, KEY) as server:
        yield server


@pytest.fixture
def url(standin: tuple[str, Records], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PINECONE_API_KEY", KEY)
    return standin[0]


def name_for(path: Path) -> str:
    return "t" + hashlib.sha256(str(path).encode()).hexdigest()[:12]


class TestStandIn(IndexContract):
    @pytest.fixture(autouse=True)
    def _url(self, url: str) -> None:
        self.url = url

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("pinecone", path, dimensions, url=self.url, collection=name_for(path))


@pytest.mark.skipif(not SERVICE, reason="GROUNDTONE_TEST_PINECONE_URL is not set")
class TestService(IndexContract):
    """The index there must have 16 dimensions and the metric cosine."""

    @pytest.fixture(autouse=True)
    def _swept(self, tmp_path: Path) -> Iterator[None]:
        yield
        drop_index("pinecone", SERVICE, name_for(tmp_path / "index"))

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("pinecone", path, dimensions, url=SERVICE, collection=name_for(path))


def test_a_sync_s_windows_are_known_by_their_ids(url: str, tmp_path: Path) -> None:
    index = open_index("pinecone", tmp_path, DIMENSIONS, url=url, collection="ours")
    index.add([Entry("abc:000002:000001", "abc", 2, 1, "plain text", unit(1))])
    hit = index.dense(unit(1), 1)[0]
    assert (hit.version, hit.chunk, hit.window) == ("abc", 2, 1)
    assert index.versions() == {"abc"}
    index.close()


def test_the_words_beside_are_brought_up(url: str, tmp_path: Path) -> None:
    first = open_index("pinecone", tmp_path / "a", DIMENSIONS, url=url, collection="words")
    first.add([entry(n, f"plain text {n}") for n in range(250)])
    elsewhere = open_index("pinecone", tmp_path / "b", DIMENSIONS, url=url, collection="words")
    assert [hit.version for hit in elsewhere.lexical("171", 5)] == ["v171"]
    first.close()
    elsewhere.close()


def test_a_long_text_is_cut_to_what_pinecone_takes(url: str, tmp_path: Path) -> None:
    index = open_index("pinecone", tmp_path, DIMENSIONS, url=url, collection="long")
    index.add([entry(1, "größer " * 20_000)])
    assert index.count() == 1
    index.close()


def test_a_busy_service_is_asked_again(
    url: str, standin: tuple[str, Records], tmp_path: Path
) -> None:
    index = open_index("pinecone", tmp_path, DIMENSIONS, url=url, collection="busy")
    standin[1].failing = 2
    index.add([entry(1)])
    assert index.count() == 1
    index.close()


def test_a_dropped_index_is_gone_and_dropping_nothing_is_fine(url: str, tmp_path: Path) -> None:
    index = open_index("pinecone", tmp_path, DIMENSIONS, url=url, collection="gone")
    index.add([entry(1)])
    drop_index("pinecone", url, "gone")
    drop_index("pinecone", url, "gone")
    assert index.count() == 0 and index.dense(np.asarray(unit(1)), 1) == []
    index.close()


def test_without_key_or_host_it_says_what_to_set(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WrongUse, match="host"):
        open_index("pinecone", tmp_path, DIMENSIONS)
    monkeypatch.delenv("PINECONE_API_KEY")
    with pytest.raises(WrongUse, match="PINECONE_API_KEY"):
        open_index("pinecone", tmp_path, DIMENSIONS, url=url)
    monkeypatch.setenv("PINECONE_API_KEY", "another")
    with pytest.raises(GroundtoneError, match="failed") as caught:
        open_index("pinecone", tmp_path, DIMENSIONS, url=url)
    assert "another" not in str(caught.value)
