"""What is known of uploaded files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundtone.catalog import Catalog, StoredFile


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    yield catalog
    catalog.close()


def file(id: str, at: float, **changes: object) -> StoredFile:
    values = {"purpose": "fine-tune", "created_at": at, **changes}
    return StoredFile(id, "style.jsonl", bytes=3, sha256="00", **values)  # type: ignore[arg-type]


def test_files_are_listed_by_age_in_pages(catalog: Catalog) -> None:
    for id, at in (("file-b", 1.0), ("file-a", 1.0), ("file-c", 2.0)):
        catalog.put_file(file(id, at))
    ids = [one.id for one in catalog.list_files()[0]]
    assert ids == ["file-c", "file-b", "file-a"]
    page, more = catalog.list_files(newest=False, limit=1)
    assert ([one.id for one in page], more) == (["file-a"], True)
    rest, more = catalog.list_files(newest=False, after="file-a")
    assert ([one.id for one in rest], more) == (["file-b", "file-c"], False)


def test_files_are_told_apart_by_purpose_and_owner(catalog: Catalog) -> None:
    catalog.put_file(file("file-a", 1.0, owner="key-1"))
    catalog.put_file(file("file-b", 2.0, purpose="assistants"))
    assert [one.id for one in catalog.list_files(owner="key-1")[0]] == ["file-a"]
    assert [one.id for one in catalog.list_files(purpose="assistants")[0]] == ["file-b"]
    assert catalog.delete_file("file-a") and not catalog.delete_file("file-a")
    assert catalog.get_file("file-a") is None


def test_an_expired_file_is_gone(catalog: Catalog) -> None:
    catalog.put_file(file("file-a", 1.0, expires_at=time.time() - 1))
    catalog.put_file(file("file-b", 1.0, expires_at=time.time() + 60))
    assert catalog.get_file("file-a") is None
    assert [one.id for one in catalog.list_files()[0]] == ["file-b"]
    assert catalog.expired_files() == ["file-a"]
