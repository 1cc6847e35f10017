"""Web addresses as sources: one page, or all pages of a sitemap."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.settings import Web
from groundtone.syncing.patterns import matches, whole
from groundtone.syncing.scanning import File, Scan
from groundtone.syncing.web import sitemaps
from groundtone.syncing.web.addresses import normal, site
from groundtone.syncing.web.downloads import Downloads, Kept
from groundtone.syncing.web.fetching import Answer, NotFetched, Session
from groundtone.syncing.web.kinds import ending, may_list_pages

KEPT = "kept the last good version"
SITEMAPS = 200  # read for one source
LISTED = 100_000  # pages of a site that are remembered, of which [web] max_pages are taken
SHOWN = 5  # addresses named in a note

Told = Callable[[str, int, int], None]
"""Called before each page with its address, its number from 1, and how many there are."""


class Pages:
    """All web sources of one sync: what they hold now, each looked at once.

    Args:
        folder: where pages are kept between syncs.
        told: called before each page.
    """

    def __init__(self, folder: Path, limits: Web, told: Told | None = None) -> None:
        self._folder = folder
        self._limits = limits
        self._told = told or (lambda *_: None)
        self._session = Session(limits)
        self._scans: dict[str, Scan] = {}
        self._owned: set[str] = set()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def scan(self, source: str, known: Collection[str] = (), taken: Collection[str] = ()) -> Scan:
        """A source as it is now; asked again, the same.

        Args:
            source: a normal address.
            known: pages that are documents of this source.
            taken: pages that are documents of other sources, and stay theirs.
        """
        if source not in self._scans:
            downloads = Downloads(self._folder / _key(source))
            taken = self._owned.union(taken)
            look = _Look(source, downloads, self._session, self._limits, self._told, taken)
            self._scans[source] = look.scan(known)
            self._owned |= {file.name for file in look.found.files}
        return self._scans[source]

    def check(self, source: str, taken: Collection[str] = ()) -> None:
        """See that a source which is not known yet holds anything at all.

        Raises:
            WrongUse: there is no such page, or there are no pages in the sitemap.
            GroundtoneError: it could not be fetched.
        """
        found = self.scan(source, (), taken)
        if found.files:
            return
        for address, reason in found.failed:
            private = "allow_private" in reason
            raise GroundtoneError(
                f"{address} could not be fetched: {reason}.",
                "If it is meant, set `allow_private = true` under [web] in groundtone.toml."
                if private
                else "Nothing was remembered; correct the address, or try again later.",
            )
        why = "; ".join(found.notes) or "it holds nothing"
        raise WrongUse(f"{source} has no page to read: {why}.", "Name another address.")

    def sweep(self, sources: Collection[str]) -> None:
        """Remove what was kept of all sources but these."""
        import shutil

        if self._folder.is_dir():
            named = {_key(source) for source in sources}
            for folder in self._folder.iterdir():
                if folder.name not in named:
                    shutil.rmtree(folder, ignore_errors=True)


class _Look:
    """One source being looked at."""

    def __init__(
        self,
        source: str,
        downloads: Downloads,
        session: Session,
        limits: Web,
        told: Told,
        taken: Collection[str],
    ) -> None:
        self.source = source
        self.downloads = downloads
        self.session = session
        self.limits = limits
        self.told = told
        self.taken = taken
        self.include = [whole(glob) for glob in limits.include]
        self.exclude = [whole(glob) for glob in limits.exclude]
        self.found = Scan()
        self.sitemaps: list[str] = []

    def scan(self, known: Collection[str]) -> Scan:
        """Fetch the source, and the pages it lists if it is a sitemap."""
        found = self.found
        past = self.downloads.record(self.source)
        self.told(self.source, 1, 1)
        try:
            root = self._fetch(self.source, stay=None, may_list=True)
            if root.sitemap:
                self._take_all(root, known)
            else:
                self._take(root)
                if not known and urlsplit(self.source).path == "/":
                    self._suggest(root.final)
        except NotFetched as error:
            if error.gone and not (past is not None and past.sitemap):
                found.notes.append(f"{self.source} does not exist ({error.reason})")
            else:
                pages = " of its pages" if past is not None and past.sitemap else ""
                kept = f"; {KEPT}{pages}" if known else ""
                found.failed.append((self.source, error.reason + kept))
                found.unknown.append("")
        if not found.unknown:
            failed = (name for name, _ in found.failed)
            self.downloads.sweep([*self.sitemaps, *failed, *(file.name for file in found.files)])
        found.files.sort(key=lambda file: file.name)
        found.failed.sort()
        return found

    def _take_all(self, root: Kept, known: Collection[str]) -> None:
        """All pages of a sitemap, those that are known first: the limit drops none of them."""
        found = self.found
        listed = sorted(self._listed(root), key=lambda address: address not in known)
        if not listed and not found.unknown:
            raise NotFetched("it is a sitemap without pages")
        limit = self.limits.max_pages
        if len(listed) > limit:
            found.notes.append(
                f"{self.source} lists {len(listed):,} pages, {limit:,} were taken ([web] max_pages)"
            )
        home = site(root.final)
        finals: dict[str, str] = {}
        gone, twins, others = list[str](), list[str](), list[str]()
        for number, address in enumerate(listed[:limit], 1):
            if address in self.taken:
                others.append(address)
                continue
            self.told(address, number, min(len(listed), limit))
            try:
                page = self._fetch(address, stay=home)
            except NotFetched as error:
                if error.gone:
                    gone.append(address)
                else:
                    kept = f"; {KEPT}" if address in known else ""
                    found.failed.append((address, error.reason + kept))
                continue
            if page.final in finals or page.final in self.taken:
                twins.append(address)
            else:
                finals[page.final] = address
                self._take(page)
        for addresses, what in (
            (gone, "do not exist"),
            (twins, "lead to pages that are there already"),
            (others, "belong to other sources of this workspace"),
        ):
            self._note(addresses, what)

    def _suggest(self, address: str) -> None:
        """Name the sitemaps of a site whose first page was asked for: often they are meant."""
        if listed := self.session.sitemaps(address):
            few = ", ".join(listed[:SHOWN])
            self.found.notes.append(
                f"only this page was taken; the pages of the whole site are listed in {few}"
            )

    def _listed(self, root: Kept) -> list[str]:
        """The pages of a sitemap and of the sitemaps it lists, each once, in their order."""
        homes = {site(self.source), site(root.final)}
        pages: dict[str, None] = {}
        outside: list[str] = []
        waiting, seen = [root], {root.address, root.final}
        while waiting:
            here = waiting.pop(0)
            self.sitemaps.append(here.address)
            lists = self._read(here)
            for place in lists.pages:
                address = _inside(here.final, place, homes)
                if address is None:
                    outside.append(place)
                elif len(pages) < LISTED and self._wanted(address):
                    pages[address] = None
            for place in lists.sitemaps:
                address = _inside(here.final, place, homes)
                if address is None:
                    outside.append(place)
                elif address not in seen and len(seen) < SITEMAPS:
                    seen.add(address)
                    try:
                        waiting.append(self._fetch(address, stay=site(root.final), may_list=True))
                    except NotFetched as error:
                        self._lose(address, error.reason)
        self._note(outside, "are of other sites, or no addresses")
        return list(pages)

    def _wanted(self, address: str) -> bool:
        path = urlsplit(address).path.strip("/")
        if self.include and not matches(path, self.include):
            return False
        return not matches(path, self.exclude)

    def _read(self, kept: Kept) -> sitemaps.Sitemap:
        body = self.downloads.path(kept).read_bytes()
        try:
            lists = sitemaps.parse(body, self.limits.max_bytes)
        except ValueError as error:
            self._lose(kept.address, str(error))
            return sitemaps.Sitemap()
        if lists is None:
            self._lose(kept.address, "it is no sitemap")
        return lists or sitemaps.Sitemap()

    def _fetch(self, address: str, *, stay: str | None, may_list: bool = False) -> Kept:
        """A page as it is now, from the server or, if that says it is unchanged, from disk.

        Raises:
            NotFetched: it cannot be had.
        """
        past = self.downloads.record(address)

        def wanted(media_type: str, at: str) -> bool:
            return ending(media_type, at) is not None or (
                may_list and may_list_pages(media_type, at)
            )

        answer = self.session.get(
            address,
            etag=past.etag if past else "",
            modified=past.modified if past else "",
            stay=stay,
            wanted=wanted,
        )
        if not answer.fresh:
            assert past is not None  # without one nothing is asked that 304 answers
            return past
        lists = may_list and _lists_pages(answer, self.limits.max_bytes)
        kind = ".sitemap" if lists else ending(answer.media_type, answer.address)
        if kind is None:
            raise NotFetched(f"{answer.media_type}: neither a page that can be read nor a sitemap")
        if past is not None and past.sitemap and not lists:
            raise NotFetched("it was a sitemap and is none now")
        return self.downloads.keep(address, answer, kind, sitemap=lists)

    def _take(self, page: Kept) -> None:
        path = self.downloads.path(page)
        self.found.files.append(File(page.address, str(path), page.size, page.mtime_ns))

    def _lose(self, address: str, reason: str) -> None:
        """A sitemap that cannot be read: which pages there are is not known."""
        self.found.failed.append((address, reason))
        self.found.unknown.append("")

    def _note(self, addresses: list[str], what: str) -> None:
        if addresses:
            few = ", ".join(addresses[:SHOWN]) + (", …" if len(addresses) > SHOWN else "")
            count = f"{len(addresses):,} page{'s' * (len(addresses) != 1)}"
            self.found.notes.append(f"{count} in {self.source} {what}: {few}")


def _lists_pages(answer: Answer, max_bytes: int) -> bool:
    """Whether a body is a sitemap; a broken one is named when it is read."""
    if not may_list_pages(answer.media_type, answer.address):
        return False
    try:
        return sitemaps.parse(answer.body, max_bytes) is not None
    except sitemaps.Bomb:
        raise NotFetched(f"larger than {max_bytes:,} bytes ([web] max_bytes)") from None
    except ValueError as error:
        raise NotFetched(str(error)) from None


def _inside(base: str, place: str, homes: Collection[str]) -> str | None:
    """An address that a sitemap lists, if it is one, and of the sitemap's own site."""
    try:
        address = normal(urljoin(base, place))
    except ValueError:
        return None
    return address if site(address) in homes else None


def _key(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]
