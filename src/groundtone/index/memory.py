"""Memory that is free goes back to the system between the steps of a long task."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Let the system have what allocators keep: glibc's keeps a lot, for each thread, and the next
    step takes its own beside it. Does nothing where there is another C library."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
