"""Catalogs on a server: reached, shared, and their troubles named."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from groundtone.catalog import Catalog, connecting
from groundtone.errors import GroundtoneError, SettingsError


def test_several_openers_make_one_catalog(database: str) -> None:
    first, second = Catalog(database), Catalog(database)
    first.add_source("docs", "handbook")
    assert second.sources() == first.sources()
    first.close()
    second.close()


def test_a_text_that_postgresql_cannot_hold_keeps_its_places(where: str | Path) -> None:
    from tests.catalog.test_documents import document

    catalog = Catalog(where)
    catalog.add_source("docs")
    catalog.replace_documents([document("v1", text="a\0bc")])
    text = catalog.text("v1")
    assert len(text) == 4 and text[0] + text[2:] == "abc"
    catalog.close()


def test_a_lock_is_had_by_one(database: str) -> None:
    first, second = Catalog(database), Catalog(database)
    with first.exclusive("sync") as held, second.exclusive("sync") as also:
        assert (held, also) == (True, False)
        with second.exclusive("other") as other:
            assert other
    with second.exclusive("sync") as held:
        assert held
    first.close()
    second.close()


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(GroundtoneError, match="does not answer") as raised:
        Catalog("postgresql://somebody:secret@127.0.0.1:1/kb")
    assert "secret" not in str(raised.value) and "127.0.0.1:1/kb" in str(raised.value)


@pytest.mark.parametrize("url", ["mysql://host/kb", "nothing://host/kb", "postgresql+pg8000://h/k"])
def test_what_cannot_hold_a_catalog_is_refused(url: str) -> None:
    with pytest.raises(GroundtoneError, match=r"only in PostgreSQL|not installed|no driver"):
        Catalog(url)


def test_an_address_that_is_none() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Catalog("postgresql://host:port/kb")


@pytest.mark.parametrize("reason", ["unable to open database file", "attempt to write a readonly"])
def test_a_catalog_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    Catalog(tmp_path / "catalog.db").close()
    prepare = connecting._prepare_sqlite

    def prepared(connection: sqlite3.Connection, record: object) -> None:
        if reason.startswith("unable"):  # as where no file may be made beside it
            raise sqlite3.OperationalError(reason)
        prepare(connection, record)
        connection.execute("PRAGMA query_only=ON")

    monkeypatch.setattr(connecting, "_prepare_sqlite", prepared)
    with pytest.raises(GroundtoneError, match=f"cannot be opened for writing: {reason}") as caught:
        Catalog(tmp_path / "catalog.db").add_source("docs")
    assert "writable" in caught.value.remedy and caught.value.exit_code == 3
