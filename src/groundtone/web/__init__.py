"""The pages: asking, documents, tuning, comparing, advice and settings, in a browser.

:func:`mount` puts them on the server's FastAPI application. They work on the workspace itself,
in threads of this process, never by HTTP to ourselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from groundtone.workspace import Workspace

__all__ = ["mount"]


def mount(app: FastAPI, workspace: Workspace) -> None:
    """Serve the pages of `workspace` at ``/``; routes that `app` has already come first.

    Raises:
        MissingExtra: the ``serve`` extra is not installed.
    """
    try:
        import nicegui  # noqa: F401
    except ImportError:
        from groundtone.errors import MissingExtra

        raise MissingExtra("The page", "serve") from None
    from groundtone.web.mounting import put
    from groundtone.web.site import Site

    put(app, Site(workspace))
