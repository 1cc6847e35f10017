"""Gives training runs several lives: ``python lives.py FOLDER:KILL,KILL… FOLDER…``.

The heavy packages are imported once; each life is a fork that runs the child's own `main`. KILL is
the number of lines in the event log at which a life is ended by SIGKILL, a moment later. A run that
paused is given one life more. Prints each run's exit codes on a line.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import peft  # noqa: F401  imported before the forks
import torch
import transformers  # noqa: F401

from groundtone.tuning import child, runs


def live(folder: Path, kill: int | None, delay: float) -> int:
    """One life; returns its exit code, negative for the signal that ended it."""
    pid = os.fork()
    if not pid:
        os._exit(child.main(folder))
    log = folder / "events.jsonl"
    while kill is not None:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if log.exists() and log.read_bytes().count(b"\n") >= kill:
            time.sleep(delay)
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.001)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    """Live and die as told, then live to the end."""
    torch.set_num_threads(1)
    for word in sys.argv[1:]:
        name, _, told = word.partition(":")
        folder, kills = Path(name), [int(kill) for kill in told.split(",") if kill]
        draw = random.Random(len(kills))
        codes = [live(folder, kill, draw.random() * 0.05) for kill in kills]
        codes.append(live(folder, None, 0.0))
        if runs.events(folder)[-1]["event"] == "paused":
            (folder / "pause").unlink()
            codes.append(live(folder, None, 0.0))
        print(*codes)


if __name__ == "__main__":
    main()
