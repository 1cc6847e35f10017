"""Where a workspace's index is, and how it is carried to another store without embedding again."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundtone.buckets.addresses import is_bucket
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.index import STORES, Index, shown
from groundtone.settings import FILE_NAME, PREFIX, IndexSettings
from groundtone.syncing.guarding import alone, named_disk_full
from groundtone.syncing.remembering import DIMENSIONS, DONE, FINGERPRINT
from groundtone.workspace import settings_file
from groundtone.workspace.index_agreement import verified
from groundtone.workspace.index_carrying import Journal, carry

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

JOURNAL = "moved.jsonl"  # in the new index's folder


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to know about the index of a workspace.

    Attributes:
        place: folder or address, never with a password.
        collection: its name there; "" where the folder holds nothing else.
        windows: in the index; live or about to be swept.
        documents, passages: live ones, in the catalog.
        embedding: fingerprint of the model that made the vectors; "" before the first sync.
        bytes: of its folder; a server tells of none.
    """

    store: str
    place: str
    collection: str
    windows: int
    documents: int
    passages: int
    dimensions: int
    embedding: str
    bytes: int


@dataclass(frozen=True, slots=True)
class MoveReport:
    """How a move went.

    Attributes:
        before, after: store and place.
        windows: in the new index.
        carried: those that this run carried; the others were there from a run before.
        asked: sampled windows whose neighbours both stores were asked for.
        agreement: share of the old store's nearest windows that the new one finds too.
    """

    before: str
    after: str
    windows: int
    carried: int
    asked: int
    agreement: float


def parse(to: str, *, store: str | None = None, collection: str | None = None) -> IndexSettings:
    """What ``--to`` means: a store, ``postgresql://…``, ``s3://…``, ``STORE:ADDRESS``, or an
    address.

    Raises:
        WrongUse: it names no store, or holds a password.
    """
    name, url = store, to
    head, colon, rest = to.partition(":")
    if to in STORES:
        name, url = to, ""
    elif head in ("postgresql", "postgres"):
        name = store or "pgvector"
    elif is_bucket(to):
        name = store or "lancedb"
    elif colon and head in STORES:
        name, url = head, rest
    if name not in STORES:
        raise WrongUse(
            f"{shown(to)!r} does not say which store it is.",
            f"Name one of {', '.join(STORES)}: `--to lancedb`, `--to s3://BUCKET/PREFIX`, "
            "`--to chroma:http://HOST:8000`, `--to postgresql://USER@HOST/DATABASE`, or add "
            "--store.",
        )
    if store is not None and name != store:
        raise WrongUse(f"{shown(to)!r} is not an address of {store}.", "Leave out --store.")
    if urlsplit(url).password:
        raise WrongUse(
            f"The address {shown(url)} came with a password, which would be written to "
            f"{FILE_NAME}.",
            "Leave it out and set it in the environment (PGPASSWORD, QDRANT_API_KEY, "
            "WEAVIATE_API_KEY, PINECONE_API_KEY, AWS_SECRET_ACCESS_KEY) or in ~/.pgpass.",
        )
    return IndexSettings(store=name, url=url, collection=collection or "groundtone")


def show(workspace: Workspace) -> Shown:
    """Look at the index of a workspace; one that was never filled is not made.

    Raises:
        GroundtoneError: the store cannot be opened or does not answer.
    """
    settings, indexes = workspace.settings.index, workspace.indexes
    facts = workspace.catalog.facts()
    dimensions = int(facts.get(DIMENSIONS, 0))
    documents, passages = workspace.catalog.counts()
    filled = facts.get(DONE) == indexes.place or indexes.path.is_dir()
    ready = filled and dimensions
    return Shown(
        store=settings.store,
        place=shown(settings.url) or str(indexes.path.resolve()),
        collection=indexes.collection if settings.url else "",
        windows=indexes.current(dimensions).count() if ready else 0,
        documents=documents,
        passages=passages,
        dimensions=dimensions,
        embedding=facts.get(FINGERPRINT, ""),
        bytes=_bytes(indexes.path),
    )


def move(
    workspace: Workspace,
    to: IndexSettings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> MoveReport:
    """Carry the index to another store, see that it is whole there, and switch to it.

    Nothing is embedded: vectors come from the present index, texts and labels from the catalog.
    Killed at any moment it leaves the present index in use, and called again it goes on. The
    settings are changed last; the next sync removes the old index.

    Args:
        progress: told windows done, and of how many.

    Raises:
        WrongUse: it is there already; the place holds windows of something else; or the
            environment says where the index is, so that the settings would change nothing.
        Busy: a sync is running.
        GroundtoneError: a store failed, the present index lacks windows, or the new one does not
            find what the old one finds.
    """
    _changeable(workspace)
    with alone(workspace.state, workspace.catalog), named_disk_full(workspace.state):
        facts = workspace.catalog.facts()
        if DIMENSIONS not in facts or not workspace.indexes.exists():
            raise WrongUse("There is no index to move yet.", "Run `groundtone sync FOLDER` first.")
        dimensions = int(facts[DIMENSIONS])
        new = workspace.indexes_of(to)
        if new.path == workspace.indexes.path:
            raise WrongUse(
                f"The index is in {_told(workspace.settings.index)} already.",
                "Name another store, or another collection of the server with --collection.",
            )
        old_index = workspace.indexes.current(dimensions)
        try:
            index = new.current(dimensions)
            journal = Journal(new.path / JOURNAL)
            _expect_ours(index, journal, to, again=new.left)
            carried, windows = carry(workspace, old_index, index, journal, progress)
            index.optimise()
            try:
                asked, agreement = verified(workspace, old_index, index, windows)
            except GroundtoneError:
                journal.clear()  # so that the next attempt copies everything again
                raise
        finally:
            new.close()
        new.take()
        before = workspace.settings.index
        settings_file.write(
            workspace.folder / FILE_NAME,
            "index",
            {"store": to.store, "url": to.url, "collection": to.collection},
        )
        # From here on the new index is the one in use.
        if DONE in facts:
            workspace.catalog.remember(DONE, new.place)
        with suppress(OSError):
            workspace.indexes.leave()
            (new.path / JOURNAL).unlink(missing_ok=True)
    workspace.reload()
    return MoveReport(_told(before), _told(to), windows, carried, asked, round(agreement, 4))


def _changeable(workspace: Workspace) -> None:
    fixed = [name for name in os.environ if name.upper().startswith(f"{PREFIX}INDEX")]
    if fixed:
        raise WrongUse(
            f"{fixed[0]} in the environment says where the index is, and wins over {FILE_NAME}.",
            "Unset it and write [index] there; passwords belong in PGPASSWORD or ~/.pgpass.",
        )
    if not os.access(workspace.folder, os.W_OK):
        raise WrongUse(f"{workspace.folder / FILE_NAME} cannot be changed.", "Make it writable.")


def _expect_ours(index: Index, journal: Journal, to: IndexSettings, *, again: bool) -> None:
    """``again``: the workspace's index was there before it was moved away."""
    if journal.exists:
        return
    if not again and (count := index.count()):
        raise WrongUse(
            f"{_told(to)} holds {count:,} windows already.",
            "Name another collection with --collection, or remove that one.",
        )
    journal.note({})


def _told(settings: IndexSettings) -> str:
    place = f" at {shown(settings.url)}, collection {settings.collection}" if settings.url else ""
    return f"{settings.store}{place}"


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total
