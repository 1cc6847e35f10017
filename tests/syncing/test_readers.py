"""A hostile file costs only itself; the processes that read never outlive who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.syncing import hostile
from tests.syncing.place import Place

from groundtone import documents
from groundtone.settings import Settings
from groundtone.syncing.report import Step

ROOT = Path(__file__).parents[2]
ORDERS = {
    "claim.txt": ("claim 3000", "needed more than 128 MB of memory to read"),
    "crash.txt": ("crash", "brought its reader down (SIGSEGV); it is probably damaged"),
    "exit.txt": ("exit", "brought its reader down (exit code 7); it is probably damaged"),
    "fill.txt": ("fill 110", "needed more than 128 MB of memory to read"),
    "hang.txt": ("hang", "took longer than 1.5 s to read"),
    "killed.txt": ("killed", "reading it was stopped from outside, perhaps because memory ran out"),
    "lacking.txt": ("lacking", "needs a package"),
    "spin.txt": ("spin", "took longer than 1.5 s to read"),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(documents, "read_all", hostile.read_all)
    place = Place(tmp_path / "kb", Settings(sync={"read_seconds": 1.5, "read_mb": 128}))
    yield place
    place.close()


def test_hostile_files_cost_only_themselves(place: Place) -> None:
    for name, (order, _) in ORDERS.items():
        place.write(name, f"{order}\n\nNever to be seen.")
    for number in range(20):
        place.write(f"good-{number}.txt", f"Good text {number}.")
    place.write("chatter.txt", "chatter\n\nGood text all the same.")
    report = place.sync()
    assert dict(report.failed) == {name: reason for name, (_, reason) in ORDERS.items()}
    assert report.added == 21 and "chatter.txt" in place.contents()
    place.check()

    # What must fail again is not tried again; what may have been bad luck is, such as waiting.
    for name in ("killed.txt", "lacking.txt"):
        place.write(name, "good\n\nGood at last.", age=50)
    steps: list[Step] = []
    report = place.sync(progress=steps.append)
    # On a busy machine what spins may have waited as well.
    assert max(step.total for step in steps) <= 4
    assert report.added == 2 and report.unchanged == 21
    assert [name for name, _ in report.failed] == [
        name for name in ORDERS if name not in ("killed.txt", "lacking.txt")
    ]

    # With other limits all are tried anew.
    place.settings = Settings(sync={"read_seconds": 1.6, "read_mb": 128})
    place.write("hang.txt", "good\n\nNo longer.", age=40)
    (place.docs / "spin.txt").unlink()
    report = place.sync()
    assert ("hang.txt" in place.contents(), report.added) == (True, 1)
    assert len(report.failed) == len(ORDERS) - 4


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no figures of processor time")
def test_a_file_that_waits_for_its_turn_is_given_time(place: Place) -> None:
    # As on a machine that has other things to do: time passes, and no processor works for it.
    place.write("patient.txt", "wait 2.5\n\nRead in the end.")
    assert place.sync().added == 1


def test_bad_luck_is_tried_again_though_nothing_changed(place: Place, tmp_path: Path) -> None:
    place.write("once.txt", f"once {tmp_path / 'mark'}\n\nGood text.")
    assert place.sync().failed == [("once.txt", "not today")]
    assert place.sync().added == 1
    assert place.sync().unchanged == 1


def test_files_are_read_by_a_child_of_ours(place: Place) -> None:
    place.write("pid.txt", "pid")
    place.sync()
    words = place.contents()["pid.txt"].strip(".").split()
    assert int(words[-1]) == os.getpid()
    assert int(words[3].strip(",")) != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(int(words[3].strip(",")), 0)


def test_a_reader_dies_with_its_parent_while_it_hangs(tmp_path: Path) -> None:
    place = Place(tmp_path / "kb")
    place.write("hang.txt", "hang\n")
    code = (
        "import sys, pathlib; from groundtone import documents; from tests.syncing import hostile; "
        "from tests.syncing.place import Place; documents.read_all = hostile.read_all; "
        "Place(pathlib.Path(sys.argv[1])).sync()"
    )
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(place.root)], env={**os.environ, "PYTHONPATH": paths}
    )
    try:
        deadline = time.monotonic() + 60
        while not (children := _children(parent.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 60
    while any(map(_runs, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_runs, children))


def _children(parent: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=,ppid=", "-A"], capture_output=True, text=True)
    rows = (map(int, line.split()) for line in found.stdout.splitlines())
    return [pid for pid, of in rows if of == parent]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
