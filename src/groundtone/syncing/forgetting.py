"""A source taken out of the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from groundtone.catalog import Catalog
from groundtone.errors import WrongUse
from groundtone.index.generations import Indexes
from groundtone.syncing.guarding import alone
from groundtone.syncing.remembering import DIMENSIONS, DONE
from groundtone.syncing.sources import place


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
        source: its path, or its name as the workspace remembers it.
        dimensions: asks the embedding model for the length of its vectors, where no sync has
            noted it.

    Returns:
        how many documents were removed.

    Raises:
        WrongUse: no such source.
        Busy: a sync is running.
    """
    with alone(state):
        root = state.parent.resolve()
        sources = catalog.sources()
        known = {place(root, one.path): one for one in sources}
        named = {one.path: one for one in sources}
        path = Path(source)
        wanted = named.get(str(source)) or known.get(path.absolute()) or known.get(path.resolve())
        if wanted is None:
            shown = ", ".join(named) or "none"
            raise WrongUse(f"{source} is no source of this workspace (known: {shown}).")
        catalog.forget(DONE)
        gone = catalog.remove_source(wanted.id)
        if gone and indexes.exists():
            noted = catalog.fact(DIMENSIONS)
            index = indexes.current(int(noted) if noted else dimensions())
            index.delete(gone)
        return len(gone)
