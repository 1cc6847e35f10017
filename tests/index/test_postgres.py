from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contracts.index import DIMENSIONS, ManyContract, entry, unit
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


def test_hits_tell_their_words_also_where_an_earlier_version_made_the_table(
    server: str, tmp_path: Path
) -> None:
    import psycopg

    before = open_index("pgvector", tmp_path, DIMENSIONS, url=server, collection="grown")
    before.add([entry(1, "Resetting passwords")])
    before.close()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER TABLE grown DROP COLUMN stems")
    index = open_index("pgvector", tmp_path, DIMENSIONS, url=server, collection="grown")
    index.add([entry(2, "Passwords of two-factor tokens")])
    told = {"v1": None, "v2": "password of two factor token\ntwofactor"}
    assert {hit.version: hit.words for hit in index.lexical("password", 5)} == told
    assert {hit.version: hit.words for hit in index.dense(unit(1), 5)} == told
    index.close()
