"""What a sync tells: while it works, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[int, int, int, float], None]
"""Called with files done, files to do, windows embedded, seconds since the start."""


@dataclass(slots=True)
class SyncReport:
    """What a sync did.

    Attributes:
        added, updated, deleted, unchanged: files.
        failed: (path under its source, reason) of each file that could not be read.
        notes: further things worth telling.
        seconds: wall time.
        chunks, windows: made by this sync.
    """

    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    chunks: int = 0
    windows: int = 0
