"""``/v1/vector_stores``: collections, made, listed, changed, removed and searched."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request

from groundtone.catalog.attached import AttachedFile
from groundtone.retrieval import Passage
from groundtone.server import citing, filtering, naming, stores
from groundtone.server.auth import Principal, require
from groundtone.server.conversation import clean
from groundtone.server.errors import ApiError, documented, refused
from groundtone.server.routes import files
from groundtone.server.serving import Serving
from groundtone.server.shapes import stores as shapes
from groundtone.server.stores import PREFIX, Held, StoreView

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
    serving = _serving(request)
    _check(body)
    attach = [await files.find(request, principal, id) for id in body.file_ids or ()]
    said: dict[str, Any] = dict(body.metadata or {})
    id = await serving.quick(stores.create, serving.workspace, principal, body.name or "", said)
    view = await _view(request, principal, id)
    if attach:
        await serving.quick(view.attach, [(file, {}) for file in attach])
    return await serving.quick(as_store, view)


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
    serving = _serving(request)

    def listed() -> list[shapes.Store]:
        names = naming.collections(serving.workspace, principal)
        views = [StoreView(serving.workspace, principal, PREFIX + name) for name in names]
        return sorted((as_store(view) for view in views), key=lambda one: (-one.created_at, one.id))

    page, more = cut(await serving.quick(listed), limit, order, after, before)
    return shapes.Stores(data=page, first_id=_id(page, 0), last_id=_id(page, -1), has_more=more)


@router.get("/{store}", responses=documented(404))
async def retrieve_store(request: Request, principal: Reader, store: str) -> shapes.Store:
    """Look up one collection."""
    view = await _view(request, principal, store)
    return await _serving(request).quick(as_store, view)


@router.post("/{store}", responses=documented(404))
async def modify_store(
    request: Request, principal: Keeper, store: str, body: shapes.StoreRequest
) -> shapes.Store:
    """Change what a collection is called, or what is said of it."""
    serving = _serving(request)
    _check(body)
    view = await _view(request, principal, store)
    said = dict(view.collection.metadata)
    if body.metadata is not None:
        said = {stores.NAME: said.get(stores.NAME, ""), **body.metadata}
    if body.name is not None:
        said[stores.NAME] = body.name
    await serving.quick(serving.workspace.create_collection, view.collection.name, said)
    return await serving.quick(as_store, await _view(request, principal, store))


@router.delete("/{store}", responses=documented(404))
async def delete_store(request: Request, principal: Keeper, store: str) -> shapes.Deleted:
    """Remove a collection with what was handed in for it. Files of synced folders stay."""
    serving = _serving(request)
    view = await _view(request, principal, store)
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
    serving = _serving(request)
    view = await _view(request, principal, store)
    given = [body.query] if isinstance(body.query, str) else body.query
    queries = [clean(text) for text in given]
    ranking = body.ranking_options
    found = await serving.quick(
        searched,
        serving,
        [view],
        queries,
        body.max_num_results or 10,
        body.filters,
        (ranking.score_threshold if ranking else None) or 0.0,
    )
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


# -- files -----------------------------------------------------------------------------------


@router.post("/{store}/files", responses=documented(404))
async def attach_file(
    request: Request, principal: Keeper, store: str, body: shapes.FileRequest
) -> shapes.StoreFile:
    """Take an uploaded file into a collection; it is read and indexed soon after."""
    serving = _serving(request)
    _check(body)
    view = await _view(request, principal, store)
    file = await files.find(request, principal, body.file_id)
    await serving.quick(view.attach, [(file, body.attributes or {})])
    return as_file(view, await serving.quick(view.file, file.id))


@router.get("/{store}/files", responses=documented(404))
async def list_files(
    request: Request,
    principal: Reader,
    store: str,
    limit: Limit = 20,
    order: Order = "desc",
    after: Cursor = None,
    before: Cursor = None,
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None,
) -> shapes.StoreFiles:
    """List a collection's files: attached ones, and documents of sources that are kept in step."""
    view = await _view(request, principal, store)
    held = await _serving(request).quick(view.files)
    return _page(view, held, limit, order, after, before, filter)


@router.get("/{store}/files/{file_id}", responses=documented(404))
async def retrieve_file(
    request: Request, principal: Reader, store: str, file_id: str
) -> shapes.StoreFile:
    """Look up one file: whether it is in, and why not."""
    view = await _view(request, principal, store)
    return as_file(view, await _serving(request).quick(view.file, file_id))


@router.post("/{store}/files/{file_id}", responses=documented(404))
async def modify_file(
    request: Request,
    principal: Keeper,
    store: str,
    file_id: str,
    body: shapes.AttributesRequest,
) -> shapes.StoreFile:
    """Change an attached file's attributes."""
    serving = _serving(request)
    view = await _view(request, principal, store)
    held = await serving.quick(view.file, file_id)
    if held.attached is None:
        raise refused("attributes", "this file says them itself: it is of a synced source")
    catalog = serving.workspace.catalog
    values = {"attributes": body.attributes or {}}
    await serving.quick(catalog.change_attached, view.collection.name, file_id, **values)
    return as_file(view, await serving.quick(view.file, file_id))


@router.get("/{store}/files/{file_id}/content", responses=documented(404))
async def file_content(
    request: Request, principal: Reader, store: str, file_id: str
) -> shapes.ContentPage:
    """Read the text of a file, as it was understood."""
    serving = _serving(request)
    view = await _view(request, principal, store)
    held = await serving.quick(view.file, file_id)

    def texts() -> list[str]:
        catalog = serving.workspace.catalog
        found = [catalog.text(one.version, 0, one.characters) for one in held.documents]
        return [text for text in found if text]

    return shapes.ContentPage(data=[shapes.Text(text=text) for text in await serving.quick(texts)])


@router.delete("/{store}/files/{file_id}", responses=documented(404))
async def detach_file(
    request: Request, principal: Keeper, store: str, file_id: str
) -> shapes.Deleted:
    """Take an attached file out of a collection; the uploaded file stays."""
    view = await _view(request, principal, store)
    await _serving(request).quick(view.detach, file_id)
    return shapes.Deleted(id=file_id, object="vector_store.file.deleted")


# -- batches ---------------------------------------------------------------------------------


@router.post("/{store}/file_batches", responses=documented(404))
async def create_batch(
    request: Request, principal: Keeper, store: str, body: shapes.BatchRequest
) -> shapes.Batch:
    """Take many uploaded files into a collection."""
    serving = _serving(request)
    _check(body)
    view = await _view(request, principal, store)
    wanted = [(one.file_id, one.attributes or {}) for one in body.files or ()]
    wanted += [(id, body.attributes or {}) for id in body.file_ids or ()]
    if not wanted:
        raise ApiError(400, "file_ids: no file is named.", param="file_ids")
    found = [(await files.find(request, principal, id), said) for id, said in wanted]
    batch = f"vsfb_{uuid.uuid4().hex[:24]}"
    await serving.quick(view.attach, found, batch)
    return await _batch(request, view, batch)


@router.get("/{store}/file_batches/{batch}", responses=documented(404))
async def retrieve_batch(
    request: Request, principal: Reader, store: str, batch: str
) -> shapes.Batch:
    """Look up a batch: how many of its files are in."""
    return await _batch(request, await _view(request, principal, store), batch)


@router.post("/{store}/file_batches/{batch}/cancel", responses=documented(404))
async def cancel_batch(request: Request, principal: Keeper, store: str, batch: str) -> shapes.Batch:
    """Take back the files of a batch that are not in yet."""
    view = await _view(request, principal, store)
    await _batch(request, view, batch)
    await _serving(request).quick(view.cancel, batch)
    return await _batch(request, view, batch)


@router.get("/{store}/file_batches/{batch}/files", responses=documented(404))
async def list_batch_files(
    request: Request,
    principal: Reader,
    store: str,
    batch: str,
    limit: Limit = 20,
    order: Order = "desc",
    after: Cursor = None,
    before: Cursor = None,
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None,
) -> shapes.StoreFiles:
    """List the files of a batch."""
    view = await _view(request, principal, store)
    held = await _serving(request).quick(_of_batch, view, batch)
    return _page(view, held, limit, order, after, before, filter)


# -- shapes ----------------------------------------------------------------------------------


def searched(
    serving: Serving,
    views: list[StoreView],
    queries: list[str],
    most: int,
    rule: dict[str, Any] | None,
    threshold: float,
) -> list[dict[str, Any]]:
    """The best passages of these stores for any of the queries, as results."""
    best: dict[tuple[str, int], Passage] = {}
    told: dict[str, Held] = {}
    for view in views:
        held = view.files() if rule is not None else []
        limits = filtering.limited(view.limits, held, rule)
        told |= {one.id: one for one in held}
        for query in queries:
            for passage in serving.workspace.search(query, most, limits=limits):
                key = (passage.version, passage.chunk)
                if key not in best or passage.score > best[key].score:
                    best[key] = passage
    passages = sorted(best.values(), key=lambda passage: (-passage.score, passage.rank))[:most]
    catalog = serving.workspace.catalog
    versions = {passage.version for passage in passages}
    said = {v: dict(d.metadata) for v in versions if (d := catalog.document(v)) is not None}
    attached: dict[str, AttachedFile] = {}
    for view in views:
        attached |= {one.file: one for one in catalog.attached(view.collection.name)}
    found = citing.results([p for p in passages if p.score >= threshold], said)
    for one in found:
        if one["file_id"] in attached:
            one["attributes"] = dict(attached[one["file_id"]].attributes)
    return found


def as_store(view: StoreView) -> shapes.Store:
    """A collection as a vector store, counted as far as the asker sees it."""
    held = view.files()
    counts = _counts(held)
    made = view.collection
    return shapes.Store(
        id=view.id,
        created_at=int(made.created_at or 0),
        name=view.title,
        usage_bytes=sum(one.bytes for one in held),
        file_counts=counts,
        status="in_progress" if counts.in_progress else "completed",
        last_active_at=int(held[0].created_at) if held else None,
        metadata={
            name: value
            for name, value in made.metadata.items()
            if name != stores.NAME and isinstance(value, str)
        },
    )


def as_file(view: StoreView, held: Held) -> shapes.StoreFile:
    """A file of a store."""
    error = None
    if held.state == "failed":
        code: Any = "unsupported_file" if "not read" in held.fault else "invalid_file"
        error = shapes.LastError(code=code, message=held.fault)
    return shapes.StoreFile(
        id=held.id,
        created_at=int(held.created_at),
        vector_store_id=view.id,
        usage_bytes=held.bytes,
        status=held.state,  # type: ignore[arg-type]
        last_error=error,
        attributes=dict(held.attributes),
    )


def cut(
    found: list[Any], limit: int, order: str, after: str | None, before: str | None
) -> tuple[list[Any], bool]:
    """One page of what was found (newest first), and whether more follow."""
    rows = found if order == "desc" else found[::-1]
    ids = [row.id for row in rows]
    if after is not None:
        rows = rows[ids.index(after) + 1 :] if after in ids else []
    if before is not None:
        ids = [row.id for row in rows]
        rows = rows[: ids.index(before)] if before in ids else []
    return rows[:limit], len(rows) > limit


def _page(
    view: StoreView,
    held: list[Held],
    limit: int,
    order: str,
    after: str | None,
    before: str | None,
    state: str | None,
) -> shapes.StoreFiles:
    wanted = [one for one in held if state in (None, one.state)]
    rows, more = cut(wanted, limit, order, after, before)
    page = [as_file(view, one) for one in rows]
    return shapes.StoreFiles(data=page, first_id=_id(page, 0), last_id=_id(page, -1), has_more=more)


async def _batch(request: Request, view: StoreView, batch: str) -> shapes.Batch:
    held = await _serving(request).quick(_of_batch, view, batch)
    counts = _counts(held)
    state: Any = "completed"
    if counts.in_progress:
        state = "in_progress"
    elif counts.cancelled:
        state = "cancelled"
    elif counts.failed == counts.total:
        state = "failed"
    return shapes.Batch(
        id=batch,
        created_at=int(min(one.created_at for one in held)),
        vector_store_id=view.id,
        status=state,
        file_counts=counts,
    )


def _of_batch(view: StoreView, batch: str) -> list[Held]:
    held = [one for one in view.files() if one.attached and one.attached.batch == batch]
    if not held:
        raise stores.missing("batch", batch)
    return held


def _counts(held: list[Held]) -> shapes.FileCounts:
    counts = dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0)
    for one in held:
        counts[one.state] += 1
    return shapes.FileCounts(**counts, total=len(held))


def _check(body: Any) -> None:
    """Refuse what is not done here, rather than leave it out silently."""
    if getattr(body, "expires_after", None):
        raise refused("expires_after", "stores are kept until they are removed")
    strategy = getattr(body, "chunking_strategy", None)
    if strategy and strategy.get("type", "auto") != "auto":
        raise refused("chunking_strategy", "passages are cut as the workspace's settings say")


def _id(page: list[Any], at: int) -> str | None:
    return str(page[at].id) if page else None


async def _view(request: Request, principal: Principal, id: str) -> StoreView:
    serving = _serving(request)
    return await serving.quick(StoreView, serving.workspace, principal, id)


def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving
