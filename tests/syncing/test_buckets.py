"""Buckets as sources, against small servers on loopback: what is read, fetched and refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.small_embedder import SmallEmbedder
from tests.standins.azure import ACCOUNT, Azure, azure_keys
from tests.standins.bucket import Bucket
from tests.standins.gcs import GCS, google_keys
from tests.standins.s3 import S3, aws_keys

from groundtone.buckets.addresses import normal
from groundtone.buckets.reaching import why
from groundtone.errors import GroundtoneError, SettingsError, WrongUse
from groundtone.workspace import Workspace

KEYS = {
    "s3": "AWS_ACCESS_KEY_ID",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_KEY",
}
ONE = pytest.mark.parametrize("bucket", [S3], ids=["s3"], indirect=True)  # the same for all
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


@pytest.fixture(params=[S3, GCS, Azure], ids=["s3", "gs", "az"])
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    store: Bucket = request.param()
    store.key = "test"
    known(store, "test", tmp_path, monkeypatch)
    for key, text in FILES.items():
        store.put(f"2026/{key}", text)
    monkeypatch.setenv(f"GROUNDTONE_{store.scheme.upper()}__ENDPOINT", store.endpoint)
    yield store
    store.close()


def known(store: Bucket, key: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a provider's keys, as its own tools take them."""
    if isinstance(store, GCS):
        google_keys(monkeypatch, folder, store, key)
    elif isinstance(store, Azure):
        azure_keys(monkeypatch, key)
    else:
        aws_keys(monkeypatch, key)


@pytest.fixture
def workspace(bucket: Bucket, tmp_path: Path) -> Iterator[Workspace]:
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
    bucket: Bucket, workspace: Workspace, tmp_path: Path
) -> None:
    import os

    folder = tmp_path / "docs"
    for key, text in FILES.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.utime(path, (LONG_AGO, LONG_AGO))
    report = workspace.sync(f"{bucket.scheme}://manuals/2026/")
    assert (report.added, report.failed) == (4, [])
    assert report.notes == ["1 file(s) of other kinds left out (.bmp 1)"]
    with opened(tmp_path / "local") as local:
        local.sync(folder)
        assert texts(workspace) == texts(local)
    assert sorted(bucket.fetched) == sorted(f"2026/{path}" for path in texts(workspace))
    [first, *_] = workspace.search("Which key opens the front door?")
    assert first.document == "guides/doors.md"
    assert list(workspace.sources()) == [f"{bucket.scheme}://manuals/2026"]


def test_only_what_has_changed_is_fetched_again(bucket: Bucket, workspace: Workspace) -> None:
    workspace.sync(f"{bucket.scheme}://manuals/2026")
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
    assert workspace.forget(f"{bucket.scheme}://manuals/2026/") == {
        f"{bucket.scheme}://manuals/2026/": 4
    }


@ONE
def test_a_sidecar_says_who_may_see_an_object(bucket: Bucket, workspace: Workspace) -> None:
    bucket.put("2026/notes.txt.meta.toml", 'title = "Keys"\ngroups = ["porters"]\n')
    workspace.sync(f"{bucket.scheme}://manuals/2026")
    seen = workspace.search("spare key", limits=workspace.limits(groups=["guests"]))
    assert "notes.txt" not in {passage.document for passage in seen}
    seen = workspace.search("spare key", limits=workspace.limits(groups=["porters"]))
    assert (seen[0].document, seen[0].title) == ("notes.txt", "Keys")
    bucket.put("2026/notes.txt.meta.toml", "groups = []\n", LONG_AGO + 5)
    assert workspace.sync().updated == 1


@ONE
def test_globs_and_single_objects(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_SYNC__INCLUDE", '["*.md"]')
    monkeypatch.setenv("GROUNDTONE_SYNC__EXCLUDE", '["guides/inner/**"]')
    with opened(tmp_path / "globs") as workspace:
        workspace.sync(f"{bucket.scheme}://manuals/2026")
        assert texts(workspace).keys() == {"guides/doors.md"}
    with opened(tmp_path / "one") as workspace:
        assert workspace.sync(f"{bucket.scheme}://manuals/2026/notes.txt").added == 1
        assert texts(workspace).keys() == {"notes.txt"}
        assert workspace.sync().unchanged == 1


@ONE
def test_a_part_of_a_source_means_the_source(bucket: Bucket, workspace: Workspace) -> None:
    workspace.sync(f"{bucket.scheme}://manuals/2026/guides")
    assert workspace.sync(f"{bucket.scheme}://manuals/2026/guides/inner").unchanged == 2
    assert list(workspace.sources()) == [f"{bucket.scheme}://manuals/2026/guides"]
    with pytest.raises(WrongUse, match=r"holds \w\w://manuals/2026/guides, .* forget"):
        workspace.sync(f"{bucket.scheme}://manuals")
    assert list(workspace.sources()) == [f"{bucket.scheme}://manuals/2026/guides"]


def test_what_is_wrong_with_a_new_one_is_said_and_nothing_remembered(
    bucket: Bucket, workspace: Workspace
) -> None:
    name = bucket.scheme
    for address in (f"{name}://manuals/1999", f"{name}://letters"):
        with pytest.raises(
            GroundtoneError, match=rf"{address} cannot .*nothing there.*\[{name}\] endpoint"
        ):
            workspace.sync(address)
    bucket.put("pictures/one.bmp", "no document")
    with pytest.raises(WrongUse, match=rf"no document under {name}://manuals/pictures \(1 object"):
        workspace.sync(f"{name}://manuals/pictures")
    bucket.refuses = True
    with pytest.raises(GroundtoneError, match=rf"access is denied.*{KEYS[name]}"):
        workspace.sync(f"{name}://manuals/2026")
    for place in ("key:secret@manuals/x", "", "UPPER", "manuals/a//b", "manuals/a?sig=secret"):
        with pytest.raises(WrongUse, match="cannot be a source"):
            workspace.sync(f"{name}://{place}")
    assert workspace.sources() == {}


def test_keys_that_are_not_known_are_named(
    bucket: Bucket, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bucket.scheme
    known(bucket, "other", tmp_path, monkeypatch)
    with pytest.raises(GroundtoneError, match=rf"(not known there|is denied).*{KEYS[name]}"):
        workspace.sync(f"{name}://manuals/2026")


@pytest.mark.parametrize("name", ["s3", "gs"])  # Azure's client takes its time
def test_a_server_that_does_not_answer_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_keys(monkeypatch)
    monkeypatch.setattr("groundtone.buckets.gs.PATIENCE", timedelta(seconds=1))
    monkeypatch.setenv("GROUNDTONE_GS__ANONYMOUS", "true")
    monkeypatch.setenv(f"GROUNDTONE_{name.upper()}__ENDPOINT", "http://127.0.0.1:9")
    with (
        opened(tmp_path / "kb") as workspace,
        pytest.raises(GroundtoneError, match=rf"does not answer.*\[{name}\] endpoint"),
    ):
        workspace.sync(f"{name}://manuals/2026")


@pytest.mark.parametrize("bucket", [GCS, S3], ids=["gs", "s3"], indirect=True)
def test_a_public_bucket_needs_no_keys(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    place = f"{bucket.scheme}://manuals/2026/guides"
    with (
        opened(tmp_path / "without") as workspace,
        pytest.raises(GroundtoneError, match=r"(?i)key"),
    ):
        workspace.sync(place)
    bucket.key = ""
    monkeypatch.setenv(f"GROUNDTONE_{bucket.scheme.upper()}__ANONYMOUS", "true")
    with opened(tmp_path / "public") as workspace:
        assert workspace.sync(place).added == 2


@pytest.mark.parametrize("bucket", [Azure], ids=["az"], indirect=True)
@pytest.mark.parametrize("how", ["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", ""])
def test_azure_is_reached_by_a_signature_too_and_never_without_an_account(
    bucket: Bucket, workspace: Workspace, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.key = "signed"
    monkeypatch.delenv("AZURE_STORAGE_KEY")
    if how == "AZURE_STORAGE_SAS_TOKEN":
        monkeypatch.setenv(how, "sv=2026&sig=signed")
    else:
        monkeypatch.delenv("AZURE_STORAGE_ACCOUNT")
    if how == "AZURE_STORAGE_CONNECTION_STRING":
        monkeypatch.setenv(how, f"AccountName={ACCOUNT};SharedAccessSignature=sv=2026&sig=signed")
    if how:
        assert workspace.sync("az://manuals/2026").added == 4
    else:
        with pytest.raises(GroundtoneError, match=r"no keys are set.*AZURE_STORAGE_ACCOUNT"):
            workspace.sync("az://manuals/2026")


@pytest.mark.parametrize(
    ("address", "said", "reason"),
    [
        ("s3://b", "AWS Error UNKNOWN (HTTP status 301) during ListObjectsV2", "another region"),
        ("s3://b", "AWS Error SIGNATURE_DOES_NOT_MATCH during HeadObject", "not the access key's"),
        ("gs://b", "Status(UNKNOWN: Could not create a OAuth2 access token to", "no keys are set"),
        ("az://b", "failed: Failed to get token from DefaultAzureCredential.", "no keys are set"),
        ("az://b", "Azure Error: [] Fail to get a new connection for: http://", "does not answer"),
        ("az://b", "something else\nand more", "something else"),
    ],
)
def test_errors_are_told_in_the_users_words(address: str, said: str, reason: str) -> None:
    told, remedy = why(address, OSError(said))
    assert reason in told and "\n" not in told and remedy


def test_a_server_that_is_away_costs_no_document(bucket: Bucket, workspace: Workspace) -> None:
    workspace.sync(f"{bucket.scheme}://manuals/2026")
    bucket.refuses = True
    report = workspace.sync()
    assert report.failed == [
        (
            f"{bucket.scheme}://manuals/2026",
            "access is denied; kept the last good version of its files",
        )
    ]
    assert len(texts(workspace)) == 4
    bucket.refuses = False
    assert workspace.sync().unchanged == 4
    bucket.objects.clear()  # a prefix with nothing under it does not exist
    assert "nothing there; kept" in workspace.sync().failed[0][1]
    assert len(texts(workspace)) == 4


@ONE
def test_an_object_that_changes_while_it_is_fetched_is_read_at_the_next_sync(
    bucket: Bucket, workspace: Workspace
) -> None:
    changed: list[str] = []

    def change(key: str) -> None:
        if key == "2026/guides/doors.md" and not changed:
            changed.append(key)
            bucket.put("2026/notes.txt", "Changed after it was listed.\n", LONG_AGO + 9)

    bucket.before = change
    report = workspace.sync(f"{bucket.scheme}://manuals/2026")
    failed = dict(report.failed)
    if failed:  # unless it was read before
        assert failed == {"notes.txt": "it is being changed while it is read; sync again"}
    assert workspace.sync().failed == []
    assert "Changed after" in texts(workspace)["notes.txt"][3]


def test_an_object_that_is_too_large_is_not_fetched(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDTONE_SYNC__MAX_BYTES", "60")
    with opened(tmp_path / "small") as workspace:
        report = workspace.sync(f"{bucket.scheme}://manuals/2026")
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
