"""What a sync tells: while it works, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """Where a sync stands.

    Attributes:
        done: files that are finished: live in their new version, or failed.
        total: files that are to be read; unchanged, moved and deleted ones are not among them.
        chunks, windows: of the files read so far; windows that were embedded or looked up.
        seconds: since the sync began.
        left: seconds until the end, judged by the bytes read so far; None before anything is
            known.
        page: the address that is being fetched; then ``done`` and ``total`` count pages, and
            nothing has been read yet.
    """

    done: int
    total: int
    chunks: int
    windows: int
    seconds: float
    left: float | None = None
    page: str | None = None

    @property
    def chunks_per_s(self) -> float:
        """Chunks a second since the sync began."""
        return self.chunks / self.seconds if self.seconds else 0.0


Progress = Callable[[Step], None]
"""Called from the thread that called `sync`: after each file read and each group of at most 64
windows embedded. An exception that it raises ends the sync as a kill would."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one file.

    Attributes:
        kind: what happened, or for a dry run would happen.
        path: under its source; for a moved one the new place.
        before: the earlier path of a moved file.
    """

    kind: Literal["added", "updated", "moved", "deleted"]
    path: str
    before: str | None = None


@dataclass(slots=True)
class SyncReport:
    """What a sync did, or what one would do.

    Attributes:
        added, updated, moved, deleted, unchanged: files; a moved one is in none of the others.
        failed: (path under its source, reason) of each file that could not be read, and of each
            document inside one that could not (``FILE!/NAME``).
        notes: further things worth telling.
        changes: each file behind the first four numbers, in the order of their paths.
        dry_run: nothing was read and nothing done.
        seconds: wall time.
        chunks, windows: made by this sync.
        embedded: windows that had to be embedded; the others' vectors were known.
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    dry_run: bool = False
    seconds: float = 0.0
    chunks: int = 0
    windows: int = 0
    embedded: int = 0
