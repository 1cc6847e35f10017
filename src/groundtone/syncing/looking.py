"""What is in a source now, whatever kind it is, each looked at once in a sync."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.buckets.addresses import is_bucket
from groundtone.buckets.reaching import Access, why
from groundtone.catalog import Catalog, Source
from groundtone.settings import Settings
from groundtone.syncing.buckets import listing
from groundtone.syncing.planning import KEPT
from groundtone.syncing.scanning import Scan, scan
from groundtone.syncing.sources import ADOPTED, pages_of, place
from groundtone.syncing.web.addresses import is_address

if TYPE_CHECKING:
    from groundtone.syncing.web.pages import Pages

DOWNLOADS = "downloads"  # in the workspace's own folder: what was fetched
GONE = f"this source is gone; {KEPT} of its files"
KINDS = 5  # name endings in a note


class Looker:
    """Looks at sources; closes its connections at the end (it is a context manager).

    Args:
        state: the workspace's own folder.
        told: called before each page that is fetched, with its address, its number from 1, and
            how many there are.
    """

    def __init__(
        self,
        state: Path,
        catalog: Catalog,
        settings: Settings,
        told: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self._state = state
        self._root = state.parent.resolve()
        self._catalog = catalog
        self._settings = settings
        self._told = told
        self._scans: dict[str, Scan] = {}

    def __enter__(self) -> Looker:
        return self

    def __exit__(self, *_: object) -> None:
        if "_pages" in self.__dict__:
            self._pages.close()

    def scan(self, source: Source) -> Scan:
        """A source as it is now; asked again, the same."""
        if source.path not in self._scans:
            look = self._address if is_address(source.path) else self._path
            look = self._bucket if is_bucket(source.path) else look
            adopted = source.path.startswith(ADOPTED)
            self._scans[source.path] = Scan(unknown=[""]) if adopted else look(source)
        return self._scans[source.path]

    def check(self, address: str, taken: Collection[str]) -> None:
        """See that an address that is no source yet holds anything.

        Raises:
            WrongUse: it does not.
            GroundtoneError: it could not be fetched.
        """
        if is_bucket(address):
            try:
                listing.check(address, listing.scan(address, Access.of(self._settings)))
            except OSError as error:
                raise listing.unlisted(address, error) from None
            return
        self._pages.check(address, taken)

    def sweep(self) -> None:
        """Remove what was fetched for sources that are known no more."""
        if (self._state / DOWNLOADS).is_dir():
            self._pages.sweep([source.path for source in self._catalog.sources()])

    @cached_property
    def _pages(self) -> Pages:
        from groundtone.syncing.web.pages import Pages  # nothing else needs a network

        return Pages(self._state / DOWNLOADS, self._settings.web, self._told)

    def _address(self, source: Source) -> Scan:
        others = [one for one in self._catalog.sources() if one.id != source.id]
        return self._pages.scan(
            source.path,
            known=self._catalog.file_states(source.id).keys(),
            taken=pages_of(self._catalog, others),
        )

    def _path(self, source: Source) -> Scan:
        path = place(self._root, source.path)
        if not os.path.exists(path):  # noqa: PTH110  (Path.exists may raise)
            return Scan(failed=[(source.path, GONE)], unknown=[""])
        limits = self._settings.of(source.collection).sync
        found = scan(path, limits.include, limits.exclude, gitignore=limits.gitignore)
        return _noted(found)

    def _bucket(self, source: Source) -> Scan:
        limits = self._settings.of(source.collection).sync
        try:
            found = listing.scan(
                source.path, Access.of(self._settings), limits.include, limits.exclude
            )
        except OSError as error:
            reason = f"{why(source.path, error)[0]}; {KEPT} of its files"
            return Scan(failed=[(source.path, reason)], unknown=[""])
        return _noted(found)


def _noted(found: Scan) -> Scan:
    if found.skipped:
        most = found.skipped.most_common(KINDS)
        kinds = ", ".join(f"{kind} {count}" for kind, count in most)
        found.notes.append(f"{found.skipped.total()} file(s) of other kinds left out ({kinds})")
    return found
