"""Which paths and web addresses are kept in step, and how they are remembered."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from groundtone.catalog import Catalog, Source
from groundtone.errors import WrongUse
from groundtone.syncing.recipe import MOVED
from groundtone.syncing.report import SyncReport
from groundtone.syncing.web.addresses import is_address, normal

ADOPTED = "chroma://"
"""How sources are named that `groundtone index adopt` took in; syncs leave them as they are."""
Check = Callable[[str, Collection[str]], None]
"""Sees that an address holds anything, or raises; told also which pages other sources have."""


def choose(
    catalog: Catalog,
    root: Path,
    given: Sequence[Path | str],
    report: SyncReport,
    *,
    check: Check | None = None,
    remember: bool = True,
) -> list[Source]:
    """The sources to sync: those given, or all known ones.

    A path inside a known source means that source; a new one that holds known ones takes them in:
    no file is indexed twice. A page that is a document of a known source means that source.

    Args:
        root: the workspace's folder.
        given: paths, and addresses as text.
        check: asked about each new address before it is remembered.
        remember: False: new sources get an id below 1, and nothing is changed.

    Raises:
        WrongUse: a path does not exist, an address is none, or nothing is known.
        GroundtoneError: an address cannot be fetched.
    """
    wanted = [resolve(one) for one in given]
    known = catalog.sources()
    chosen: dict[int, Source] = {}
    unremembered = count(0, -1)
    for one in wanted:
        cover = _cover(catalog, root, one, [*known, *chosen.values()])
        if cover is None:
            if isinstance(one, str) and check is not None:
                check(one, pages_of(catalog, known))
            if remember:
                cover = catalog.add_source(name(root, one))
            else:
                cover = Source(next(unremembered), name(root, one))
            for inner in known if isinstance(one, Path) else ():
                held = place(root, inner.path)
                if is_address(inner.path) or not held.is_relative_to(one):
                    continue
                report.notes.append(
                    f"{inner.path} {'is now' if remember else 'would become'} part of {cover.path}"
                )
                chosen.pop(inner.id, None)
                if remember:
                    folder = held.parent if held.is_file() else held
                    at = folder.relative_to(one).as_posix()
                    catalog.move_source(inner.id, cover.id, at, MOVED)
            if remember:
                known = catalog.sources()
        chosen[cover.id] = cover
    if not known and not chosen:
        raise WrongUse("No source is known yet.", "Name a folder: `groundtone sync FOLDER`.")
    return list(chosen.values()) if given else known


def resolve(named: Path | str) -> Path | str:
    """What a person named, in its one spelling: an address, or a whole path that exists.

    Raises:
        WrongUse: it is neither.
    """
    if isinstance(named, str) and is_address(named):
        try:
            return normal(named)
        except ValueError as error:
            raise WrongUse(
                f"{named} cannot be a source: it {error}.",
                "Name a page or a sitemap: `groundtone sync https://HOST/sitemap.xml`.",
            ) from None
    path = Path(named)
    if not os.path.exists(path):  # noqa: PTH110  (Path.exists may raise)
        collapsed = path.parts[:1] in (("http:",), ("https:",))
        remedy = "Give an address as text, not as a path." if collapsed else ""
        raise WrongUse(f"There is no {named}.", remedy or "Name a folder or a file that exists.")
    return path.resolve()


def find(catalog: Catalog, root: Path, named: Path | str) -> Source:
    """The known source that is meant, by its path, its address, or as it is remembered.

    Raises:
        WrongUse: there is none.
    """
    known = catalog.sources()
    spelling = str(named)
    if is_address(spelling):
        with suppress(ValueError):
            spelling = normal(spelling)
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
        if is_address(source.path)
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
        if isinstance(one, str):
            if source.path == one or (
                is_address(source.path) and one in catalog.file_states(source.id)
            ):
                return source
        elif not is_address(source.path) and one.is_relative_to(place(root, source.path)):
            return source
    return None
