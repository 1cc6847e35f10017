"""A source taken out of the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from groundtone.catalog import Catalog
from groundtone.index.generations import Indexes
from groundtone.syncing.guarding import alone
from groundtone.syncing.remembering import DIMENSIONS, DONE
from groundtone.syncing.sources import find


def forget(
    source: Path | str,
    *,
    state: Path,
    catalog: Catalog,
    indexes: Indexes,
    dimensions: Callable[[], int],
) -> int:
    """Remove a source and all its documents from the workspace; its files stay.

    Args:
        source: its path, its address, or as the workspace remembers it.
        dimensions: asks the embedding model for the length of its vectors, where no sync has
            noted it.

    Returns:
        how many documents were removed.

    Raises:
        WrongUse: no such source.
        Busy: a sync is running.
    """
    with alone(state, catalog):
        wanted = find(catalog, state.parent.resolve(), source)
        catalog.forget(DONE)
        gone = catalog.remove_source(wanted.id)
        if gone and indexes.exists():
            noted = catalog.fact(DIMENSIONS)
            index = indexes.current(int(noted) if noted else dimensions())
            index.delete(gone)
        return len(gone)
