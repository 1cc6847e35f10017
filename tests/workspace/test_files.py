"""Uploaded files are whole or not there."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.errors import WrongUse
from groundtone.workspace.files import Files


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "kb") as workspace:
        yield workspace


def test_a_file_is_kept_as_it_came(workspace: Workspace) -> None:
    content = bytes(range(256)) * 9000  # several pieces
    file = Files(workspace).add(io.BytesIO(content), "../../style.jsonl", "fine-tune")
    assert file.id.startswith("file-")
    assert (file.name, file.bytes) == ("style.jsonl", len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert Files(workspace).path(file.id).read_bytes() == content
    assert workspace.catalog.get_file(file.id) == file
    assert Files(workspace).delete(file.id) and not Files(workspace).delete(file.id)
    with pytest.raises(WrongUse):
        Files(workspace).path(file.id)
    assert list((workspace.state / "files").iterdir()) == []


def test_one_that_is_too_large_leaves_nothing(workspace: Workspace) -> None:
    with pytest.raises(WrongUse, match="larger"):
        Files(workspace).add([b"abc", b"def"], "a", "fine-tune", limit=5)
    assert list((workspace.state / "files").iterdir()) == []
    assert workspace.catalog.list_files() == ([], False)


def test_what_a_killed_upload_leaves_is_swept_and_nothing_else(workspace: Workspace) -> None:
    kept = Files(workspace).add([b"kept"], "a", "fine-tune")
    script = (
        "import sys\nfrom groundtone import Workspace\n"
        "from groundtone.workspace.files import Files\n"
        "def endless():\n"
        "    while True:\n        yield b'x' * 1000; print('.', flush=True)\n"
        "Files(Workspace.open(sys.argv[1])).add(endless(), 'b', 'fine-tune')"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(workspace.folder)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    for _ in range(20):
        assert child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    folder = workspace.state / "files"
    (left,) = [path for path in folder.iterdir() if path.name != kept.id]
    Files(workspace).sweep()
    assert left.exists()  # it might be an upload at work
    for path in (left, folder / kept.id):
        os.utime(path, (time.time() - 7200,) * 2)
    Files(workspace).sweep()
    assert [path.name for path in folder.iterdir()] == [kept.id]
    assert [file.id for file in workspace.catalog.list_files()[0]] == [kept.id]


def test_expired_files_are_swept(workspace: Workspace) -> None:
    file = Files(workspace).add([b"a"], "a", "batch", expires_at=time.time() - 1)
    Files(workspace).sweep()
    assert not (workspace.state / "files" / file.id).exists()
