"""The process that reads files for a sync, one at a time, within limits.

It is started as ``python -c`` and spoken to in frames: eight bytes of length, then as many bytes
of pickle. First comes a `Reader`, answered by an empty frame; then a `Job` at a time, answered by
a `Read`. It ends when its standard input does, and on Linux at once when its parent dies.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
from typing import IO

OUT_OF_MEMORY = b"out of memory"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG in linux/prctl.h


def send(stream: IO[bytes], payload: bytes) -> None:
    """Write one frame."""
    stream.write(len(payload).to_bytes(8, "little"))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read one frame.

    Raises:
        EOFError: the other side has gone.
    """
    head = stream.read(8)
    size = int.from_bytes(head, "little")
    payload = stream.read(size) if len(head) == 8 else b""
    if len(head) < 8 or len(payload) < size:
        raise EOFError
    return payload


def main(parent: int, megabytes: int) -> None:
    """Serve the process ``parent``, with at most so much more memory than a bare start needs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    _die_with(parent)
    incoming = sys.stdin.buffer
    outgoing = os.fdopen(os.dup(1), "wb")
    keep_quiet()
    # Imported before the parent has opened its model: both take time.
    import tokenizers  # noqa: F401

    import groundtone.syncing.reading  # noqa: F401

    with contextlib.suppress(EOFError, BrokenPipeError):
        reader = pickle.loads(receive(incoming))
        _limit(megabytes)
        send(outgoing, b"")
        while True:
            job = pickle.loads(receive(incoming))
            try:
                answer = pickle.dumps(reader.read(job), pickle.HIGHEST_PROTOCOL)
            except MemoryError:
                answer = OUT_OF_MEMORY
            send(outgoing, answer)


def keep_quiet() -> None:
    """What libraries print or read must not reach the frames."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)


def _die_with(parent: int) -> None:
    """Linux only; elsewhere the end of standard input is noticed after the present file."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _limit(megabytes: int) -> None:
    """The net under the parent's watch, for what grows faster than it looks; and no core files."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with open("/proc/self/status") as status:  # noqa: PTH123
            sizes = dict(line.split(":", 1) for line in status)
        used = int(sizes["VmData"].split()[0]) * 1024
        most = used + megabytes * 1_000_000 * 5 // 4
        with contextlib.suppress(ValueError, OSError):  # a lower hard limit is there already
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))
