"""A sync killed at any moment leaves everything consistent, and the next one finishes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.syncing.place import Place

ROOT = Path(__file__).parents[2]


def start(place: Place, mode: str = "sync") -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.syncing.child", str(place.root), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
    )


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == "ready\n"
    child.stdin.write("\n")
    child.stdin.flush()


def change(place: Place, chance: random.Random, written: dict[str, set[str]]) -> None:
    """Add, edit and delete some files; remember every text that a file ever had."""
    for _ in range(12):
        name = f"{chance.randrange(4)}/{chance.randrange(12)}.md"
        if chance.random() < 0.2:
            (place.docs / name).unlink(missing_ok=True)
            continue
        parts = range(chance.randrange(1, 6))
        text = "".join(f"# Part {n}\n\nFact {chance.random()} of {name}.\n\n" for n in parts)
        written.setdefault(name, set()).add(text)
        place.write(name, text, age=chance.randrange(10, 10_000))


def check_half_way(place: Place, written: dict[str, set[str]]) -> None:
    """Whatever happened: what is live is whole, and can be found."""
    held = place.indexes.current(place.embedder.dimensions).versions()
    for document in place.catalog.documents():
        assert document.version in held
        assert place.catalog.text(document.version) in written[document.path]


def check_finished(place: Place, clean: Place) -> None:
    place.sync()
    place.check()
    files = {
        path.relative_to(place.docs).as_posix(): path.read_text()
        for path in place.docs.rglob("*.md")
    }
    assert place.contents() == files
    clean.sync(place.docs)
    for question in ("fact of 1/1.md", "part 3", "0.25"):
        assert place.found(question) == clean.found(question)


def survive(tmp_path: Path, moments: Sequence[float], seed: int, mode: str = "sync") -> None:
    chance = random.Random(seed)
    place = Place(tmp_path / "kb")
    written: dict[str, set[str]] = {}
    for _ in range(5):
        change(place, chance, written)
    if mode == "rebuild":
        place.sync()
    children = [start(place, mode) for _ in moments]
    killed = 0
    for child, moment in zip(children, moments, strict=True):
        go(child)
        time.sleep(moment)
        child.kill()
        output, _ = child.communicate()
        killed += "done" not in output
        check_half_way(place, written)
        change(place, chance, written)
    assert killed, "every sync finished before it was killed"
    check_finished(place, Place(tmp_path / "clean"))


def test_a_sync_killed_at_any_moment(tmp_path: Path) -> None:
    survive(tmp_path, [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2], seed=1)


def test_a_rebuild_killed_at_any_moment(tmp_path: Path) -> None:
    survive(tmp_path, [0.1, 0.4, 0.9], seed=2, mode="rebuild")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_syncs_killed_often(tmp_path: Path, seed: int) -> None:
    chance = random.Random(100 + seed)
    # The first comes too early for any sync to finish, however fast the machine.
    survive(tmp_path, [0.01, *(chance.uniform(0, 0.8) for _ in range(9))], seed)
