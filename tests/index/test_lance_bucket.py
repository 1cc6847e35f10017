"""LanceDB in a bucket: the whole contract, and what is said where the bucket cannot be reached.

The server is a small one of ours; where ``GROUNDTONE_TEST_S3_URL`` (``s3://BUCKET/PREFIX``) is set,
and AWS_ENDPOINT_URL with keys in the environment, it is that one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contracts.index import DIMENSIONS, IndexContract, entry, unit
from tests.standins.s3 import S3, aws_keys

from groundtone.buckets.reaching import Access
from groundtone.buckets.s3 import S3Access
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import Entry, Hit, Index, drop_index, lance, open_index, window_id
from groundtone.index.generations import Indexes
from groundtone.index.lance import LanceIndex
from groundtone.index.lance_place import bucket

REAL = os.environ.get("GROUNDTONE_TEST_S3_URL", "")


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    store = S3(page=100)
    store.key = "test"
    yield store
    store.close()


@pytest.fixture(autouse=True)
def access(server: S3, monkeypatch: pytest.MonkeyPatch) -> Access:
    if REAL:
        return Access(S3Access(os.environ.get("AWS_ENDPOINT_URL", "")))
    aws_keys(monkeypatch)
    return Access(S3Access(server.endpoint))


class InBucket(IndexContract):
    @pytest.fixture(autouse=True)
    def _reached_so(self, access: Access) -> None:
        self.access = access

    def place(self, path: Path) -> tuple[str, str]:
        return f"{REAL or 's3://manuals'}{path}", "windows-of-ours"


class TestInBucket(InBucket):
    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        url, name = self.place(path)
        return open_index("lancedb", path, dimensions, url=url, collection=name, access=self.access)


class InMemory(LanceIndex):
    """Reads into memory what another handle has written before it searches."""

    def dense(self, *given: Any) -> list[Hit]:
        self._resident.held()
        self._resident.wait()
        return super().dense(*given)

    def lexical(self, *given: Any, near: np.ndarray | None = None) -> list[Hit]:
        self._resident.held()
        self._resident.wait()
        return super().lexical(*given, near=near)


class TestInBucketAndInMemory(InBucket):
    """Everything again from memory, as a process searches that searches often."""

    def open(self, path: Path, dimensions: int = DIMENSIONS) -> Index:
        keep = {"first_searches": 0, "rows": (1, 100_000)}
        return InMemory(bucket(*self.place(path), self.access), dimensions, keep=keep)


def opened(access: Access, url: str, collection: str = "docs") -> LanceIndex:
    return LanceIndex(bucket(url, collection, access), DIMENSIONS)


def window(who: str, number: int, text: str) -> Entry:
    return Entry(f"{who}-{number}", f"{who}-{number}", number, 0, text, unit(number))


def test_two_write_at_once_and_nothing_is_lost(access: Access) -> None:
    url = f"{REAL or 's3://manuals'}/writers-{os.getpid()}"
    opened(access, url).close()
    faults: list[BaseException] = []

    def write(who: str) -> None:
        try:
            index = opened(access, url)
            for number in range(12):
                index.add([window(who, number, "word")])
                if number % 4 == 3:
                    index.delete({f"{who}-{number - 2}"})
                    index.add([window(who, number, "other")])
                if number % 6 == 5:
                    index._compact(alone=False)
            index.close()
        except BaseException as fault:
            faults.append(fault)

    writers = [threading.Thread(target=write, args=(who,)) for who in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not faults, faults
    index = opened(access, url)
    left = {f"{who}-{n}" for who in ("one", "two") for n in range(12) if n not in (1, 5, 9)}
    assert index.versions() == left and index.count() == len(left)
    assert {hit.version for hit in index.lexical("other", 99)} == {
        f"{who}-{n}" for who in ("one", "two") for n in (3, 7, 11)
    }
    index.close()
    drop_index("lancedb", url, "docs", access)


def test_compaction_leaves_few_files_and_none_of_old_versions(
    server: S3, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    if REAL:
        pytest.skip("looks at what the server holds")
    monkeypatch.setattr(lance, "READERS_GRACE", timedelta(milliseconds=1))
    index = opened(access, "s3://manuals/many")
    for number in range(12):
        index.add([entry(number, "word")])
    before = sum(key.startswith("many/docs/") for key in server.objects)
    index.compact()
    held = [key for key in server.objects if key.startswith("many/docs/")]
    assert sum("/data/" in key for key in held) == 1
    assert sum(key.endswith(".manifest") for key in held) <= 2
    assert len(held) < before / 2
    assert len(index.lexical("word", 99)) == 12
    index.close()
    drop_index("lancedb", "s3://manuals/many", "docs", access)
    assert not [key for key in server.objects if key.startswith("many/")]
    drop_index("lancedb", "s3://manuals/many", "docs", access)  # it is gone: no fault


def test_few_windows_are_kept_in_memory_too(server: S3, access: Access) -> None:
    index = opened(access, f"{REAL or 's3://manuals'}/few-{os.getpid()}")
    index.add(
        [
            Entry(window_id(f"v{n}", 0, 0), f"v{n}", 0, 0, "word", unit(n))
            for n in range(20)
        ]
    )  # fmt: skip
    for _ in range(5):
        index.dense(unit(3), 2)
    index._resident.wait()
    server.fetched.clear()
    assert index.dense(unit(3), 1)[0].version == "v3"
    assert len(index.lexical("word", 99)) == 20
    assert not server.fetched, "only asked whether it has changed"
    index.close()


def test_a_rebuild_takes_its_place_and_the_old_one_is_removed(
    server: S3, access: Access, tmp_path: Path
) -> None:
    if REAL:
        pytest.skip("looks at what the server holds")
    current: list[str | None] = [None]
    indexes = Indexes(
        tmp_path, "lancedb", lambda: current[0],
        url="s3://manuals/kb", collection="docs", access=access,
    )  # fmt: skip
    assert not indexes.served, "this process searches"
    indexes.current(DIMENSIONS).add([entry(1)])
    current[0], beside = indexes.beside(DIMENSIONS)
    beside.add([entry(2)])
    assert indexes.current(DIMENSIONS).versions() == {"v2"}
    indexes.sweep()
    kept = {key.split("/")[1] for key in server.objects if key.startswith("kb/")}
    assert kept == {"docs-2"} == {indexes.collection}
    indexes.leave()
    elsewhere = Indexes(tmp_path, "lancedb", lambda: current[0], access=access)
    elsewhere.current(DIMENSIONS)
    elsewhere.sweep()
    assert not [key for key in server.objects if key.startswith("kb/")]
    assert [path.name for path in tmp_path.iterdir()] == ["lancedb-2"]
    elsewhere.close()
    indexes.close()


def test_what_keeps_a_bucket_from_being_reached_is_said(
    server: S3, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    if REAL:
        pytest.skip("the server is told to refuse")
    index = opened(access, "s3://manuals/refused")
    monkeypatch.setattr(server, "refuses", True)
    with pytest.raises(GroundtoneError, match=r"s3://manuals/refused/docs.*access is denied"):
        index.dense(unit(1), 5)
    monkeypatch.setattr(server, "refuses", False)
    index.close()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(GroundtoneError, match=r"no keys are set.*AWS_ACCESS_KEY_ID"):
        opened(access, "s3://manuals/refused")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Status { status: 404, body: <Error><Code>NoSuchBucket</Code>", "nothing there"),
        ("Status { status: 403, body: <Code>InvalidAccessKeyId</Code>", "not known there"),
        ("Status { status: 403, body: <Code>SignatureDoesNotMatch</Code>", "not the access key's"),
        ("status: 301, body: <Code>PermanentRedirect</Code>", "in another region"),
        ("inner: Http(HttpError { kind: Timeout, source: reqwest::Error", "does not answer"),
    ],
)
def test_the_words_of_its_client_are_understood(access: Access, said: str, reason: str) -> None:
    place = bucket("s3://manuals/kb", "docs", access)
    told = place.named(RuntimeError(f"lance error: LanceError(IO): Generic S3 error: {said}"))
    assert told is not None and reason in told.message and told.remedy
    assert place.named(RuntimeError("lance error: Not found: data/1.lance")) is None


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(GroundtoneError, match=r"s3://manuals/kb/docs.*does not answer.*endpoint"):
        opened(Access(S3Access("http://127.0.0.1:9")), "s3://manuals/kb")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "gs://manuals/kb", "s3://UPPER", "s3://a:b@c"]
)
def test_an_address_of_no_bucket_of_s3_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(WrongUse, match="s3://BUCKET/PREFIX"):
        open_index("lancedb", tmp_path, DIMENSIONS, url=url)
