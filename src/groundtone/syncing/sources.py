"""Which paths and web addresses are kept in step, and how they are remembered."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from groundtone.buckets import addresses as buckets
from groundtone.catalog import DEFAULT_COLLECTION, Catalog, Source
from groundtone.errors import WrongUse
from groundtone.syncing.recipe import moved_to
from groundtone.syncing.report import SyncReport
from groundtone.syncing.web.addresses import is_address, normal

STATE = ".groundtone"
"""The workspace's own folder; uploaded files that are kept in step lie there."""
ADOPTED = "chroma://"
"""How sources are named that `groundtone index adopt` took in; syncs leave them as they are."""
Claim = Callable[[Source], None]
"""Takes a source for oneself, or raises."""
Check = Callable[[str, Collection[str]], None]
"""Sees that an address holds anything, or raises; told also which pages other sources have."""


def choose(
    catalog: Catalog,
    root: Path,
    given: Sequence[Path | str],
    report: SyncReport,
    *,
    collection: str | None = None,
    check: Check | None = None,
    claim: Claim | None = None,
    remember: bool = True,
) -> list[Source]:
    """The sources to sync: those given, or all known ones.

    A path inside a known source means that source; a new one that holds known ones takes them in:
    no file is indexed twice. A page that is a document of a known source means that source.
    What lies in the workspace's own folder (``.groundtone``) is never part of a source outside it.

    Args:
        root: the workspace's folder.
        given: paths, and addresses as text.
        collection: which new sources belong to, and known ones must; without any given, the one
            whose sources are meant. None: the default one, or for known sources any.
        check: asked about each new address before it is remembered.
        claim: called with each source before it becomes part of another, and with those chosen.
        remember: False: new sources get an id below 1, and nothing is changed.

    Raises:
        WrongUse: a path does not exist, an address is none, nothing is known, or what is named
            belongs to another collection.
        GroundtoneError: an address cannot be fetched.
        Busy: raised by ``claim``.
    """
    wanted = [resolve(one) for one in given]
    known = catalog.sources()
    chosen: dict[int, Source] = {}
    unremembered = count(0, -1)
    for one in wanted:
        cover = _cover(catalog, root, one, [*known, *chosen.values()])
        if cover is not None and collection not in (None, cover.collection):
            raise _taken(one, cover)
        if cover is None:
            inside = _inside(root, one, known)
            belongs = collection or DEFAULT_COLLECTION
            if other := next((held for held in inside if held.collection != belongs), None):
                raise _taken(one, other)
            if isinstance(one, str) and inside:
                raise WrongUse(
                    f"{one} holds {inside[0].path}, which is a source already.",
                    f"First run `groundtone forget {inside[0].path}`.",
                )
            if isinstance(one, str) and check is not None:
                check(one, pages_of(catalog, known))
            _claimed(inside, claim)
            if remember:
                cover = catalog.add_source(name(root, one), belongs)
            else:
                cover = Source(next(unremembered), name(root, one), belongs)
            for inner in inside:
                assert isinstance(one, Path)
                held = place(root, inner.path)
                report.notes.append(
                    f"{inner.path} {'is now' if remember else 'would become'} part of {cover.path}"
                )
                chosen.pop(inner.id, None)
                if remember:
                    folder = held.parent if held.is_file() else held
                    at = folder.relative_to(one).as_posix()
                    catalog.move_source(inner.id, cover.id, at, moved_to(at))
            if remember:
                known = catalog.sources()
        chosen[cover.id] = cover
    if given:
        return _claimed(list(chosen.values()), claim)
    if collection is not None:
        known = [source for source in known if source.collection == collection]
    if not known:
        where = "" if collection is None else f" in the collection {collection!r}"
        raise WrongUse(
            f"No source is known yet{where}.", "Name a folder: `groundtone sync FOLDER`."
        )
    return _claimed(known, claim)


def _claimed(sources: list[Source], claim: Claim | None) -> list[Source]:
    if claim is not None:
        for source in sources:
            claim(source)
    return sources


def resolve(named: Path | str) -> Path | str:
    """What a person named, in its one spelling: an address, or a whole path that exists.

    Raises:
        WrongUse: it is neither.
    """
    if isinstance(named, str) and is_address(named):
        try:
            return spelled(named)
        except ValueError as error:
            raise WrongUse(
                f"{named} cannot be a source: it {error}.",
                "Name a page, a sitemap or a bucket: `groundtone sync https://HOST/sitemap.xml`, "
                f"{buckets.SHAPES}.",
            ) from None
    path = Path(named)
    if not os.path.exists(path):  # noqa: PTH110  (Path.exists may raise)
        collapsed = path.parts[:1] in (("http:",), ("https:",))
        remedy = "Give an address as text, not as a path." if collapsed else ""
        raise WrongUse(f"There is no {named}.", remedy or "Name a folder or a file that exists.")
    return path.resolve()


def spelled(address: str) -> str:
    """The one spelling of an address.

    Raises:
        ValueError: it is none; its text says why.
    """
    return buckets.normal(address) if buckets.is_bucket(address) else normal(address)


def find(catalog: Catalog, root: Path, named: Path | str) -> Source:
    """The known source that is meant, by its path, its address, or as it is remembered.

    Raises:
        WrongUse: there is none.
    """
    known = catalog.sources()
    spelling = str(named)
    if is_address(spelling):
        with suppress(ValueError):
            spelling = spelled(spelling)
    for source in known:
        here = None if is_address(source.path) else place(root, source.path)
        path = Path(named)
        if source.path == spelling or (here and here in (path.absolute(), path.resolve())):
            return source
    shown = ", ".join(source.path for source in known) or "none"
    raise WrongUse(
        f"{named} is no source of this workspace.", f"Name one of them; known are: {shown}."
    )


def pages_of(catalog: Catalog, sources: Sequence[Source]) -> set[str]:
    """The pages that are documents of these sources."""
    return {
        page
        for source in sources
        if is_address(source.path) and not buckets.is_bucket(source.path)
        for page in catalog.file_states(source.id)
    }


def name(root: Path, one: Path | str) -> str:
    """How a source is remembered: a path relative where it lies beside the workspace."""
    if isinstance(one, str):
        return one
    return one.relative_to(root).as_posix() if one.is_relative_to(root) else one.as_posix()


def named(root: Path, name: str) -> Path | str:
    """A remembered source as `choose` takes it: a path, or an address as text."""
    return name if is_address(name) else place(root, name)


def place(root: Path, name: str) -> Path:
    """Where a remembered source is that is no web address."""
    return root / name


def _cover(
    catalog: Catalog, root: Path, one: Path | str, sources: Sequence[Source]
) -> Source | None:
    """The known source that something named is, or is part of."""
    for source in sources:
        if isinstance(one, str) and buckets.is_bucket(one):
            if buckets.within(one, source.path):
                return source
        elif isinstance(one, str):
            if source.path == one or (
                is_address(source.path) and one in catalog.file_states(source.id)
            ):
                return source
        elif not is_address(source.path) and _within(root, one, place(root, source.path)):
            return source
    return None


def _inside(root: Path, one: Path | str, sources: Sequence[Source]) -> list[Source]:
    """The known sources that lie in a new one."""
    if isinstance(one, str):
        mine = buckets.is_bucket(one)
        return [source for source in sources if mine and buckets.within(source.path, one)]
    return [
        source
        for source in sources
        if not is_address(source.path) and _within(root, place(root, source.path), one)
    ]


def _within(root: Path, one: Path, folder: Path) -> bool:
    """Whether a path is a file of a folder: what the workspace keeps for itself is of no other."""
    own = root / STATE
    return one.is_relative_to(folder) and (
        folder.is_relative_to(own) or not one.is_relative_to(own)
    )


def _taken(one: Path | str, source: Source) -> WrongUse:
    return WrongUse(
        f"{one} belongs to the collection {source.collection!r} (as {source.path}).",
        f"Name that one with --collection, or first run `groundtone forget {source.path}`.",
    )
