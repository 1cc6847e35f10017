"""Following a run's process by what it leaves in its folder."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from groundtone.tuning import runs


def tell(folder: Path, *events: dict[str, object]) -> None:
    with (folder / "events.jsonl").open("a", encoding="utf-8") as log:
        for event in events:
            log.write(json.dumps(event) + "\n")


def life(folder: Path, seconds: float) -> subprocess.Popen[bytes]:
    """A process that looks like a training child for so long."""
    child = subprocess.Popen(
        [sys.executable, "-c", f"import time; time.sleep({seconds})", "groundtone.tuning.child"]
    )
    (folder / "pid").write_text(str(child.pid))
    return child


def test_events_come_to_the_last_word(tmp_path: Path) -> None:
    tell(tmp_path, {"event": "loading"}, {"event": "step", "step": 1}, {"event": "trained"})
    assert [event["event"] for event in runs.follow(tmp_path)] == ["loading", "step", "trained"]


def test_a_death_without_a_last_word_says_how_to_go_on(tmp_path: Path) -> None:
    tell(tmp_path, {"event": "step", "step": 1})
    last = list(runs.follow(tmp_path))[-1]
    assert last["event"] == "failed"
    assert "tune resume" in last["error"]


def test_the_end_of_an_earlier_life_is_not_the_end(tmp_path: Path) -> None:
    tell(tmp_path, {"event": "step", "step": 1}, {"event": "cancelled"})
    child = life(tmp_path, 60)

    def resumed() -> None:
        time.sleep(0.5)
        tell(tmp_path, {"event": "resumed"}, {"event": "step", "step": 2}, {"event": "trained"})
        child.kill()

    threading.Thread(target=resumed).start()
    names = [event["event"] for event in runs.follow(tmp_path, poll_s=0.05)]
    child.wait()
    assert names == ["step", "resumed", "step", "trained"]


def test_a_run_is_alive_while_its_process_writes_down_its_number(tmp_path: Path) -> None:
    child = life(tmp_path, 300)
    signing = threading.Thread(target=lambda: [runs.sign(tmp_path, child.pid) for _ in range(200)])
    signing.start()
    while signing.is_alive():
        assert runs.alive(tmp_path)
    signing.join()
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]
    child.kill()
    child.wait()


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    tell(tmp_path, {"event": "loading"})
    with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"event": "ste')
    assert [event["event"] for event in runs.events(tmp_path)] == ["loading"]


def test_cancelling_ends_the_process_and_nothing_else(tmp_path: Path) -> None:
    assert not runs.cancel(tmp_path)
    child = life(tmp_path, 300)
    assert runs.alive(tmp_path)
    assert runs.cancel(tmp_path)
    assert not runs.alive(tmp_path)
    child.wait(timeout=60)


def test_a_stranger_with_the_same_number_is_not_the_run(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    (tmp_path / "pid").write_text(str(stranger.pid))
    assert not runs.alive(tmp_path)
    assert not runs.cancel(tmp_path)
    assert stranger.poll() is None
    stranger.kill()


def test_whoever_follows_can_stop_while_nothing_happens(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def enough() -> None:
        raise Enough

    child = life(tmp_path, 300)
    with pytest.raises(Enough):
        list(runs.follow(tmp_path, meanwhile=enough))
    assert runs.alive(tmp_path)
    runs.cancel(tmp_path)
    child.wait(timeout=60)
