"""Collections: named sets of sources, each searched and answered from as if it were alone.

A collection is nothing but the sources that belong to it: their documents carry the label of their
source, and a store compares labels before it ranks. So nothing is copied or indexed twice, and
what is asked of one collection cannot find anything of another.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.catalog import DEFAULT_COLLECTION, StoredCollection
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
UPLOADS = "uploads"
"""Folder under ``.groundtone`` with one folder a collection, for files that were handed in."""


def create(workspace: Workspace, name: str, metadata: Mapping[str, Any]) -> StoredCollection:
    """Make a collection, or change what is said of one that is there.

    Raises:
        WrongUse: the name cannot be one.
    """
    checked(name)
    workspace.catalog.put_collection(name, metadata)
    return find(workspace, name)


def find(workspace: Workspace, name: str) -> StoredCollection:
    """The collection of this name, counted.

    Raises:
        WrongUse: there is none.
    """
    known = workspace.catalog.collections()
    for collection in known:
        if collection.name == name:
            return collection
    raise _unknown(name, known)


def delete(workspace: Workspace, name: str) -> int:
    """Remove a collection, its sources, and the files that were handed in for it.

    Files of folders that were synced stay where they are. The default collection is only emptied.

    Returns:
        how many documents went with it.

    Raises:
        WrongUse: there is none of this name.
        Busy: another process is syncing this workspace.
    """
    collection = find(workspace, name)
    gone = sum(workspace.forget(*collection.sources).values()) if collection.sources else 0
    shutil.rmtree(uploads(workspace, name), ignore_errors=True)
    workspace.catalog.remove_collection(name)
    return gone


def uploads(workspace: Workspace, name: str) -> Path:
    """Where files handed in for a collection are kept: a source of it, once it holds any."""
    return workspace.state.resolve() / UPLOADS / checked(name)


def labels(workspace: Workspace, names: Iterable[str]) -> frozenset[str]:
    """The labels of which every document of these collections carries one; none if all are empty.

    Raises:
        WrongUse: one of them does not exist.
    """
    found: set[str] = set()
    for name in names:
        one = workspace.catalog.collection(name)
        if one is None:
            raise _unknown(name, workspace.catalog.collections())
        found |= {f"source={path}" for path in one.sources}
    return frozenset(found)


def checked(name: str) -> str:
    """The name, if it can be one.

    Raises:
        WrongUse: it cannot.
    """
    if not NAME.fullmatch(name):
        raise WrongUse(
            f"{name!r} cannot be the name of a collection.",
            "Use up to 64 small letters, digits, '.', '-' and '_', with a letter or digit at both "
            f"ends; without a name it is {DEFAULT_COLLECTION!r}.",
        )
    return name


def _unknown(name: str, known: Iterable[StoredCollection]) -> WrongUse:
    return WrongUse(
        f"There is no collection {name!r} here.",
        f"Name one of them: {', '.join(one.name for one in known)}.",
    )
