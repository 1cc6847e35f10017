"""Every page and address that the pages serve."""

from __future__ import annotations

from fastapi import FastAPI


def register(pages: FastAPI) -> None:
    """Make all addresses known to NiceGUI's application; those known stay."""
    from groundtone.web import (  # noqa: F401  (pages register themselves)
        ask,
        document,
        documents,
        files,
        history,
        sign_in,
        uploads,
    )

    for module in (files, sign_in, uploads, document):
        known = {getattr(route, "path", "") for route in pages.routes}
        if not known & {route.path for route in module.router.routes}:
            pages.include_router(module.router)
