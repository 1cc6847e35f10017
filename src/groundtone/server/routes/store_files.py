"""``/v1/vector_stores/…/files`` and ``…/file_batches``: what is in a collection."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request

from groundtone.server import listing, stores
from groundtone.server.errors import ApiError, documented, refused
from groundtone.server.listing import Paging
from groundtone.server.routes import files
from groundtone.server.routes.vector_stores import (
    Cursor,
    Keeper,
    Limit,
    Order,
    Reader,
    check,
    serving_of,
    view_of,
)
from groundtone.server.shapes import stores as shapes
from groundtone.server.stores import Held, StoreView

router = APIRouter(prefix="/v1/vector_stores", tags=["vector stores"])
State = Literal["in_progress", "completed", "failed", "cancelled"]


def paging(
    limit: Limit = 20,
    order: Order = "desc",
    after: Cursor = None,
    before: Cursor = None,
    filter: State | None = None,
) -> Paging:
    """Which page of a list of files is asked for."""
    return Paging(limit, order, after, before, filter)


Page = Annotated[Paging, Depends(paging)]


@router.post("/{store}/files", responses=documented(404))
async def attach_file(
    request: Request, principal: Keeper, store: str, body: shapes.FileRequest
) -> shapes.StoreFile:
    """Take an uploaded file into a collection; it is read and indexed soon after."""
    serving = serving_of(request)
    check(body)
    view = await view_of(request, principal, store)
    file = await files.find(request, principal, body.file_id)
    await serving.quick(view.attach, [(file, body.attributes or {})])
    return listing.as_file(view, await serving.quick(view.file, file.id))


@router.get("/{store}/files", responses=documented(404))
async def list_files(
    request: Request,
    principal: Reader,
    store: str,
    page: Page,
) -> shapes.StoreFiles:
    """List a collection's files: attached ones, and documents of sources that are kept in step."""
    view = await view_of(request, principal, store)
    held = await serving_of(request).quick(view.files)
    return listing.page_of_files(view, held, page)


@router.get("/{store}/files/{file_id}", responses=documented(404))
async def retrieve_file(
    request: Request, principal: Reader, store: str, file_id: str
) -> shapes.StoreFile:
    """Look up one file: whether it is in, and why not."""
    view = await view_of(request, principal, store)
    return listing.as_file(view, await serving_of(request).quick(view.file, file_id))


@router.post("/{store}/files/{file_id}", responses=documented(404))
async def modify_file(
    request: Request,
    principal: Keeper,
    store: str,
    file_id: str,
    body: shapes.AttributesRequest,
) -> shapes.StoreFile:
    """Change an attached file's attributes."""
    serving = serving_of(request)
    view = await view_of(request, principal, store)
    held = await serving.quick(view.file, file_id)
    if held.attached is None:
        raise refused("attributes", "this file says them itself: it is of a synced source")
    catalog = serving.workspace.catalog
    values = {"attributes": body.attributes or {}}
    await serving.quick(catalog.change_attached, view.collection.name, file_id, **values)
    return listing.as_file(view, await serving.quick(view.file, file_id))


@router.get("/{store}/files/{file_id}/content", responses=documented(404))
async def file_content(
    request: Request, principal: Reader, store: str, file_id: str
) -> shapes.ContentPage:
    """Read the text of a file, as it was understood."""
    serving = serving_of(request)
    view = await view_of(request, principal, store)
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
    view = await view_of(request, principal, store)
    await serving_of(request).quick(view.detach, file_id)
    return shapes.Deleted(id=file_id, object="vector_store.file.deleted")


# -- batches ---------------------------------------------------------------------------------


@router.post("/{store}/file_batches", responses=documented(404))
async def create_batch(
    request: Request, principal: Keeper, store: str, body: shapes.BatchRequest
) -> shapes.Batch:
    """Take many uploaded files into a collection."""
    serving = serving_of(request)
    check(body)
    view = await view_of(request, principal, store)
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
    return await _batch(request, await view_of(request, principal, store), batch)


@router.post("/{store}/file_batches/{batch}/cancel", responses=documented(404))
async def cancel_batch(request: Request, principal: Keeper, store: str, batch: str) -> shapes.Batch:
    """Take back the files of a batch that are not in yet."""
    view = await view_of(request, principal, store)
    await _batch(request, view, batch)
    await serving_of(request).quick(view.cancel, batch)
    return await _batch(request, view, batch)


@router.get("/{store}/file_batches/{batch}/files", responses=documented(404))
async def list_batch_files(
    request: Request,
    principal: Reader,
    store: str,
    batch: str,
    page: Page,
) -> shapes.StoreFiles:
    """List the files of a batch."""
    view = await view_of(request, principal, store)
    held = await serving_of(request).quick(_of_batch, view, batch)
    return listing.page_of_files(view, held, page)


async def _batch(request: Request, view: StoreView, batch: str) -> shapes.Batch:
    held = await serving_of(request).quick(_of_batch, view, batch)
    counts = listing.counted(held)
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
