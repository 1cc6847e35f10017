"""How many processor cores this process may use."""

from __future__ import annotations

import os


def usable() -> int:
    """Cores that the system lets this process use: fewer than the machine has in a container that
    is bound to some of them, or under ``taskset``."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
