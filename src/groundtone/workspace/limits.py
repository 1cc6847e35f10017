"""Which documents a search or an answer may draw on, as conditions on what the index keeps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from groundtone.index.attributes import wanted
from groundtone.index.filters import Filter
from groundtone.workspace.collections import labels

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace


def limits(
    workspace: Workspace,
    where: Sequence[str],
    collections: Collection[str] | None,
    groups: Collection[str] | None,
    since: str | None,
    until: str | None,
) -> Filter:
    """The filter for these conditions; arguments and errors as in `Workspace.limits`."""
    known: set[str] = set()
    if where:
        known = {name.casefold() for d in workspace.catalog.documents() for name in d.metadata}
    found = wanted(where, groups=groups, since=since, until=until, known=known or {"type"})
    if collections is None:
        return found
    return replace(found, every=(*found.every, labels(workspace, collections)))
