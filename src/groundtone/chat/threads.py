"""How many CPU threads a local engine uses."""

from __future__ import annotations

import os

from groundtone.cores import usable
from groundtone.errors import WrongUse


def default_threads() -> int:
    """Return $GROUNDTONE_THREADS, or the number of physical cores this process may use."""
    try:
        wanted = int(os.environ.get("GROUNDTONE_THREADS", "0"))
    except ValueError as error:
        raise WrongUse("GROUNDTONE_THREADS is not a number.") from error
    if wanted > 0:
        return wanted
    cores = usable()
    return cores if cores <= 2 else max(2, cores // 2)
