"""Who may write beside whom, and what stops a writer in the user's words.

A workspace in a folder has one writer at a time. Where the catalog is in PostgreSQL and the index
is shared too, several sync at once, on one machine or on several, each source by one of them;
whatever touches more than that is alone.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from groundtone.catalog import Catalog, Source
from groundtone.errors import Busy, GroundtoneError

if TYPE_CHECKING:
    from groundtone.catalog.connecting import Locks
    from groundtone.settings import IndexSettings

LOCK = "sync.lock"
SYNCING, CHOOSING = "sync", "sources"  # names of locks on a server
WAIT_S = 5.0  # for one who is alone for a moment; a rebuild takes longer


def many_may_write(index: IndexSettings) -> bool:
    """Whether several may write an index at once: nothing of it is in the workspace's folder."""
    return index.store == "pgvector" or (index.store == "lancedb" and bool(index.url))


class Hold:
    """What a sync has to itself: all, or the sources that it claims.

    Args:
        locks: of the catalog's server; None: it has all.
    """

    def __init__(self, locks: Locks | None = None) -> None:
        self._locks = locks

    @property
    def shared(self) -> bool:
        """Whether others may be syncing other sources."""
        return self._locks is not None

    @contextmanager
    def choosing(self) -> Iterator[None]:
        """Nobody else adds sources or begins an index meanwhile.

        Raises:
            Busy: another does.
        """
        if self._locks is None:
            yield
            return
        if not self._locks.take(CHOOSING, seconds=WAIT_S):
            raise _busy("Another process is looking at its sources.")
        try:
            yield
        finally:
            self._locks.drop(CHOOSING)

    def claim(self, source: Source) -> None:
        """Have a source to oneself until the end.

        Raises:
            Busy: another process is syncing it.
        """
        if self._locks is not None and not self._locks.take(f"source {source.id}"):
            raise Busy(
                f"Another process is syncing {source.path}.",
                "Wait until it has finished, or name other sources: they can be synced meanwhile.",
            )

    @contextmanager
    def everything(self) -> Iterator[bool]:
        """Have all to oneself for as long as the block lasts; yields whether that could be."""
        if self._locks is None:
            yield True
            return
        only = self._locks.take(SYNCING)
        try:
            yield only
        finally:
            if only:
                self._locks.drop(SYNCING)


@contextmanager
def beside(catalog: Catalog) -> Iterator[Hold]:
    """Sync beside others who sync other sources.

    Raises:
        Busy: another process has the workspace to itself.
    """
    with catalog.locks() as locks:
        if not locks.take(SYNCING, shared=True, seconds=WAIT_S):
            raise _busy("Another process is syncing this workspace, and has to be alone.")
        yield Hold(locks)


@contextmanager
def alone(state: Path, catalog: Catalog) -> Iterator[Hold]:
    """Hold the workspace's writing lock; it is dropped when a process dies.

    On this machine it is a file; machines that share a catalog on a server share a lock there.

    Raises:
        Busy: another process holds it.
        GroundtoneError: the workspace's folder cannot be written.
    """
    lock = FileLock(state / LOCK, timeout=0)
    busy = _busy(f"Another process is syncing this workspace ({state.parent}).")
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise GroundtoneError(
            f"{state} cannot be written: {(error.strerror or str(error)).lower()}.",
            "Make the workspace's folder writable for you, or copy it to where it is.",
        ) from error
    try:
        with catalog.exclusive("sync") as held:
            if not held:
                raise busy
            yield Hold()
    finally:
        lock.release()


@contextmanager
def named_disk_full(state: Path) -> Iterator[None]:
    """Turn the many ways to say that a disk is full into one."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not is_full(error):
            raise
        raise GroundtoneError(
            f"The disk is full: {state} could not be written.",
            "Free some space and sync again; what was synced so far is kept.",
        ) from error


def is_full(error: Exception) -> bool:
    """Whether it says that a disk is full."""
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    return full or "No space left" in str(error)


def _busy(what: str) -> Busy:
    return Busy(what, "Wait until it has finished; searching and asking go on meanwhile.")
