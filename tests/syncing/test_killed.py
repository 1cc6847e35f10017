"""A sync killed at any moment leaves everything consistent, and the next one finishes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.syncing.place import Place

from groundtone.retrieval import Retriever
from groundtone.settings import Retrieval

ROOT = Path(__file__).parents[2]
QUESTIONS = ("fact of 1/1.md", "part 3", "0.25")


class Syncs:
    """Syncs of a place, each in a process of its own."""

    def __init__(self, place: Place, mode: str) -> None:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.syncing.child", str(place.root), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def one(self, wait: float) -> float | None:
        """Sync, and kill it after some time; how long it took, if it finished."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None and out is not None
        into.write(b"\n")
        into.flush()
        child = int(out.readline())
        lines: list[bytes] = []
        timer = threading.Timer(wait, _kill, [child])
        timer.start()
        while not lines or lines[-1] != b"over\n":
            lines.append(out.readline())
            assert lines[-1], "the sync failed"
        timer.cancel()
        return float(lines[0].split()[1]) if lines[0].startswith(b"done") else None

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def change(place: Place, chance: random.Random) -> None:
    """Add, edit, copy, move and delete some files."""
    for _ in range(12):
        path = place.docs / f"{chance.randrange(4)}/{chance.randrange(12)}.md"
        what = chance.random()
        if what < 0.15:
            path.unlink(missing_ok=True)
        elif what < 0.4:
            other = chance.choice([path, *sorted(place.docs.rglob("*.md"))])
            if not other.exists() or other == path:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if what < 0.3:
                other.replace(path)
            else:
                place.write(_name(place, path), other.read_bytes(), age=chance.randrange(10, 9_000))
        else:
            parts = range(chance.randrange(1, 6))
            name = _name(place, path)
            text = "".join(f"# Part {n}\n\nFact {chance.random()} of {name}.\n\n" for n in parts)
            place.write(name, text, age=chance.randrange(10, 9_000))


def files(place: Place) -> dict[str, str]:
    return {_name(place, path): path.read_text() for path in place.docs.rglob("*.md")}


def check_half_way(place: Place, before: dict[str, str]) -> None:
    """Whatever happened: every document is there once, whole, as it was or as it is now."""
    now, live = files(place), place.contents()
    place.whole()
    for path in before.keys() | now.keys() | live.keys():
        allowed = {before.get(path), now.get(path)}
        assert live.get(path) in allowed, f"{path} is stale, missing or made up"
    for question in QUESTIONS:
        retriever = Retriever(place.catalog, place.indexes, place.embedder, Retrieval())
        found = retriever.search(question, 20)
        assert len({(p.document, p.chunk) for p in found}) == len(found), "doubled"
        for passage in found:
            assert live[passage.document][passage.start : passage.end] == passage.text


def survive(tmp_path: Path, kills: int, seed: int, mode: str = "sync") -> None:
    chance = random.Random(seed)
    place, clean = Place(tmp_path / "kb"), Place(tmp_path / "clean")
    for _ in range(5):
        change(place, chance)
    syncs = Syncs(place, mode)
    # The first is not killed: moments are to be spread over the time that a sync really takes.
    takes = syncs.one(wait=60)
    assert takes
    killed = 0
    for _ in range(kills):
        change(place, chance)
        before = place.contents()
        finished = syncs.one(wait=chance.uniform(0, takes))
        killed += finished is None
        takes = finished or takes
        check_half_way(place, before)
    syncs.close()
    assert killed > kills / 3, "most syncs finished before they were killed"
    place.sync()
    place.check()
    assert place.contents() == files(place)
    clean.sync(place.docs)
    assert place.whole() == clean.whole()


def test_a_sync_killed_at_any_moment(tmp_path: Path) -> None:
    survive(tmp_path, 4, seed=1)


def test_a_rebuild_killed_at_any_moment(tmp_path: Path) -> None:
    survive(tmp_path, 2, seed=2, mode="rebuild")


@pytest.mark.slow
def test_a_sync_killed_at_a_hundred_moments(tmp_path: Path) -> None:
    survive(tmp_path, 100, seed=3)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _name(place: Place, path: Path) -> str:
    return path.relative_to(place.docs).as_posix()
