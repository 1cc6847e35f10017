"""Whether the server lives, whether it can answer, and its numbers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from groundtone import __version__
from groundtone.server.auth import Principal, require
from groundtone.server.errors import ApiError, documented
from groundtone.server.serving import Serving

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The server lives."""

    status: str
    version: str


@router.get("/health", responses=documented())
async def health() -> Health:
    """Tell that the server lives; touches nothing."""
    return Health(status="ok", version=__version__)


@router.get("/ready", responses=documented())
async def ready(request: Request) -> Health:
    """Tell whether questions can be answered now: the catalog can be read, no end is near."""
    serving: Serving = request.app.state.serving
    if serving.stopping.is_set():
        raise ApiError(503, "The server is about to stop.", code="stopping")
    await serving.quick(serving.workspace.catalog.fact, "schema")
    return Health(status="ok", version=__version__)


@router.get(
    "/metrics",
    responses={**documented(), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_model=None,
)
async def metrics(
    request: Request, _principal: Annotated[Principal, Depends(require("admin"))]
) -> PlainTextResponse:
    """Numbers for Prometheus; needs the scope `admin`, as they count everybody's requests."""
    serving: Serving = request.app.state.serving
    return PlainTextResponse(
        serving.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )
