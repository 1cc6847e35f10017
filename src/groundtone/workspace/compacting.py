"""The index in as few files as it takes, by whatever machine has time for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundtone.errors import WrongUse
from groundtone.index import Compacting
from groundtone.syncing.guarding import alone, named_disk_full
from groundtone.syncing.remembering import DIMENSIONS

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of an index.

    Attributes:
        windows: that it holds.
        removed: those of documents that are no longer live, left by a sync that was killed.
        seconds: it took.
    """

    windows: int
    removed: int
    seconds: float


def compact(workspace: Workspace) -> Compacted:
    """Remove what is not live, take new windows into the search structures, and merge files.

    A sync does as much of it as is worth the while; this does all. Searching goes on meanwhile.

    Raises:
        WrongUse: there is no index yet.
        Busy: a sync is running.
        GroundtoneError: the store does not answer, or the disk is full.
    """
    begun = time.monotonic()
    with alone(workspace.state, workspace.catalog), named_disk_full(workspace.state):
        dimensions = int(workspace.catalog.fact(DIMENSIONS) or 0)
        if not (dimensions and workspace.indexes.exists()):
            raise WrongUse("There is no index yet.", "Run `groundtone sync FOLDER` first.")
        workspace.indexes.sweep()
        index = workspace.indexes.current(dimensions)
        before = index.count()
        index.delete(index.versions() - workspace.catalog.versions())
        index.optimise()
        if isinstance(index, Compacting):
            index.compact()
        windows = index.count()
    return Compacted(windows, before - windows, round(time.monotonic() - begun, 3))
