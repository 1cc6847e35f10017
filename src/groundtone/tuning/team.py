"""Several processes that train one adapter: each reads a share of every batch, gradients are added.

Every process holds the whole model and takes the same steps. A step's gradient is the sum over
all examples' answer tokens divided by their number, whoever read them, so it is that of one
process with the same batches; only the order in which numbers are added differs. What any of them
meets, a wish to pause or a want of memory, all of them hear before they go on: nobody waits for
one that has turned another way.

One process is a team too, of which nothing of this is asked. Several on one machine are started by
the first (:func:`start`). On several machines ``torchrun`` or ``accelerate launch`` starts them,
and their variables (RANK, WORLD_SIZE and the rest) say who is who; all must see the run's folder.

Two processes on one machine's CPU, with gloo, are tested. GPUs (with nccl) and several machines
follow PyTorch's documentation and never ran.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed

MEETING = "GROUNDTONE_MEETING"
"""The variable that names the file where processes of one machine find each other."""
PATIENCE = timedelta(minutes=30)
"""How long one waits for the others, who may read a much longer share."""


@dataclass(frozen=True, slots=True)
class Team:
    """Who this process is among those that train.

    Attributes:
        rank: its number, from 0; the first alone writes files.
        size: how many there are.
        here: how many of them are on this machine.
        device: where their common numbers must lie.
    """

    rank: int = 0
    size: int = 1
    here: int = 1
    device: str | torch.device = "cpu"

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0

    def share(self, items: Sequence[Any]) -> list[Any]:
        """This process's part of what all do together; neighbours, alike in length, are dealt out.

        >>> Team(rank=1, size=2).share("abcde")
        ['b', 'd']
        """
        return list(items[self.rank :: self.size])

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums over all processes, the same in each."""
        if self.size == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(sums)
        found: list[float] = sums.tolist()
        return found

    def any(self, said: bool) -> bool:
        """Whether any of them says so."""
        return said if self.size == 1 else self.total([float(said)])[0] > 0

    def most(self, value: int) -> int:
        """The largest number that any of them has."""
        if self.size == 1:
            return value
        largest = torch.tensor(value, dtype=torch.int64, device=self.device)
        distributed.all_reduce(largest, op=distributed.ReduceOp.MAX)
        return int(largest)

    def add_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Give every parameter the sum of all processes' gradients, the same bits in each."""
        if self.size == 1:
            return
        flat = torch.cat(
            [
                (torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1).float()
                for p in parameters
            ]
        )
        distributed.all_reduce(flat)
        at = 0
        for parameter in parameters:
            size = parameter.numel()
            parameter.grad = flat[at : at + size].view_as(parameter).to(parameter.dtype)
            at += size

    def leave(self) -> None:
        """Part from the others, after the last that is done together."""
        if self.size > 1:
            distributed.destroy_process_group()


ALONE = Team()


def join(device: torch.device) -> Team:
    """Meet the others whom the variables speak of; alone where they speak of none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    rank, cuda = int(os.environ["RANK"]), device.type == "cuda"
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    meeting = os.environ.get(MEETING)
    distributed.init_process_group(
        "nccl" if cuda else "gloo",
        init_method=f"file://{meeting}" if meeting else "env://",
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
    )
    return Team(rank, size, int(os.environ.get("LOCAL_WORLD_SIZE", size)), device)


@contextlib.contextmanager
def start(folder: Path, processes: int) -> Iterator[None]:
    """Start the others of a run on this machine, and be the first of them.

    Nothing happens for one process, or where a launcher has started all of them. Those started here
    are ended with the block; killed, they leave nothing, for they write nothing, and when the first
    is killed the others' next common number fails and they end.
    """
    if processes == 1 or "WORLD_SIZE" in os.environ:
        yield
        return
    meeting = folder.absolute() / f"meeting-{uuid.uuid4().hex[:8]}"
    shared = {MEETING: str(meeting), "WORLD_SIZE": str(processes)}
    shared["LOCAL_WORLD_SIZE"] = shared["WORLD_SIZE"]
    if sys.platform == "linux":
        shared.setdefault("GLOO_SOCKET_IFNAME", os.environ.get("GLOO_SOCKET_IFNAME", "lo"))
    others = [
        subprocess.Popen(
            [sys.executable, "-m", "groundtone.tuning.child", str(folder)],
            stdin=subprocess.DEVNULL,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(1, processes)
    ]
    os.environ.update(shared | {"RANK": "0", "LOCAL_RANK": "0"})
    try:
        yield
    finally:
        for name in (*shared, "RANK", "LOCAL_RANK"):
            os.environ.pop(name, None)
        for other in others:
            with contextlib.suppress(subprocess.TimeoutExpired):
                other.wait(5 if sys.exc_info()[0] is None else 0)
            other.kill()
            other.wait()
        meeting.unlink(missing_ok=True)
