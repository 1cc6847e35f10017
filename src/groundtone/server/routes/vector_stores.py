"""``/v1/vector_stores``: collections, made, listed, changed, removed and searched."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from groundtone.server import listing, naming, stores
from groundtone.server.auth import Principal, require
from groundtone.server.conversation import clean
from groundtone.server.errors import ApiError, documented, refused
from groundtone.server.routes import files
from groundtone.server.searching import searched
from groundtone.server.serving import Serving
from groundtone.server.shapes import stores as shapes
from groundtone.server.stores import PREFIX, StoreView

router = APIRouter(prefix="/v1/vector_stores", tags=["vector stores"])
Keeper = Annotated[Principal, Depends(require("files"))]
Reader = Annotated[Principal, Depends(require("chat", "files"))]
Limit = Annotated[int, Query(ge=1, le=100)]
Order = Literal["asc", "desc"]
Cursor = Annotated[str | None, Query(max_length=128)]


@router.post("", responses=documented(404))
async def create_store(
    request: Request, principal: Keeper, body: shapes.StoreRequest
) -> shapes.Store:
    """Make a collection."""
    serving = serving_of(request)
    check(body)
    attach = [await files.find(request, principal, id) for id in body.file_ids or ()]
    said: dict[str, Any] = dict(body.metadata or {})
    id = await serving.quick(stores.create, serving.workspace, principal, body.name or "", said)
    view = await view_of(request, principal, id)
    if attach:
        await serving.quick(view.attach, [(file, {}) for file in attach])
    return await serving.quick(listing.as_store, view)


@router.get("", responses=documented())
async def list_stores(
    request: Request,
    principal: Reader,
    limit: Limit = 20,
    order: Order = "desc",
    after: Cursor = None,
    before: Cursor = None,
) -> shapes.Stores:
    """List the collections that the key may use."""
    serving = serving_of(request)

    def listed() -> list[shapes.Store]:
        names = naming.collections(serving.workspace, principal)
        views = [StoreView(serving.workspace, principal, PREFIX + name) for name in names]
        return sorted(
            (listing.as_store(view) for view in views), key=lambda one: (-one.created_at, one.id)
        )

    page, more = listing.cut(await serving.quick(listed), limit, order, after, before)
    return shapes.Stores(
        data=page, first_id=listing.id_at(page, 0), last_id=listing.id_at(page, -1), has_more=more
    )


@router.get("/{store}", responses=documented(404))
async def retrieve_store(request: Request, principal: Reader, store: str) -> shapes.Store:
    """Look up one collection."""
    view = await view_of(request, principal, store)
    return await serving_of(request).quick(listing.as_store, view)


@router.post("/{store}", responses=documented(404))
async def modify_store(
    request: Request, principal: Keeper, store: str, body: shapes.StoreRequest
) -> shapes.Store:
    """Change what a collection is called, or what is said of it."""
    serving = serving_of(request)
    check(body)
    view = await view_of(request, principal, store)
    said = dict(view.collection.metadata)
    if body.metadata is not None:
        said = {stores.NAME: said.get(stores.NAME, ""), **body.metadata}
    if body.name is not None:
        said[stores.NAME] = body.name
    await serving.quick(serving.workspace.create_collection, view.collection.name, said)
    return await serving.quick(listing.as_store, await view_of(request, principal, store))


@router.delete("/{store}", responses=documented(404))
async def delete_store(request: Request, principal: Keeper, store: str) -> shapes.Deleted:
    """Remove a collection with what was handed in for it. Files of synced folders stay."""
    serving = serving_of(request)
    view = await view_of(request, principal, store)
    name = view.collection.name
    if name == "default":
        raise refused("store", "the default collection cannot be removed")
    if principal.groups is not None:
        raise ApiError(403, "This key does not see all of it.", code="missing_scope")
    await asyncio.to_thread(serving.workspace.delete_collection, name)
    await serving.quick(serving.workspace.catalog.detach, name)
    return shapes.Deleted(id=store, object="vector_store.deleted")


@router.post("/{store}/search", responses=documented(404))
async def search_store(
    request: Request, principal: Reader, store: str, body: shapes.SearchRequest
) -> shapes.SearchPage:
    """Find passages by meaning and by words."""
    serving = serving_of(request)
    given = [body.query] if isinstance(body.query, str) else body.query
    queries = [clean(text) for text in given]
    ranking = body.ranking_options

    def results() -> list[dict[str, Any]]:
        return searched(
            serving.workspace,
            [StoreView(serving.workspace, principal, store)],
            queries,
            body.max_num_results or 10,
            body.filters,
            (ranking.score_threshold if ranking else None) or 0.0,
        )

    found = await serving.quick(results)
    data = [
        shapes.Result(
            file_id=one["file_id"],
            filename=one["filename"],
            score=one["score"],
            attributes=one["attributes"],
            content=[shapes.Text(text=one["text"])],
        )
        for one in found
    ]
    return shapes.SearchPage(search_query=queries, data=data)


def check(body: Any) -> None:
    """Refuse what is not done here, rather than leave it out silently."""
    if getattr(body, "expires_after", None):
        raise refused("expires_after", "stores are kept until they are removed")
    strategy = getattr(body, "chunking_strategy", None)
    if strategy and strategy.get("type", "auto") != "auto":
        raise refused("chunking_strategy", "passages are cut as the workspace's settings say")


async def view_of(request: Request, principal: Principal, id: str) -> StoreView:
    """The store of this id, as this asker sees it.

    Raises:
        ApiError: 404, there is none for this asker.
    """
    serving = serving_of(request)
    return await serving.quick(StoreView, serving.workspace, principal, id)


def serving_of(request: Request) -> Serving:
    """What all requests of the application share."""
    serving: Serving = request.app.state.serving
    return serving
