"""A backup is consistent while others write, comes back whole, and is refused when it is not."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.catalog import StoredAnswer
from groundtone.errors import Busy, GroundtoneError, WrongUse
from groundtone.index.resident_files import FOLDER
from groundtone.syncing.guarding import alone
from groundtone.workspace import backup as module
from groundtone.workspace.backup import MANIFEST, Damaged, backup, restore

TOLD = {"answer": "Yes.", "refused": False, "citations": []}


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("backup")
    (folder / "docs").mkdir()
    for number in range(6):
        text = f"# Guide {number}\n\nKey number {number} opens door {number}.\n"
        (folder / "docs" / f"guide-{number}.md").write_text(text)
    with Workspace.create(folder / "kb") as workspace:
        workspace.sync(folder / "docs")
        (workspace.folder / "style.toml").write_text("max_words = 60\n")
        run = workspace.state / "runs" / "run-1"
        run.mkdir(parents=True)
        (run / "adapter.gguf").write_bytes(bytes(range(256)) * 300)
        (run / "pid").write_text("1")
        workspace.catalog.put_answer(StoredAnswer("answer-1", "Why?", "base", TOLD))
        yield workspace


@pytest.fixture(scope="module")
def archive(kb: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "kb.backup"
    backup(kb, path)
    return path


def test_what_can_be_made_again_is_left_out(kb: Workspace, tmp_path: Path) -> None:
    resident = kb.indexes.path / FOLDER / "1-5-abc"
    resident.mkdir(parents=True)
    (resident / "steps.npy").write_bytes(b"large")
    backup(kb, tmp_path / "kb.backup")
    with zipfile.ZipFile(tmp_path / "kb.backup") as archive:
        assert not [name for name in archive.namelist() if "steps.npy" in name]
        assert [name for name in archive.namelist() if ".lance/" in name]


def test_a_full_disk_is_named(
    kb: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(sqlite3.Connection):
        reason = "database or disk is full"

        def backup(self, *_: object, **__: object) -> None:
            raise sqlite3.OperationalError(self.reason)

    connect = sqlite3.connect

    def no_room(*_: object, **__: object) -> None:
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device")])

    path = tmp_path / "kb.backup"
    for place, name, broken in (
        (module.sqlite3, "connect", lambda path: connect(path, factory=Full)),
        (module.shutil, "copytree", no_room),
        (module, "_pack", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space"))),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, broken)
            with pytest.raises(GroundtoneError, match="The disk is full") as caught:
                backup(kb, path)
        assert caught.value.exit_code == 3 and caught.value.remedy.startswith("Free some space")
        assert not list(tmp_path.iterdir()) and not list(kb.state.glob("backup-*"))
    with monkeypatch.context() as patch:
        patch.setattr(Full, "reason", "database disk image is malformed")
        patch.setattr(module.sqlite3, "connect", lambda path: connect(path, factory=Full))
        with pytest.raises(GroundtoneError, match="cannot be copied: database disk image"):
            backup(kb, path)


def test_it_comes_back_whole(kb: Workspace, archive: Path, tmp_path: Path) -> None:
    kept = restore(archive, tmp_path / "new" / "kb")
    assert (kept.documents, kept.index) == (6, True)
    with Workspace.open(tmp_path / "new" / "kb") as again:
        assert again.catalog.counts() == kb.catalog.counts()
        assert [one.id for one in again.catalog.list_answers()] == ["answer-1"]
        wanted = [(p.document, p.text, p.score) for p in kb.search("door 3")]
        assert [(p.document, p.text, p.score) for p in again.search("door 3")] == wanted
        assert again.settings == kb.settings
    new = tmp_path / "new" / "kb"
    assert (new / "style.toml").read_text() == "max_words = 60\n"
    runs = Path(".groundtone") / "runs" / "run-1"
    assert (new / runs / "adapter.gguf").read_bytes() == bytes(range(256)) * 300
    assert not (new / runs / "pid").exists(), "no process of that run lives there"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["kb"]
    assert not list(kb.state.glob("backup-*"))


def test_it_is_consistent_while_others_write(kb: Workspace, tmp_path: Path) -> None:
    stop = threading.Event()
    problems: list[BaseException] = []

    def working(work: Callable[[int], None]) -> threading.Thread:
        def loop() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    work(number)
                except Busy:
                    time.sleep(0.01)
                except BaseException as error:
                    problems.append(error)
                    return

        thread = threading.Thread(target=loop)
        thread.start()
        return thread

    docs = next(iter(kb.sources()))

    def sync(number: int) -> None:
        (Path(docs) / "changing.md").write_text(f"# Changing\n\nKey {number} of today.\n")
        kb.sync()
        time.sleep(0.3)

    def ask(number: int) -> None:
        stored = StoredAnswer(f"answer-{number:012x}-busy", "?", "base", TOLD)
        kb.catalog.put_answer(stored)
        time.sleep(0.002)

    threads = [working(sync), working(ask)]
    try:
        for number in range(3):
            backup(kb, tmp_path / f"{number}.backup", wait=60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        (Path(docs) / "changing.md").unlink()
        kb.sync()
    assert not problems
    for number in range(3):
        folder = tmp_path / f"restored-{number}"
        restore(tmp_path / f"{number}.backup", folder)  # checks the catalog against the index
        with Workspace.open(folder) as again:
            assert {p.title for p in again.search("door 5")} >= {"Guide 5"}


def test_a_sync_at_work_is_waited_for(kb: Workspace, tmp_path: Path) -> None:
    with alone(kb.state, kb.catalog), pytest.raises(Busy):
        backup(kb, tmp_path / "a.backup", wait=0.3)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(kb: Workspace, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUse):
        backup(kb, archive)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    with pytest.raises(WrongUse):
        restore(archive, tmp_path / "full")
    assert (tmp_path / "full" / "file").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    restore(archive, tmp_path / "empty")
    with pytest.raises(WrongUse):
        restore(tmp_path / "missing", tmp_path / "b")
    with pytest.raises(WrongUse):
        backup(kb, tmp_path / "full" / "file" / "a.backup")


def refused(archive: Path, folder: Path) -> str:
    with pytest.raises(Damaged) as raised:
        restore(archive, folder / "kb")
    assert [path.name for path in folder.iterdir() if path != archive] == []
    return raised.value.message


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_archive_is_refused(archive: Path, tmp_path: Path, part: float) -> None:
    data = archive.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(data[: int(len(data) * part)])
    refused(cut, tmp_path)


def test_a_changed_byte_is_found_wherever_it_is(archive: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as packed:
        infos = [info for info in packed.infolist() if info.compress_size > 20]
    for info in infos[:: max(1, len(infos) // 8)]:
        place = info.header_offset + 30 + len(info.filename) + 20 + info.compress_size // 2
        changed = bytearray(data)
        changed[place] ^= 0x41
        (tmp_path / "changed").write_bytes(changed)
        refused(tmp_path / "changed", tmp_path)


def rewritten(archive: Path, path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(archive) as packed:
        files = {info.filename: packed.read(info) for info in packed.infolist()}
    change(files)
    with zipfile.ZipFile(path, "w") as out:
        for name, data in files.items():
            out.writestr(name, data)
    return path


def listed(files: dict[str, bytes], name: str, data: bytes) -> None:
    """Add a file, the list agreeing."""
    import hashlib

    manifest = json.loads(files[MANIFEST])
    told = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["files"][name] = told
    files[name] = data
    files[MANIFEST] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", ".groundtone/../../evil", "evil", ".groundtone", ".groundtone\\x"]
)
def test_no_file_lands_outside_of_the_workspace(archive: Path, tmp_path: Path, name: str) -> None:
    path = rewritten(archive, tmp_path / "x", lambda files: listed(files, name, b"evil"))
    assert "outside of a workspace" in refused(path, tmp_path)


def test_what_the_list_does_not_say_is_refused(archive: Path, tmp_path: Path) -> None:
    def without(part: str) -> Callable[[dict[str, bytes]], None]:
        def change(files: dict[str, bytes]) -> None:
            del files[next(name for name in files if part in name)]

        return change

    def extra(files: dict[str, bytes]) -> None:
        files[".groundtone/extra"] = b"x"

    def later(files: dict[str, bytes]) -> None:
        files[MANIFEST] = files[MANIFEST].replace(b'"form": 1', b'"form": 2')

    for change in (without(MANIFEST), without("catalog.db"), without("adapter"), extra, later):
        refused(rewritten(archive, tmp_path / "x", change), tmp_path)
    (tmp_path / "x").write_text("no archive")
    refused(tmp_path / "x", tmp_path)


def test_an_index_that_lacks_documents_is_refused(archive: Path, tmp_path: Path) -> None:
    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files[MANIFEST])
        for name in [name for name in files if "/index/" in name]:
            del files[name], manifest["files"][name]
        files[MANIFEST] = json.dumps(manifest).encode()

    path = rewritten(archive, tmp_path / "x", change)
    assert "index lacks documents" in refused(path, tmp_path)
