"""``/v1/models``: what can be named as a model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from groundtone.server import naming
from groundtone.server.auth import Principal, require
from groundtone.server.errors import documented
from groundtone.server.serving import Serving
from groundtone.workspace.owners import hidden_models

router = APIRouter(tags=["models"])
Chat = Annotated[Principal, Depends(require("chat"))]


class Model(BaseModel):
    """Something that can be named as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/v1/models", responses=documented())
async def list_models(request: Request, principal: Chat) -> Models:
    """List the collections that answer as models, the base model, and tuned models."""
    serving: Serving = request.app.state.serving
    return Models(data=await serving.quick(_all, serving, principal))


@router.get("/v1/models/{model:path}", responses=documented(404))
async def retrieve_model(request: Request, model: str, principal: Chat) -> Model:
    """Look up one model by its name."""
    serving: Serving = request.app.state.serving
    return await serving.quick(_one, serving, principal, model)


def _all(serving: Serving, principal: Principal) -> list[Model]:
    workspace = serving.workspace
    hidden = hidden_models(workspace, principal.only_own)
    names = [naming.DOCS]  # programs begin with the first
    names += [f"{naming.DOCS}:{name}" for name in naming.collections(workspace, principal)]
    names += [workspace.settings.chat.model]
    names += [name for name in workspace.adapters() if name not in hidden]
    return [_model(serving, name) for name in [*names, workspace.settings.embedding.model]]


def _one(serving: Serving, principal: Principal, name: str) -> Model:
    if name != serving.workspace.settings.embedding.model:
        naming.named(serving.workspace, principal, name)
    return _model(serving, name)


def _model(serving: Serving, name: str) -> Model:
    stored = serving.workspace.catalog.get_model(name.partition("+")[2] or name)
    told: dict[str, Any] = {"created": int(stored.created_at) if stored else 0}
    return Model(id=name, owned_by="groundtone", **told)
