"""Memory that is free goes back to the system between the steps of a long task."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ARENAS = 2
LARGE = 1 << 20
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's mallopt
_HEAP = 32 << 20  # what its threshold grows to by itself


def few_arenas() -> None:
    """Let glibc keep few heaps: with one for each thread of a store, what a scan has freed in one
    is of no use to the next, and the process keeps twice what it needs. Heaps that are there stay,
    so this comes before a store is opened. Does nothing where there is another C library."""
    _mallopt(_M_ARENA_MAX, ARENAS)


@contextmanager
def large_apart() -> Iterator[None]:
    """Meanwhile, blocks of `LARGE` bytes and more are taken from the system one by one, and are its
    own again as soon as they are free: what copies a table in blocks of all sizes leaves a heap
    full of holes, the more the larger the table. Does nothing where there is another C library."""
    _mallopt(_M_MMAP_THRESHOLD, LARGE)
    try:
        yield
    finally:
        _mallopt(_M_MMAP_THRESHOLD, _HEAP)  # to ask the system each time is slower


def give_back() -> None:
    """Let the system have what allocators keep: glibc's keeps a lot, for each thread, and the next
    step takes its own beside it. Does nothing where there is another C library."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _mallopt(parameter: int, value: int) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(parameter, value)
