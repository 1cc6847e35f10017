"""Trains runs as a launcher does: ``python together.py FOLDER:PROCESSES …``.

The heavy packages are imported once; each process is a fork that runs the child's own `main`, with
the variables by which torchrun says who is who. Prints each run's exit codes on a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import peft  # noqa: F401  imported before the forks
import torch
import transformers  # noqa: F401

from groundtone.tuning import child
from groundtone.tuning.team import MEETING


def one(folder: Path, rank: int, size: int) -> int:
    """A process of the run; returns its number."""
    if pid := os.fork():
        return pid
    if size > 1:
        told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
        os.environ.update({name: str(value) for name, value in told.items()})
        os.environ[MEETING] = str(folder.absolute() / "meeting")
    os._exit(child.main(folder))


def main() -> None:
    """Train one run after the other."""
    torch.set_num_threads(1)
    for word in sys.argv[1:]:
        name, _, size = word.rpartition(":")
        pids = [one(Path(name), rank, int(size)) for rank in range(int(size))]
        print(*(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))


if __name__ == "__main__":
    main()
