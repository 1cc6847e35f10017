"""The application: routes, errors, limits, and the pages where they are installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from groundtone import __version__
from groundtone.server import errors
from groundtone.server.auth import Doors
from groundtone.server.envelope import Envelope
from groundtone.server.serving import Serving

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

ROUTES = (
    "chat",
    "completions",
    "responses",
    "embeddings",
    "models",
    "vector_stores",
    "store_files",
    "files",
    "fine_tuning",
    "health",
)
"""Modules of `groundtone.server.routes`, in the order of the OpenAPI document."""
PAGES = "groundtone.web"
ABOUT = """Answers from your own documents behind OpenAI's API.

A model named `docs`, `docs:COLLECTION` or `docs:COLLECTION+MODEL` answers from documents, with
citations; any other model is plain chat."""


def create_app(workspace: Workspace, *, pages: bool = True) -> FastAPI:
    """The application that serves a workspace.

    Args:
        workspace: opened; its owner closes it after the application has ended.
        pages: whether the web pages are served too, where they are installed.
    """
    serving = Serving(workspace)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await serving.close()

    app = FastAPI(
        title="groundtone",
        version=__version__,
        description=ABOUT,
        lifespan=life,
        docs_url=None,  # its page comes from elsewhere on the network
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.serving = serving
    app.state.doors = Doors(serving)
    errors.install(app)
    for name in ROUTES:
        app.include_router(importlib.import_module(f"groundtone.server.routes.{name}").router)
    if pages and importlib.util.find_spec(PAGES) and importlib.util.find_spec("nicegui"):
        importlib.import_module(PAGES).mount(app, workspace)
    limits = workspace.settings.server
    if limits.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(limits.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id"],
        )
    app.add_middleware(
        Envelope,
        serving=serving,
        max_body=limits.max_body_mb * 1_000_000,
        max_upload=limits.max_upload_mb * 1_000_000,
    )
    return app
