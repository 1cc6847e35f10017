from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.index import DIMENSIONS, IndexContract, entry, unit
from tests.servers import chroma_server

from groundtone.errors import GroundtoneError
from groundtone.index import Index, open_index

chromadb = pytest.importorskip("chromadb", reason="the extra `chroma` is not installed")


class TestEmbedded(IndexContract):
    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        return open_index("chroma", path, dimensions)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma")) as url:
        yield url


class TestServer(IndexContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: str) -> None:
        self.url = server

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        name = f"c-{abs(hash(str(path))):x}"
        return open_index("chroma", path, dimensions, url=self.url, collection=name)


def test_the_words_beside_are_brought_up_from_the_collection(tmp_path: Path) -> None:
    index = open_index("chroma", tmp_path, DIMENSIONS)
    index.add([entry(1, "plain text"), entry(2, "other text")])
    index.close()
    for file in tmp_path.glob("words.db*"):
        file.unlink()
    again = open_index("chroma", tmp_path, DIMENSIONS)
    assert [hit.version for hit in again.lexical("plain", 5)] == ["v1"]
    again.close()


def test_records_of_something_else_are_never_mixed_with_ours(tmp_path: Path) -> None:
    quiet = chromadb.config.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(tmp_path / "doc_db"), settings=quiet)
    theirs = client.get_or_create_collection("support-docs", embedding_function=None)
    theirs.add(ids=["a"], embeddings=[unit(1).tolist()], documents=["Reset."])
    with pytest.raises(GroundtoneError, match="index adopt"):
        folder = str(tmp_path / "doc_db")
        open_index("chroma", tmp_path, DIMENSIONS, url=folder, collection="support-docs")
    assert theirs.count() == 1


def test_a_server_that_is_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(GroundtoneError, match=r"127\.0\.0\.1:9"):
        open_index("chroma", tmp_path, DIMENSIONS, url="http://127.0.0.1:9")
