"""Starting, following and ending training runs, which live in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundtone.errors import MissingExtra, WrongUse

Event = dict[str, Any]
ENDS = frozenset({"trained", "paused", "cancelled", "failed"})


def start(folder: Path) -> None:
    """Start, or go on with, the run in `folder`; returns at once.

    The child leads a session of its own: it survives its parent and its terminal. A job that names
    a ``launcher`` (``torchrun …``) has its processes started by that.

    Raises:
        MissingExtra: the packages for tuning are not installed.
        WrongUse: the launcher is not there.
    """
    import importlib.util
    import shutil

    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "peft")):
        raise MissingExtra("Tuning", "tune")
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        # Threads that wait should sleep: spinning ones make two programs on two cores crawl.
        "OMP_WAIT_POLICY": "passive",
        # Fewer threads for small matrices would be other sums: bits depend on their number.
        "OMP_DYNAMIC": "false",
        "MKL_DYNAMIC": "false",
    }
    words = shlex.split(_launcher(folder)) or [sys.executable]
    if shutil.which(words[0]) is None:
        raise WrongUse(f"There is no program {words[0]!r}.", "Correct [tuning] launcher.")
    (folder / "pause").unlink(missing_ok=True)
    with (folder / "stderr.log").open("ab") as log:
        child = subprocess.Popen(
            [*words, "-m", "groundtone.tuning.child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    sign(folder, child.pid)


def sign(folder: Path, pid: int) -> None:
    """Write down which process carries a run, in one step: nobody may read a file half written."""
    draft = folder / f"pid-{os.getpid()}.partial"
    draft.write_text(str(pid))
    draft.replace(folder / "pid")


def alive(folder: Path) -> bool:
    """Whether the run's process is at work."""
    try:
        pid = int((folder / "pid").read_text())
    except (OSError, ValueError):
        return False
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # an ended child of ours must not count as alive
    process = Path("/proc") / str(pid)
    if not process.parent.is_dir():  # no /proc on this system: ask by signal
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False
    # A process that is only just starting has no command line yet; another one has its own.
    return state != "Z" and (not command or b"groundtone.tuning.child" in command)


def events(folder: Path) -> list[Event]:
    """All events so far, a half-written last line left out."""
    found: list[Event] = []
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / "events.jsonl").read_text("utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
    return found


def follow(
    folder: Path,
    *,
    poll_s: float = 0.2,
    seen: int = 0,
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[Event]:
    """Yield events as they come, to the last one.

    Args:
        seen: events to skip, from the beginning.
        meanwhile: called before each look, also while nothing happens.

    What a run said at the end of an earlier life, before it was resumed, is not its end. A process
    that died without a last word gives a ``failed`` event that says how to go on.
    """
    while True:
        if meanwhile:
            meanwhile()
        living = alive(folder)
        told = events(folder)
        for place, event in enumerate(told[seen:], start=seen):
            ended = event["event"] in ENDS
            if ended and place == len(told) - 1 and living:
                break  # its last word, or an earlier life's: known once the process has gone on
            seen += 1
            if not ended:
                yield event
            elif place == len(told) - 1:
                yield event
                return
        if not living:
            yield {"event": "failed", "error": _last_words(folder)}
            return
        time.sleep(poll_s)


def pause(folder: Path, *, wait_s: float = 120.0) -> bool:
    """Ask the run to stop after the step at hand, with a checkpoint of just that.

    Returns whether it stopped so within the time; False also where none was at work. A run that
    ends meanwhile has nothing to pause.
    """
    if not alive(folder):
        return False
    (folder / "pause").touch()
    end = time.monotonic() + wait_s
    while alive(folder) and time.monotonic() < end:
        time.sleep(0.05)
    told = events(folder)
    return bool(told) and told[-1]["event"] == "paused"


def cancel(folder: Path, *, wait_s: float = 10.0) -> bool:
    """End the run's process; what was checkpointed stays. Returns whether one was at work."""
    if not alive(folder):
        return False
    pid = int((folder / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + wait_s
    while alive(folder) and time.monotonic() < end:
        time.sleep(0.05)
    if alive(folder):
        os.kill(pid, signal.SIGKILL)
    return True


def _launcher(folder: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return str(json.loads((folder / "job.json").read_text("utf-8")).get("launcher", ""))
    return ""


def _last_words(folder: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (folder / "stderr.log").read_text("utf-8", "replace").strip().splitlines()
        if lines:
            return f"the training process ended unexpectedly ({lines[-1][:200]})"
    return "the training process was killed; `groundtone tune resume` goes on from its checkpoint"
