"""Signing in with a key, and out. Plain HTML: it works before anything else does."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from groundtone.web.site import COOKIE, LASTS, SIGN_IN, Site

router = APIRouter()
_LONGEST = 4096  # bytes of a form
_WAIT = 0.5  # seconds after a wrong key: guessing is slow

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · groundtone</title>
<link rel="icon" href="/_groundtone/icon.svg">
<link rel="stylesheet" href="/_groundtone/groundtone.css">
<script nonce="{nonce}" src="/_groundtone/groundtone.js"></script>
</head>
<body class="plain">
<main class="sign-in">
<h1>groundtone</h1>
<p>This workspace has keys. Sign in with yours; its owner makes one with
<code>groundtone keys create</code>.</p>
{fault}
<form method="post" action="{here}?to={to}">
<label class="field"><span class="field-label">Key</span>
<input name="key" type="password" autocomplete="current-password" required autofocus></label>
<button class="button primary" type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""


@router.get(SIGN_IN, include_in_schema=False)
async def show(request: Request, to: str = "/") -> Response:
    """The form."""
    return _form(request, to)


@router.post(SIGN_IN, include_in_schema=False)
async def enter(request: Request, to: str = "/") -> Response:
    """Compare the key; the cookie that is given for it can be read by no script."""
    site: Site = request.scope["site"]
    if int(request.headers.get("content-length") or 0) > _LONGEST:
        return _form(request, to, "That is no key.", 400)
    body = (await request.body())[:_LONGEST].decode("utf-8", "replace")
    key = parse_qs(body).get("key", [""])[0].strip()
    value = await asyncio.to_thread(site.sign_in, key)
    if value is None:
        await asyncio.sleep(_WAIT)
        return _form(request, to, "This key is not known here, or no longer.", 403)
    answer = RedirectResponse(_inside(to), status_code=303)
    answer.set_cookie(
        COOKIE,
        value,
        max_age=LASTS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/sign-out", include_in_schema=False)
async def leave() -> Response:
    """Forget who this browser is."""
    answer = RedirectResponse(SIGN_IN, status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


def _form(request: Request, to: str, fault: str = "", status: int = 200) -> Response:
    from urllib.parse import quote

    page = _PAGE.format(
        nonce=request.scope["nonce"],
        here=SIGN_IN,
        to=escape(quote(_inside(to), safe="/")),
        fault=f'<p class="fault" role="alert">{escape(fault)}</p>' if fault else "",
    )
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})


def _inside(to: str) -> str:
    """An address of ours to go on to; anything else becomes the first page."""
    safe = to.startswith("/") and not to.startswith(("//", "/\\")) and "\n" not in to
    return to if safe else "/"
