"""What the pages are served from: the workspace, its keys, and who has signed in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import MutableMapping
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from groundtone.web.visitor import Visitor

if TYPE_CHECKING:
    from groundtone.catalog.keys import ApiKey
    from groundtone.workspace import Workspace

COOKIE = "groundtone_session"
LASTS = 7 * 24 * 3600  # seconds that a sign-in is good for
SIGN_IN = "/sign-in"
OPEN = ("/_groundtone/", "/_nicegui/", SIGN_IN, "/favicon.ico")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Site:
    """A workspace as its pages see it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._secret: bytes | None = None

    # -- signing in -------------------------------------------------------------------------

    def locked(self) -> bool:
        """Whether one has to sign in: there are keys, or there were."""
        return self.workspace.catalog.has_keys(revoked=True)

    def sign_in(self, key: str) -> str | None:
        """The value of the session's cookie for who shows this key; None if it is none."""
        holder = self.workspace.catalog.check_key(key)
        if holder is None:
            return None
        told = f"{holder.id}.{int(time.time()) + LASTS}"
        return f"{base64.urlsafe_b64encode(told.encode()).decode()}.{self._signature(told)}"

    def visitor(self, cookie: str) -> Visitor | None:
        """Who has this cookie; None: nobody, or no longer."""
        if not self.locked():
            return Visitor()
        encoded, _, signature = cookie.rpartition(".")
        try:
            told = base64.urlsafe_b64decode(encoded.encode()).decode()
            key, _, until = told.rpartition(".")
            late = int(until) < time.time()
        except ValueError:
            return None
        if late or not hmac.compare_digest(signature, self._signature(told)):
            return None
        found = self.key(key)
        return None if found is None else Visitor.of(found)

    def key(self, id: str) -> ApiKey | None:
        """The key of this id, unless it was revoked."""
        keys = self.workspace.catalog.list_keys()
        return next((one for one in keys if one.id == id and one.revoked_at is None), None)

    def _signature(self, told: str) -> str:
        if self._secret is None:
            catalog = self.workspace.catalog
            if catalog.fact("web_secret") is None:
                catalog.remember("web_secret", secrets.token_hex(32))
            self._secret = bytes.fromhex(catalog.fact("web_secret") or "")
        return hmac.new(self._secret, told.encode(), hashlib.sha256).hexdigest()

    # -- who may come in --------------------------------------------------------------------

    async def refuse(self, scope: MutableMapping[str, Any]) -> Any:
        """None for a request that may come in, its visitor noted; else what answers it."""
        headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["type"] == "http" and f"{path}/".startswith("/v1/"):
            return _unknown(scope["method"], path)  # no route of the API, and no page
        if not _same_site(scope, headers):
            return _refused(scope, PlainTextResponse("Not from another site.", 403))
        if path.startswith(OPEN) and not path.startswith("/_nicegui/client/"):
            return None
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        visitor = await asyncio.to_thread(self.visitor, cookie.value if cookie else "")
        if visitor is not None and visitor.key is None and not _is_local(headers.get("host", "")):
            # Only this machine's own browser, whatever name points here (DNS rebinding).
            told = "Without keys this page opens only as localhost; make one to open it elsewhere."
            return _refused(scope, PlainTextResponse(told, 403))
        if visitor is None:
            if (
                scope["type"] == "http"
                and scope["method"] == "GET"
                and "text/html" in headers.get("accept", "")
            ):
                asked = scope["query_string"].decode("latin-1")
                to = quote(f"{path}?{asked}" if asked else path, safe="")
                return RedirectResponse(f"{SIGN_IN}?to={to}", status_code=303)
            return _refused(scope, PlainTextResponse("Sign in first.", 401))
        scope["visitor"] = visitor
        return None


def _same_site(scope: MutableMapping[str, Any], headers: dict[str, str]) -> bool:
    """Whether what changes something, or stays connected, comes from a page of ours."""
    origin = headers.get("origin")
    if origin is None or (scope["type"] == "http" and scope["method"] in ("GET", "HEAD")):
        return True
    return urlsplit(origin).netloc == headers.get("host", "")


def _unknown(method: str, path: str) -> Response:
    """What the API says of an address that it does not have, in OpenAI's shape."""
    told = {
        "message": f"Unknown request URL: {method} {path}.",
        "type": "invalid_request_error",
        "param": None,
        "code": "unknown_url",
    }
    return JSONResponse({"error": told}, 404)


def _is_local(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    return name in LOCAL


def _refused(scope: MutableMapping[str, Any], response: Response) -> Any:
    if scope["type"] == "http":
        return response

    async def closed(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    return closed
