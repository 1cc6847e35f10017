"""The pages put on a FastAPI application: NiceGUI, our own files, and the security headers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from jinja2.ext import Extension
from starlette.staticfiles import StaticFiles

from groundtone.web.site import Site

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]

STATIC = "/_groundtone"
# What NiceGUI needs beyond "nothing": it compiles handlers that we wrote with `eval`, and sets
# styles. Scripts in the page run by a nonce that only its template has, never by what is in it.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'; object-src 'none'"
)
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}


class Nonces(Extension):
    """Gives every script tag that stands in NiceGUI's template, and no other, the page's nonce."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template's source, its script tags marked."""
        return source.replace("<script", '<script nonce="{{ request.scope.nonce }}"')


class Guarded:
    """An ASGI application behind the site: who asks is known, what answers has its headers."""

    def __init__(self, inner: ASGI, site: Site) -> None:
        self._inner, self._site = inner, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        nonce = scope["nonce"] = secrets.token_urlsafe(16)
        scope["site"] = self._site

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                policy = {b"content-security-policy": POLICY.format(nonce=nonce).encode()}
                message["headers"] = [
                    *message["headers"],
                    *((n, v) for n, v in {**HEADERS, **policy}.items() if n not in present),
                ]
            await send(message)

        refusal = await self._site.refuse(scope)
        await (refusal or self._inner)(scope, receive, sent)


def put(app: FastAPI, site: Site) -> None:
    """Serve the pages at ``/`` of `app`, behind whatever routes it has already.

    NiceGUI is one for a process: of several applications the one mounted last is served.
    """
    from nicegui import app as pages
    from nicegui import client, ui

    from groundtone.web import all_pages

    pages.middleware_stack = None  # an application mounted before has built one
    pages.user_middleware.clear()
    if Nonces.identifier not in client.templates.env.extensions:
        client.templates.env.add_extension(Nonces)
    static = resources.files("groundtone.web") / "static"
    if not any(getattr(route, "path", "") == STATIC for route in pages.routes):
        pages.mount(STATIC, StaticFiles(directory=str(static)))
    all_pages.register(pages)
    ui.run_with(
        app,
        title="groundtone",
        favicon=Path(str(static)) / "icon.svg",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=30,
        binding_refresh_interval=None,
        cache_control_directives="public, max-age=86400",
    )
    mounted = app.router.routes[-1]
    mounted.app = Guarded(mounted.app, site)  # type: ignore[attr-defined]
