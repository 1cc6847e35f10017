"""Weaviate's real client against a stand-in of its server, and against a server if told."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.index import DIMENSIONS, IndexContract, entry, unit

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import Index, drop_index, open_index

pytest.importorskip("weaviate", reason="the extra `weaviate` is not installed")
from tests.standins.weaviate import Collections, weaviate_standin

KEY = "key-of-the-stand-in"
SERVER = os.environ.get("GROUNDTONE_TEST_WEAVIATE_URL", "")


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[str, Collections]]:
    with weaviate_standin(KEY) as server:
        yield server


@pytest.fixture
def url(standin: tuple[str, Collections], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WEAVIATE_API_KEY", KEY)
    return standin[0]


def name_for(path: Path) -> str:
    return "t" + hashlib.sha256(str(path).encode()).hexdigest()[:12]


class TestStandIn(IndexContract):
    @pytest.fixture(autouse=True)
    def _url(self, url: str) -> None:
        self.url = url

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("weaviate", path, dimensions, url=self.url, collection=name_for(path))


@pytest.mark.skipif(not SERVER, reason="GROUNDTONE_TEST_WEAVIATE_URL is not set")
class TestServer(IndexContract):
    @pytest.fixture(autouse=True)
    def _swept(self, tmp_path: Path) -> Iterator[None]:
        yield
        drop_index("weaviate", SERVER, name_for(tmp_path / "index"))

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("weaviate", path, dimensions, url=SERVER, collection=name_for(path))


def test_a_busy_server_is_asked_again(
    url: str, standin: tuple[str, Collections], tmp_path: Path
) -> None:
    index = open_index("weaviate", tmp_path, DIMENSIONS, url=url, collection="busy")
    standin[1].failing = 1
    index.add([entry(1)])
    assert index.count() == 1
    index.close()


def test_hits_by_words_bring_words_and_cosine(url: str, tmp_path: Path) -> None:
    index = open_index("weaviate", tmp_path, DIMENSIONS, url=url, collection="words")
    index.add([entry(1, "Resetting passwords")])
    [hit] = index.lexical("password", 5, near=unit(2))
    assert hit.words == "reset password"
    assert hit.cosine == pytest.approx(float(unit(1) @ unit(2)), abs=1e-5)
    index.close()


def test_a_dropped_index_is_gone_and_dropping_nothing_is_fine(url: str, tmp_path: Path) -> None:
    index = open_index("weaviate", tmp_path, DIMENSIONS, url=url, collection="gone-2")
    index.add([entry(1)])
    index.close()
    drop_index("weaviate", url, "gone-2")
    drop_index("weaviate", url, "gone-2")
    again = open_index("weaviate", tmp_path, DIMENSIONS, url=url, collection="gone-2")
    assert again.count() == 0
    again.close()


def test_what_cannot_be_reached_or_named_is_said(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong, said in (("", "address"), ("localhost", "no address"), ("http://h?grpc=x", "no")):
        with pytest.raises(WrongUse, match=said):
            open_index("weaviate", tmp_path, DIMENSIONS, url=wrong)
    with pytest.raises(WrongUse, match="2 docs"):
        open_index("weaviate", tmp_path, DIMENSIONS, url=url, collection="2 docs")
    with pytest.raises(GroundtoneError, match=r"127\.0\.0\.1:9"):
        open_index("weaviate", tmp_path, DIMENSIONS, url="http://127.0.0.1:9")
    monkeypatch.setenv("WEAVIATE_API_KEY", "another")
    with pytest.raises(GroundtoneError, match="failed") as caught:
        open_index("weaviate", tmp_path, DIMENSIONS, url=url)
    assert "another" not in str(caught.value)
