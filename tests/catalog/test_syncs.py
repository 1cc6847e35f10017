from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.syncing.place import Place

from groundtone.catalog import Catalog, StoredSync

NOTHING = StoredSync(1000.0, 0.5, 0, 0, 0, documents=3, sources=1)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.db")


def test_syncs_come_back_oldest_first(catalog: Catalog) -> None:
    later = replace(NOTHING, started_at=9000.0, updated=2)
    catalog.put_sync(later)
    catalog.put_sync(NOTHING)
    assert catalog.list_syncs() == [NOTHING, later]
    assert catalog.list_syncs(since=1001) == [later]
    assert later.changed == 2


def test_looking_often_and_finding_nothing_fills_no_table(catalog: Catalog) -> None:
    for second in range(0, 7300, 10):
        catalog.put_sync(replace(NOTHING, started_at=1000.0 + second))
    assert [sync.started_at for sync in catalog.list_syncs()] == [1000.0, 4600.0, 8200.0]
    changed = replace(NOTHING, started_at=8201.0, deleted=1)
    catalog.put_sync(changed)
    assert catalog.list_syncs()[-1] == changed, "what changed is always kept"


def test_a_sync_leaves_what_it_found(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    place.write("a.md", "# A\n\nThe blue key opens the door.")
    place.write("b.md", "# B\n\nThe red one does not.")
    place.sync()
    place.write("a.md", "# A\n\nThe green key opens the door.", age=50)
    place.sync(dry_run=True)
    place.sync()
    (place.docs / "b.md").unlink()
    place.sync()
    place.sync(rebuild=True)
    told = [(s.added, s.updated, s.deleted, s.documents) for s in place.catalog.list_syncs()]
    assert told == [(2, 0, 0, 2), (0, 1, 0, 2), (0, 0, 1, 1)]
    assert {s.sources for s in place.catalog.list_syncs()} == {1}
    place.close()
