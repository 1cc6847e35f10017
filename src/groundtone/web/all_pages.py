"""Every page and address that the pages serve."""

from __future__ import annotations

from fastapi import FastAPI


def register(pages: FastAPI) -> None:
    """Make all addresses known to NiceGUI's application; those known stay."""
    from groundtone.web import (  # noqa: F401  (pages register themselves)
        advise,
        ask,
        compare,
        document,
        documents,
        examples,
        files,
        history,
        settings,
        sign_in,
        source,
        tune,
        uploads,
        voting,
    )

    if not getattr(pages.state, "groundtone", False):
        for module in (files, sign_in, uploads, document, tune, compare):
            pages.include_router(module.router)
        pages.state.groundtone = True
