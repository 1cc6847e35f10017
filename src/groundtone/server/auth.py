"""Who asks: a key of the catalog, or the owner on this machine while there are no keys."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from groundtone.catalog.keys import ApiKey
from groundtone.catalog.records import SCOPES
from groundtone.server.errors import ApiError
from groundtone.server.serving import Serving

KNOWN_S = 1.0  # how long a key that was found right is not looked up again
_bearer = HTTPBearer(auto_error=False, description="A key of `groundtone keys create`.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what of.

    Attributes:
        key_id: of the key; None: the owner, while the workspace has no keys.
        scopes: of `SCOPES`.
        collections: names it may use; None: all.
        groups: of documents it sees beside those for everybody; None: every document.
        key: the key itself, with its rate and budget.
    """

    key_id: str | None
    scopes: frozenset[str]
    collections: tuple[str, ...] | None
    groups: tuple[str, ...] | None
    key: ApiKey | None = None

    def may_use(self, collection: str) -> bool:
        """Whether a collection is one of its own."""
        return self.collections is None or collection in self.collections

    @property
    def only_own(self) -> str | None:
        """Whose files, jobs and models it sees: None: all; a key that is limited to some documents
        sees those that came with it."""
        unlimited = self.collections is None and self.groups is None
        return None if unlimited or "admin" in self.scopes else self.key_id


OWNER = Principal(None, frozenset(SCOPES), None, None)


class Doors:
    """Tells who asks. Keys found right are remembered for `KNOWN_S` seconds.

    Args:
        serving: whose workspace has the keys.
    """

    def __init__(self, serving: Serving) -> None:
        self._catalog = serving.workspace.catalog
        self._known: dict[bytes, tuple[float, ApiKey]] = {}
        self._open: tuple[float, bool] | None = None

    def principal(self, secret: str | None) -> Principal:
        """Whose secret this is; blocking.

        Raises:
            ApiError: 401, unless it is a key's, or None while there are no keys.
        """
        if secret is None:
            if self.are_open():
                return OWNER
            raise _unknown("This server needs a key. Send it as: Authorization: Bearer KEY")
        key = self._key(secret)
        if key is None and self.are_open():
            return OWNER  # clients that insist on a key send any
        if key is None:
            raise _unknown("Incorrect API key provided.")
        return _of(key)

    def remembered(self, secret: str | None) -> Principal | None:
        """The same as far as it is remembered, without looking anything up; None: look it up."""
        now = time.monotonic()
        if secret is None:
            known = self._open is not None and now - self._open[0] <= KNOWN_S and self._open[1]
            return OWNER if known else None
        found = self._known.get(_digest(secret))
        return _of(found[1]) if found is not None and now - found[0] <= KNOWN_S else None

    def are_open(self) -> bool:
        """Whether there never was a key, so that this machine's user needs none.

        Revoking the last key does not open the doors again.
        """
        now = time.monotonic()
        if self._open is None or now - self._open[0] > KNOWN_S:
            self._open = (now, not self._catalog.has_keys(revoked=True))
        return self._open[1]

    def _key(self, secret: str) -> ApiKey | None:
        now = time.monotonic()
        digest = _digest(secret)
        known = self._known.get(digest)
        if known is not None and now - known[0] <= KNOWN_S:
            return known[1]
        key = self._catalog.check_key(secret)
        if key is not None:
            if len(self._known) > 1000:
                self._known.clear()
            self._known[digest] = (now, key)
        return key


def require(*scopes: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency: whoever asks, who must have one of these scopes (`admin` has every).

    Raises:
        ApiError: 401 without a right key, 403 without the scope, 429 beyond the rate or budget.
    """
    assert set(scopes) <= set(SCOPES)

    async def principal(
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Principal:
        serving: Serving = request.app.state.serving
        found = await identify(request, given.credentials if given else None)
        if not found.scopes & {*scopes, "admin"}:
            raise ApiError(403, f"This key has no scope {scopes[0]!r}.", code="missing_scope")
        request.state.principal = found
        await serving.quotas.admit(request, found.key)
        return found

    return principal


async def identify(request: Request, secret: str | None) -> Principal:
    """Who sends this request with this secret.

    Raises:
        ApiError: 401, or 403 where the server is open and the request comes from elsewhere.
    """
    serving: Serving = request.app.state.serving
    doors: Doors = request.app.state.doors
    found = doors.remembered(secret)
    if found is None:
        found = await serving.quick(doors.principal, secret)
    if found.key_id is None:
        _check_local(request)
    return found


def _check_local(request: Request) -> None:
    """Without keys only this machine's own programs are served, and no foreign web page."""
    host = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not is_loopback(host) or not (named == "localhost" or is_loopback(named)):
        raise ApiError(
            403,
            "Without keys this server answers only this machine. Make one: groundtone keys create",
            code="keys_needed",
        )
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ApiError(403, "Web pages from elsewhere are not served.", code="foreign_origin")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of(key: ApiKey) -> Principal:
    return Principal(key.id, frozenset(key.scopes), key.collections, key.groups, key)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _unknown(message: str) -> ApiError:
    headers: dict[str, Any] = {"www-authenticate": "Bearer"}
    return ApiError(401, message, code="invalid_api_key", headers=headers)
