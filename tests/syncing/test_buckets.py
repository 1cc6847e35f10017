"""Buckets as sources, against a small server on loopback: what is read, fetched and refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder
from tests.standins.s3 import S3, aws_keys

from groundtone.buckets.addresses import normal
from groundtone.errors import GroundtoneError, SettingsError, WrongUse
from groundtone.workspace import Workspace

LONG_AGO = 1_700_000_000
FILES = {
    "guides/doors.md": "# Doors\n\nThe blue key opens the front door.\n",
    "guides/inner/lamps.md": "# Lamps\n\nThe red lamp means that the door is open.\n",
    "notes.txt": "The spare key hangs in the porter's office.\n",
    "page.html": "<html><title>Page</title><body><h1>Page</h1><p>Windows stay shut.</p></body>",
    "picture.bmp": "no document",
    ".hidden/secret.md": "# Secret\n\nNobody reads this.\n",
    "node_modules/readme.md": "# Module\n\nNor this.\n",
}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    store = S3()
    store.key = "test"
    for key, text in FILES.items():
        store.put(f"2026/{key}", text)
    aws_keys(monkeypatch)
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", store.endpoint)
    yield store
    store.close()


@pytest.fixture
def workspace(bucket: S3, tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "kb") as made:
        yield made


def opened(folder: Path) -> Workspace:
    workspace = Workspace.create(folder)
    workspace.__dict__["embedder"] = SmallEmbedder()
    return workspace


def texts(workspace: Workspace) -> dict[str, tuple[str, str, str, str]]:
    found = {}
    for one in workspace.catalog.documents():
        text = workspace.catalog.text(one.version)
        found[one.path] = (one.title, one.media_type, one.modified, text)
    return found


def test_a_bucket_is_read_as_a_folder_of_the_same_files(
    bucket: S3, workspace: Workspace, tmp_path: Path
) -> None:
    import os

    folder = tmp_path / "docs"
    for key, text in FILES.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.utime(path, (LONG_AGO, LONG_AGO))
    report = workspace.sync("s3://manuals/2026/")
    assert (report.added, report.failed) == (4, [])
    assert report.notes == ["1 file(s) of other kinds left out (.bmp 1)"]
    with opened(tmp_path / "local") as local:
        local.sync(folder)
        assert texts(workspace) == texts(local)
    assert sorted(bucket.fetched) == sorted(f"2026/{path}" for path in texts(workspace))
    [first, *_] = workspace.search("Which key opens the front door?")
    assert first.document == "guides/doors.md"
    assert list(workspace.sources()) == ["s3://manuals/2026"]


def test_only_what_has_changed_is_fetched_again(bucket: S3, workspace: Workspace) -> None:
    workspace.sync("s3://manuals/2026")
    bucket.fetched.clear()
    assert workspace.sync().unchanged == 4
    assert workspace.sync(dry_run=True).unchanged == 4
    assert not bucket.fetched
    bucket.put("2026/notes.txt", "The spare key hangs in the cellar now.\n", LONG_AGO + 1)
    bucket.put("2026/new.md", "# New\n\nA new page.\n")
    del bucket.objects["2026/page.html"]
    report = workspace.sync()
    assert (report.added, report.updated, report.deleted, report.unchanged) == (1, 1, 1, 2)
    assert sorted(bucket.fetched) == ["2026/new.md", "2026/notes.txt"]
    assert "cellar" in workspace.search("Where is the spare key?")[0].text
    assert workspace.forget("s3://manuals/2026/") == {"s3://manuals/2026/": 4}


def test_a_sidecar_says_who_may_see_an_object(bucket: S3, workspace: Workspace) -> None:
    bucket.put("2026/notes.txt.meta.toml", 'title = "Keys"\ngroups = ["porters"]\n')
    workspace.sync("s3://manuals/2026")
    seen = workspace.search("spare key", limits=workspace.limits(groups=["guests"]))
    assert "notes.txt" not in {passage.document for passage in seen}
    seen = workspace.search("spare key", limits=workspace.limits(groups=["porters"]))
    assert (seen[0].document, seen[0].title) == ("notes.txt", "Keys")
    bucket.put("2026/notes.txt.meta.toml", "groups = []\n", LONG_AGO + 5)
    assert workspace.sync().updated == 1


def test_globs_and_single_objects(
    bucket: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_SYNC__INCLUDE", '["*.md"]')
    monkeypatch.setenv("GROUNDTONE_SYNC__EXCLUDE", '["guides/inner/**"]')
    with opened(tmp_path / "globs") as workspace:
        workspace.sync("s3://manuals/2026")
        assert texts(workspace).keys() == {"guides/doors.md"}
    with opened(tmp_path / "one") as workspace:
        assert workspace.sync("s3://manuals/2026/notes.txt").added == 1
        assert texts(workspace).keys() == {"notes.txt"}
        assert workspace.sync().unchanged == 1


def test_a_part_of_a_source_means_the_source(bucket: S3, workspace: Workspace) -> None:
    workspace.sync("s3://manuals/2026/guides")
    assert workspace.sync("s3://manuals/2026/guides/inner").unchanged == 2
    assert list(workspace.sources()) == ["s3://manuals/2026/guides"]
    with pytest.raises(WrongUse, match=r"holds s3://manuals/2026/guides, .* forget"):
        workspace.sync("s3://manuals")
    assert list(workspace.sources()) == ["s3://manuals/2026/guides"]


def test_what_is_wrong_with_a_new_one_is_said_and_nothing_remembered(
    bucket: S3, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("s3://manuals/1999", "s3://letters"):
        with pytest.raises(GroundtoneError, match=rf"{address} cannot .*nothing there.*\[s3\]"):
            workspace.sync(address)
    bucket.put("pictures/one.bmp", "no document")
    with pytest.raises(WrongUse, match=r"no document under s3://manuals/pictures \(1 object"):
        workspace.sync("s3://manuals/pictures")
    bucket.refuses = True
    with pytest.raises(GroundtoneError, match=r"access is denied.*AWS_ACCESS_KEY_ID"):
        workspace.sync("s3://manuals/2026")
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", "http://127.0.0.1:9")
    workspace.reload()
    with pytest.raises(GroundtoneError, match=r"does not answer.*endpoint"):
        workspace.sync("s3://manuals/2026")
    for address in ("s3://key:secret@manuals/x", "s3://", "s3://UPPER", "s3://manuals/a//b"):
        with pytest.raises(WrongUse, match="cannot be a source"):
            workspace.sync(address)
    assert workspace.sources() == {}


def test_a_server_that_is_away_costs_no_document(bucket: S3, workspace: Workspace) -> None:
    workspace.sync("s3://manuals/2026")
    bucket.refuses = True
    report = workspace.sync()
    assert report.failed == [
        ("s3://manuals/2026", "access is denied; kept the last good version of its files")
    ]
    assert len(texts(workspace)) == 4
    bucket.refuses = False
    assert workspace.sync().unchanged == 4
    bucket.objects.clear()  # a prefix with nothing under it does not exist
    assert "nothing there; kept" in workspace.sync().failed[0][1]
    assert len(texts(workspace)) == 4


def test_an_object_that_changes_while_it_is_fetched_is_read_at_the_next_sync(
    bucket: S3, workspace: Workspace
) -> None:
    changed: list[str] = []

    def change(key: str) -> None:
        if key == "2026/guides/doors.md" and not changed:
            changed.append(key)
            bucket.put("2026/notes.txt", "Changed after it was listed.\n", LONG_AGO + 9)

    bucket.before = change
    report = workspace.sync("s3://manuals/2026")
    failed = dict(report.failed)
    if failed:  # unless it was read before
        assert failed == {"notes.txt": "it is being changed while it is read; sync again"}
    assert workspace.sync().failed == []
    assert "Changed after" in texts(workspace)["notes.txt"][3]


def test_an_object_that_is_too_large_is_not_fetched(
    bucket: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_SYNC__MAX_BYTES", "60")
    with opened(tmp_path / "small") as workspace:
        report = workspace.sync("s3://manuals/2026")
        assert {path for path, why in report.failed if "too large" in why} == {"page.html"}
        assert "2026/page.html" not in bucket.fetched


def test_an_endpoint_must_be_a_whole_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_S3__ENDPOINT", "minio:9000")
    with pytest.raises(SettingsError, match="https://host:9000"):
        Workspace.create(tmp_path / "kb")


def test_one_spelling() -> None:
    assert normal("s3://manuals/") == "s3://manuals"
    assert normal("s3://manuals/a b/") == "s3://manuals/a b"
