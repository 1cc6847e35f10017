"""A catalog of an earlier version opens, is brought up to date, and goes on."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.syncing.place import Place

from groundtone.catalog import Catalog
from groundtone.errors import GroundtoneError

GUIDE = "# Guide\n\nOpen the door with the blue key.\n\n## Windows\n\nThey stay shut.\n"
NEW_COLUMNS = ("file", "metadata", "modified", "recipe")


DOWN = (
    "DROP INDEX documents_by_file",
    *(f"ALTER TABLE documents DROP COLUMN {column}" for column in NEW_COLUMNS),
    "ALTER TABLE sources DROP COLUMN collection",
    "ALTER TABLE chunks DROP COLUMN spots",
    *(f"DROP TABLE {table}" for table in ("failures", "former", "windows", "collections")),
    "UPDATE facts SET value = '1' WHERE key = 'schema'",
    "DELETE FROM facts WHERE key = 'dimensions'",
)


def downgrade(path: Path) -> None:
    """Take from a catalog what schema 1 did not have."""
    with sqlite3.connect(path) as database:
        for statement in DOWN:
            database.execute(statement)
    database.close()


@pytest.fixture
def old(tmp_path: Path) -> Place:
    """A workspace as version 1 left it."""
    place = Place(tmp_path / "kb")
    place.write("guide.md", GUIDE)
    place.write("sub/other.md", "# Other\n\nText.")
    place.sync()
    place.close()
    downgrade(place.state / "catalog.sqlite")
    return Place(place.root)


def test_a_workspace_of_schema_1_goes_on_without_a_rebuild(old: Place) -> None:
    assert {info.file for info in old.catalog.documents()} == {"guide.md", "sub/other.md"}
    assert old.contents()["guide.md"] == GUIDE
    report = old.sync(dry_run=True)
    assert report.updated == 2
    old.write("sub/other.md", "# Other\n\nMore text.", age=50)
    report = old.sync()
    assert (report.updated, report.embedded, old.embedder.embedded) == (2, 1, 1)
    assert old.sync().unchanged == 2
    old.check()
    old.close()


def test_it_is_upgraded_once(old: Place) -> None:
    assert old.catalog.fact("schema") == "4"
    again = Catalog(old.state / "catalog.sqlite")
    assert again.counts() == old.catalog.counts()
    again.close()
    old.close()


def test_a_broken_upgrade_changes_nothing(old: Place) -> None:
    path = old.state / "catalog.sqlite"
    old.close()
    downgrade(path)
    with sqlite3.connect(path) as database:  # in the way of a late step
        database.execute("DELETE FROM facts WHERE key = 'windows'")
        database.execute("CREATE INDEX documents_by_file ON documents (title)")
    with pytest.raises(Exception, match="documents_by_file"):
        Catalog(path)
    with sqlite3.connect(path) as database:
        [(schema,)] = database.execute("SELECT value FROM facts WHERE key = 'schema'")
        columns = {row[1] for row in database.execute("PRAGMA table_info(documents)")}
    assert schema == "1" and not columns & set(NEW_COLUMNS)


def test_a_catalog_of_a_later_version_is_left_alone(old: Place) -> None:
    old.catalog.remember("schema", "99")
    with pytest.raises(GroundtoneError, match="99"):
        Catalog(old.state / "catalog.sqlite")
    old.close()


def test_machines_that_open_a_shared_catalog_at_once_upgrade_it_once(database: str) -> None:
    import psycopg
    from tests.catalog.test_documents import document

    made = Catalog(database)
    made.add_source("docs")
    made.replace_documents([document("v1", text=GUIDE)])
    made.close()
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in DOWN:
            connection.execute(statement)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(Catalog, [database] * 4))
    for catalog in opened:
        assert catalog.fact("schema") == "4"
        [info] = catalog.documents()
        assert info.file == info.path and catalog.text("v1") == GUIDE
        assert [source.collection for source in catalog.sources()] == ["default"]
        catalog.put_places([(b"0" * 16, ("v1", 0, 0))])
        catalog.close()
