"""Memory that is free goes back to the system between the steps of a long task."""

from __future__ import annotations

import ctypes
from contextlib import suppress

ARENAS = 2
_M_ARENA_MAX = -8  # of glibc's mallopt


def few_arenas() -> None:
    """Let glibc keep few heaps: with one for each thread of a store, what a scan has freed in one
    is of no use to the next, and the process keeps twice what it needs. Heaps that are there stay,
    so this comes before a store is opened. Does nothing where there is another C library."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Let the system have what allocators keep: glibc's keeps a lot, for each thread, and the next
    step takes its own beside it. Does nothing where there is another C library."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
