"""Processes that search find what the workspace finds itself, and none of them is missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundtone import Passage, Workspace
from groundtone.errors import EmbeddingMismatch, GroundtoneError
from groundtone.workspace import searchers

PROCESSES = "[retrieval]\nprocesses = 2\n"
QUESTIONS = [f"Which key opens door {number}?" for number in range(8)]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for number in range(8):
        told = f"# Guide {number}\n\nKey number {number} opens door {number}, and no other door.\n"
        (folder / f"guide-{number}.md").write_text(told, "utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, minilm: object, documents: Path) -> Path:
    folder = tmp_path_factory.mktemp("searched") / "kb"
    with Workspace.create(folder) as workspace:
        (folder / "groundtone.toml").write_text(PROCESSES, "utf-8")
        workspace.sync(documents)
    return folder


@pytest.fixture(scope="module")
def workspace(folder: Path) -> Iterator[Workspace]:
    """Its processes are at work."""
    with Workspace.open(folder) as workspace:
        assert workspace.searchers is not None
        workspace.searchers.start()
        yield workspace
        running = pids(workspace)
    assert all(gone(pid) for pid in running)


def pids(workspace: Workspace) -> list[int]:
    assert workspace.searchers is not None
    return [one.pid for one in workspace.searchers._processes if one.pid is not None]


def gone(pid: int) -> bool:
    """Whether a process has ended; waits for it."""
    for _ in range(600):
        try:
            stat = Path(f"/proc/{pid}/stat")
            if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def here(folder: Path, question: str, k: int = 3) -> list[Passage]:
    """What the workspace finds itself."""
    with Workspace.open(folder) as plain:
        return plain.search(question, k)


def test_they_find_what_the_workspace_finds_itself(workspace: Workspace, folder: Path) -> None:
    with Workspace.open(folder) as plain:
        first = plain.search(QUESTIONS[0], 3)
        assert plain.searchers is not None and pids(plain) == []  # one question: not worth it
        wanted = [next(plain.retriever.search_many([question], 3)) for question in QUESTIONS]
        limits = plain.limits(["path=guide-3.md"])
        limited = list(plain.retriever.limited(limits).search_many([QUESTIONS[0]], 3))
    assert first == wanted[0] and all(wanted)
    assert len(pids(workspace)) == 2
    found: dict[int, list[Passage]] = {}

    def ask(number: int) -> None:
        for at in range(number, 64, 16):
            found[at] = workspace.search(QUESTIONS[at % 8], 3)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[at] for at in range(64)] == wanted * 8
    assert workspace.search(QUESTIONS[0], 3, limits=limits) == limited[0]
    assert workspace.search("  ", 3) == []


def test_one_that_dies_is_replaced_and_asked_again(workspace: Workspace, folder: Path) -> None:
    wanted = here(folder, QUESTIONS[1])
    before = pids(workspace)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
    for _ in range(2):  # each of the two is asked
        assert workspace.search(QUESTIONS[1], 3) == wanted
    assert len(pids(workspace)) == 2 and not set(pids(workspace)) & set(before)


def test_where_none_can_be_started_it_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searchers, "_START", "import sys; sys.exit(0)  # {path}")
    with Workspace.open(folder) as workspace:
        assert workspace.search(QUESTIONS[0], 3)
        with pytest.raises(GroundtoneError, match="processes = 0"):
            workspace.search(QUESTIONS[0], 3)
        monkeypatch.undo()
        assert workspace.search(QUESTIONS[0], 3) == here(folder, QUESTIONS[0])


def test_what_a_search_raises_is_raised_here(workspace: Workspace, folder: Path) -> None:
    catalog = workspace.catalog
    built = catalog.fact("embedding")
    assert built is not None
    before = pids(workspace)
    catalog.remember("embedding", "another@1")
    try:
        with pytest.raises(EmbeddingMismatch, match="sync --rebuild") as raised:
            workspace.search(QUESTIONS[0])
        assert raised.value.remedy
    finally:
        catalog.remember("embedding", built)
    assert workspace.search(QUESTIONS[0], 3) == here(folder, QUESTIONS[0])
    assert pids(workspace) == before


def test_they_see_what_is_synced_and_rebuilt(workspace: Workspace, documents: Path) -> None:
    (documents / "new.md").write_text("# Roof\n\nThe roof has a ladder of glass.\n", "utf-8")
    workspace.sync()
    assert workspace.search("ladder of glass", 1)[0].document == "new.md"
    (documents / "new.md").unlink()
    workspace.sync(rebuild=True)
    for _ in range(2):
        found = workspace.search("ladder of glass", 10)
        assert found and "new.md" not in {passage.document for passage in found}


def test_changed_settings_are_seen(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        for _ in range(2):
            assert len(workspace.search(QUESTIONS[0])) == 5
        [pid] = pids(workspace)
        (folder / "groundtone.toml").write_text(f"{PROCESSES}k = 2\n", "utf-8")
        try:
            workspace.reload()
            assert gone(pid)
            for _ in range(2):
                assert len(workspace.search(QUESTIONS[0])) == 2
        finally:
            (folder / "groundtone.toml").write_text(PROCESSES, "utf-8")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_they_end_with_their_parent(folder: Path, ending: signal.Signals) -> None:
    script = (
        "import sys, time\n"
        "from groundtone import Workspace\n"
        "with Workspace.open(sys.argv[1]) as workspace:\n"
        "    workspace.searchers.start()\n"
        "    workspace.search('door 3')\n"
        "    print(*[one.pid for one in workspace.searchers._processes], flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    started = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(started) == 2
    os.killpg(parent.pid, ending)  # as Ctrl-C does: to all of the group
    _, told = parent.communicate(timeout=60)
    assert all(gone(pid) for pid in started)
    assert told.count("Traceback") == (ending == signal.SIGINT)  # the parent's own
