from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.index import DIMENSIONS, ManyContract
from tests.servers import postgres_server

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import Index, open_index

pytest.importorskip("psycopg", reason="the extra `pgvector` is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


class TestPostgres(ManyContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: str) -> None:
        self.url = server

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        name = "t" + hashlib.sha256(str(path).encode()).hexdigest()[:12]
        return open_index("pgvector", path, dimensions, url=self.url, collection=name)


def test_without_an_address_it_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="url"):
        open_index("pgvector", tmp_path, DIMENSIONS)


def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://me:secret@127.0.0.1:9/db"
    with pytest.raises(GroundtoneError, match=r"127\.0\.0\.1") as caught:
        open_index("pgvector", tmp_path, DIMENSIONS, url=url)
    assert "secret" not in str(caught.value)
