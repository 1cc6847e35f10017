"""One page over HTTP: within limits, politely, and only where it may be fetched."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urljoin

import httpcore2

from groundtone import __version__
from groundtone.settings import Web
from groundtone.syncing.web import robots
from groundtone.syncing.web.addresses import normal, site
from groundtone.syncing.web.connecting import Backend, PrivateAddress
from groundtone.syncing.web.sitemaps import Bomb, unpack

AGENT = f"groundtone/{__version__}"
STRIKES = 3  # times in a row that a site may not answer before a sync leaves it alone
LONGEST_WAIT = 30  # seconds, where a busy server says when to come back
ALL_WAITS = 120  # seconds waited so for one site in a sync
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_WORDS = {
    400: "bad request",
    401: "it asks for a password",
    403: "access is forbidden",
    404: "not found",
    410: "gone for good",
    429: "too many requests",
    500: "internal error of the server",
    502: "bad gateway",
    503: "the server is busy or down",
    504: "the gateway timed out",
}


class NotFetched(Exception):
    """A page that could not be had. ``gone``: the server says that it does not exist."""

    def __init__(self, reason: str, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone


class _Unreachable(NotFetched):
    """A page whose whole site cannot be reached."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent.

    Attributes:
        address: where it finally was.
        fresh: False: unchanged since the version asked about (304), and the body is empty.
        media_type, charset: as declared, in lower case, or "".
        etag, modified: what to send to learn whether it has changed, or "".
    """

    address: str
    fresh: bool
    body: bytes = b""
    media_type: str = ""
    charset: str = ""
    etag: str = ""
    modified: str = ""


class Session:
    """Fetches pages of any number of sites, one at a time, over connections that stay open.

    A proxy in the environment is not used: where it connects to could not be checked.
    """

    def __init__(self, limits: Web) -> None:
        self._limits = limits
        self._backend = Backend(allow_private=limits.allow_private)
        self._pool = httpcore2.ConnectionPool(network_backend=self._backend, keepalive_expiry=15)
        self._robots: dict[str, robots.Robots] = {}
        self._asked: dict[str, float] = {}
        self._silent: Counter[str] = Counter()
        self._waited: Counter[str] = Counter()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def get(
        self,
        address: str,
        *,
        etag: str = "",
        modified: str = "",
        stay: str | None = None,
        wanted: Callable[[str, str], bool] = lambda _media_type, _address: True,
    ) -> Answer:
        """Fetch one page.

        Args:
            address: a normal one.
            etag, modified: of the version that is known; then an unchanged page is not sent.
            stay: the site that no redirect may leave; None: any.
            wanted: whether a body of this media type, from this address, is worth having.

        Raises:
            NotFetched: it cannot be had; nothing else is raised.
        """
        here = site(address)
        if self._silent[here] >= STRIKES:
            raise NotFetched(f"not tried: {here} did not answer {STRIKES} times in a row")
        known = {"If-None-Match": etag, "If-Modified-Since": modified}
        chain = _Chain(
            {name: value for name, value in known.items() if value},
            stay,
            wanted,
            self._limits.max_bytes,
        )
        return self._follow(address, chain)

    def sitemaps(self, address: str) -> list[str]:
        """Sitemaps that robots.txt names, of a site that was asked already."""
        rules = self._robots.get(urljoin(address, "/robots.txt"))
        return rules.sitemaps() if rules else []

    def _follow(self, address: str, chain: _Chain) -> Answer:
        """Fetch an address and where it redirects to, all in the time of one page."""
        left = self._limits.seconds
        seen = [address]
        waited = False
        while True:
            if chain.obeys:
                self._ask_robots(address)
            self._pause(address)
            started = time.monotonic()
            self._backend.deadline = started + left
            status, told, answer = self._one(address, chain)
            left -= time.monotonic() - started
            if answer is not None:
                return answer
            if status in _BUSY and not waited and self._wait(address, told):
                waited = True
                continue
            if status not in _REDIRECTS:
                self._silent[site(address)] += status in _BUSY
                words = _WORDS.get(status, "an unexpected answer")
                raise NotFetched(f"HTTP {status}: {words}", gone=status in (404, 410))
            address = _target(address, told, chain.stay)
            if address in seen:
                raise NotFetched("its redirects lead in a circle")
            if len(seen) > self._limits.redirects:
                count = self._limits.redirects
                raise NotFetched(f"it redirects more than {count} times ([web] redirects)")
            seen.append(address)

    def _wait(self, address: str, told: Message) -> bool:
        """Wait as a busy server asks, if that is not long; False if it is, or it says nothing."""
        asked = told.get("retry-after") or ""
        here = site(address)
        if not asked.isdecimal() or int(asked) > LONGEST_WAIT:
            return False
        self._waited[here] += int(asked)
        if self._waited[here] > ALL_WAITS:
            return False
        time.sleep(int(asked))
        return True

    def _one(self, address: str, chain: _Chain) -> tuple[int, Message, Answer | None]:
        """One request: status and headers, and the answer if it is one."""
        here = site(address)
        try:
            with self._stream(address, chain.headers) as response:
                told = _headers(response)
                if response.status not in _BUSY:
                    self._silent[here] = 0
                if response.status == 304 and chain.headers:
                    return 304, told, Answer(address, False)
                if response.status != 200:
                    return response.status, told, None
                return 200, told, _answer(address, response, told, chain)
        except httpcore2.TimeoutException:
            seconds = f"{self._limits.seconds:g}"
            reason = f"it was not there within {seconds} s ([web] seconds)"
        except PrivateAddress as error:
            raise _Unreachable(f"{error} ([web] allow_private)") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            detail = " ".join(str(error).split())[:200] or type(error).__name__
            reason = f"no connection: {detail}"
        self._silent[here] += 1
        raise _Unreachable(reason)

    def _stream(
        self, address: str, conditions: dict[str, str]
    ) -> AbstractContextManager[httpcore2.Response]:
        seconds = self._limits.seconds
        headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "gzip", **conditions}
        return self._pool.stream(
            "GET",
            address,
            headers=list(headers.items()),
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)},
        )

    def _pause(self, address: str) -> None:
        """Wait until the site may be asked again."""
        here = site(address)
        rules = self._robots.get(urljoin(address, "/robots.txt"))
        delay = max(self._limits.delay, rules.delay() if rules else 0.0)
        since = time.monotonic() - self._asked.get(here, float("-inf"))
        if since < delay:
            time.sleep(delay - since)
        self._asked[here] = time.monotonic()

    def _ask_robots(self, address: str) -> None:
        """See that robots.txt of the address's site allows it.

        Raises:
            NotFetched: it does not, or could not be asked.
        """
        place = urljoin(address, "/robots.txt")
        if place not in self._robots:
            try:
                chain = _Chain({}, None, lambda *_: True, robots.BYTES, cut=True, obeys=False)
                self._robots[place] = robots.Robots(self._follow(place, chain).body)
            except NotFetched as error:
                # RFC 9309, 2.3.1: if none is there (4xx), all is allowed; if unknown, nothing.
                absent = error.reason.startswith("HTTP 4") and "429" not in error.reason
                why_not = "" if absent else f"robots.txt could not be asked: {error.reason}"
                if isinstance(error, _Unreachable):
                    why_not = error.reason
                self._robots[place] = robots.Robots(why_not=why_not)
        if refusal := self._robots[place].refusal(address):
            raise NotFetched(refusal)


@dataclass(frozen=True, slots=True)
class _Chain:
    """What holds for one page and all its redirects.

    Attributes:
        headers: conditions to send.
        stay, wanted: as for `Session.get`.
        max_bytes: of the body; more is refused, or cut off with `cut`.
        obeys: whether robots.txt is asked.
    """

    headers: dict[str, str]
    stay: str | None
    wanted: Callable[[str, str], bool]
    max_bytes: int
    cut: bool = False
    obeys: bool = True


def _headers(response: httpcore2.Response) -> Message:
    told = Message()
    for name, value in response.headers:
        told[name.decode("latin-1")] = value.decode("latin-1")
    return told


def _target(address: str, told: Message, stay: str | None) -> str:
    """Where a redirect leads."""
    place = told.get("location") or ""
    with suppress(UnicodeDecodeError):
        place = place.encode("latin-1").decode("utf-8")
    if not place:
        raise NotFetched("a redirect that leads nowhere")
    try:
        target = normal(urljoin(address, place))
    except ValueError as error:
        raise NotFetched(f"it redirects to {place[:200]!r}, which {error}") from None
    if stay is not None and site(target) != stay:
        raise NotFetched(f"it redirects to another site ({site(target)})")
    return target


def _answer(address: str, response: httpcore2.Response, told: Message, chain: _Chain) -> Answer:
    media_type = told.get_content_type() if told.get("content-type") else ""
    if not chain.wanted(media_type, address):
        raise NotFetched(f"{media_type or 'no type declared'}: not a kind that can be read")
    return Answer(
        address,
        True,
        _body(response, told, chain),
        media_type,
        (told.get_content_charset() or "").lower(),
        _sendable(told.get("etag")),
        _sendable(told.get("last-modified")),
    )


def _sendable(value: str | None) -> str:
    """A header's value that may be sent back as it is, or ""."""
    return value if value and value.isascii() and value.isprintable() else ""


def _body(response: httpcore2.Response, told: Message, chain: _Chain) -> bytes:
    """The whole body, unpacked, never more than the limit of it."""
    limit = chain.max_bytes
    large = NotFetched(f"larger than {limit:,} bytes ([web] max_bytes)")
    size = told.get("content-length") or ""
    if size.isdecimal() and int(size) > limit and not chain.cut:
        raise large
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) > limit:
            if chain.cut:
                break
            raise large
    encoding = (told.get("content-encoding") or "").strip().lower()
    if encoding in ("", "identity"):
        return bytes(body)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise NotFetched(f"it is encoded as {encoding[:40]!r}, which was not asked for")
    try:
        return unpack(bytes(body), limit)
    except Bomb:
        raise large from None
    except ValueError as error:
        raise NotFetched(str(error)) from None
