"""The frame of every page: header, navigation, where the content goes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request
from nicegui import ui

from groundtone.web.elements import Node, attribute, button, link, node, picture
from groundtone.web.site import Site
from groundtone.web.visitor import Sight, Visitor

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

PAGES = (
    ("ask", "Ask", "/", "chat"),
    ("documents", "Documents", "/documents", "files"),
    ("tune", "Tune", "/tune", "tune"),
    ("compare", "Compare", "/compare", "tune"),
    ("advise", "Advise", "/advise", "tune"),
    ("settings", "Settings", "/settings", "admin"),
)
HEAD = """
<link rel="stylesheet" href="/_groundtone/groundtone.css">
<script nonce="{nonce}" src="/_groundtone/groundtone.js"></script>
<meta name="theme-color" content="#faf9f6">
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One view of a page: by whom, of what."""

    site: Site
    visitor: Visitor

    @property
    def workspace(self) -> Workspace:
        """The workspace that is shown."""
        return self.site.workspace

    def sight(self) -> Sight:
        """The documents that the visitor may see now."""
        return Sight(self.workspace, self.visitor)

    def collections(self) -> list[str]:
        """Names of the collections that the visitor may see."""
        allowed = self.visitor.collections
        names = [one.name for one in self.workspace.collections()]
        return [name for name in names if allowed is None or name in allowed]


def visit(request: Request) -> Visit:
    """Who asks for a page, as the site found out before it was asked for."""
    return Visit(request.scope["site"], request.scope["visitor"])


@contextmanager
def frame(request: Request, current: str, title: str) -> Iterator[Visit]:
    """The page around what is made inside: ``with frame(request, "ask", "Ask") as visit:``."""
    here = visit(request)
    head(request, title)
    link("Skip to content", "#content", "skip")
    with node("header", classes="bar"):
        link("groundtone", "/", "brand", aria_label="groundtone: ask")
        with node("nav", classes="nav", aria_label="Pages"):
            for name, text, to, scope in PAGES:
                if not here.visitor.may(scope):
                    continue
                with link("", to, aria_current="page" if name == current else None):
                    picture(name)
                    node("span", text)
        with node("div", classes="bar-end"):
            theme = node("button", classes="quiet", type="button", aria_label="Dark or light")
            theme.props["data-theme-switch"] = ""
            with theme:
                picture("theme")
            if here.visitor.key is not None:
                with (
                    node("form", action="/sign-out", method="post"),
                    node(
                        "button",
                        classes="quiet",
                        type="submit",
                        aria_label="Sign out",
                        title="Sign out",
                    ),
                ):
                    picture("leave")
    with node("main", classes=f"main {current}", id="content", tabindex="-1"):
        yield here


def head(request: Request, title: str) -> None:
    """What stands in the head of a page: its title, our style and script."""
    ui.page_title(f"{title} · groundtone")
    ui.add_head_html(HEAD.format(nonce=request.scope["nonce"]))


def announce(text: str, kind: str = "") -> None:
    """Tell something in passing; screen readers say it too.

    Args:
        kind: ``bad``, or ``quiet`` for what only screen readers need to be told.
    """
    ui.context.client.run_javascript(f"groundtone.announce({_quoted(text)}, {_quoted(kind)})")


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


@contextmanager
def dialog(title: str) -> Iterator[Node]:
    """A dialog, closed by Escape; open it with ``.run_method("showModal")``."""
    made = node("dialog", classes="dialog", aria_label=title)
    made.on("close", made.delete, args=[])
    with made:
        with node("div", classes="dialog-head"):
            node("h2", title)
            button("", lambda: made.run_method("close"), "quiet", icon="close", aria_label="Close")
        yield made


def confirm(title: str, text: str, word: str, done: Callable[[], Any]) -> None:
    """Ask before something is taken away: `word` names what `done` then does."""
    with dialog(title) as box:
        node("p", text, "note")

        async def yes() -> None:
            told = done()
            if inspect.isawaitable(told):
                await told
            box.run_method("close")

        with node("div", classes="buttons"):
            button(word, yes, "danger")
            button("Keep it", lambda: box.run_method("close"))
    attribute(box, role="alertdialog")
    box.run_method("showModal")
