"""One writer at a time, and what stops it in the user's words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from groundtone.catalog import Catalog
from groundtone.errors import Busy, GroundtoneError

LOCK = "sync.lock"


@contextmanager
def alone(state: Path, catalog: Catalog) -> Iterator[None]:
    """Hold the workspace's writing lock; it is dropped when a process dies.

    On this machine it is a file; machines that share a catalog on a server share a lock there.

    Raises:
        Busy: another process holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    lock = FileLock(state / LOCK, timeout=0)
    busy = Busy(
        f"Another process is syncing this workspace ({state.parent}).",
        "Wait until it has finished; searching and asking go on meanwhile.",
    )
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    try:
        with catalog.exclusive("sync") as held:
            if not held:
                raise busy
            yield
    finally:
        lock.release()


@contextmanager
def named_disk_full(state: Path) -> Iterator[None]:
    """Turn the many ways to say that a disk is full into one."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        if not full and "No space left" not in str(error):
            raise
        raise GroundtoneError(
            f"The disk is full: {state} could not be written.",
            "Free some space and sync again; what was synced so far is kept.",
        ) from error
