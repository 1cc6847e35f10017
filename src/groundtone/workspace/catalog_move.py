"""A workspace's catalog carried from its file into PostgreSQL, for several machines to share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundtone.catalog import Catalog
from groundtone.errors import WrongUse
from groundtone.settings import FILE_NAME, PREFIX
from groundtone.syncing.guarding import alone
from groundtone.workspace import settings_file

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class MovedCatalog:
    """How a move went.

    Attributes:
        before, after: where it was, which is still there, and where it is; without a password.
        rows: in all its tables.
        documents: that it knows.
    """

    before: str
    after: str
    rows: int
    documents: int


def move(
    workspace: Workspace, url: str, *, progress: Callable[[int, int], None] | None = None
) -> MovedCatalog:
    """Copy the catalog into an empty database, compare, and switch the settings to it.

    Until the settings are written, last, the file is in use, and the file stays as it is. The index
    stays where it is: nothing is read or embedded again.

    Args:
        url: ``postgresql://USER@HOST/DATABASE``, without a password.
        progress: told rows done, and of how many.

    Raises:
        WrongUse: it is on a server already, the address is of another kind or holds a password, or
            the environment says where the catalog is.
        Busy: a sync is running.
        GroundtoneError: the database does not answer or holds another catalog.
    """
    from groundtone.catalog.copying import copy

    _changeable(workspace, url)
    with alone(workspace.state, workspace.catalog):
        target = Catalog(url)
        try:
            rows = copy(workspace.catalog, target, progress or (lambda *_: None))
            after = target.where
        finally:
            target.close()
        settings_file.write(workspace.folder / FILE_NAME, "catalog", {"url": url})
    return MovedCatalog(workspace.catalog.where, after, sum(rows.values()), rows["documents"])


def _changeable(workspace: Workspace, url: str) -> None:
    fixed = [name for name in os.environ if name.upper().startswith(f"{PREFIX}CATALOG")]
    if fixed:
        raise WrongUse(
            f"{fixed[0]} in the environment says where the catalog is, and wins over {FILE_NAME}.",
            "Unset it and run the same again; a password belongs in PGPASSWORD or ~/.pgpass.",
        )
    if workspace.catalog.served:
        raise WrongUse(
            f"The catalog is in {workspace.catalog.where} already.",
            "Between servers, pg_dump and pg_restore carry it.",
        )
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise WrongUse(
            "A catalog can be moved into PostgreSQL only.",
            "Name a database: `--to postgresql://USER@HOST/DATABASE`.",
        )
    if parts.password:
        raise WrongUse(
            f"The address came with a password, which would be written to {FILE_NAME}.",
            "Leave it out and set PGPASSWORD, or use ~/.pgpass.",
        )
    if not os.access(workspace.folder, os.W_OK):
        raise WrongUse(f"{workspace.folder / FILE_NAME} cannot be changed.", "Make it writable.")
