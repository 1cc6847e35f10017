"""``/v1/files``: uploaded files, for fine-tuning and for collections."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from groundtone.catalog import StoredFile
from groundtone.server.auth import Principal, require
from groundtone.server.errors import ApiError, documented
from groundtone.server.serving import Serving
from groundtone.workspace.files import Files

router = APIRouter(tags=["files"])
Keeper = Annotated[Principal, Depends(require("files"))]
Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
DAY = 86_400
ID = r"^[\w-]+$"
"""What an id looks like; others are never looked up."""
FileId = Annotated[str, Path(max_length=64, pattern=ID)]


class FileObject(BaseModel):
    """An uploaded file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = None
    filename: str
    purpose: str
    status: Literal["uploaded", "processed", "error"] = "processed"
    status_details: str | None = None


class FileList(BaseModel):
    """One page of files."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """That a file is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


@router.post("/v1/files", responses=documented(507))
async def create_file(
    request: Request,
    principal: Keeper,
    file: UploadFile,
    purpose: Annotated[Purpose, Form()],
    anchor: Annotated[Literal["created_at"] | None, Form(alias="expires_after[anchor]")] = None,
    seconds: Annotated[
        int | None, Form(alias="expires_after[seconds]", ge=3600, le=30 * DAY)
    ] = None,
) -> FileObject:
    """Keep a file. It is safe once this is answered.

    One for fine-tuning must be JSONL; what its lines hold is checked by the job.
    """
    del anchor  # there is only one
    if purpose == "fine-tune":
        await run_in_threadpool(_check_lines, file.file, file.filename or "file")
    files = Files(_serving(request).workspace)
    kept = await run_in_threadpool(
        files.add,
        file.file,
        file.filename or "file",
        purpose,
        owner=principal.key_id,
        expires_at=None if seconds is None else time.time() + seconds,
    )
    return as_object(kept)


@router.get("/v1/files", responses=documented())
async def list_files(
    request: Request,
    principal: Keeper,
    purpose: Annotated[str | None, Query(max_length=64, pattern=ID)] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
    after: Annotated[str | None, Query(max_length=64, pattern=ID)] = None,
) -> FileList:
    """List files, by age."""
    serving = _serving(request)
    found, more = await serving.quick(
        serving.workspace.catalog.list_files,
        purpose=purpose,
        owner=seen_by(principal),
        after=after,
        limit=limit,
        newest=order == "desc",
    )
    data = [as_object(file) for file in found]
    return FileList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=more,
    )


@router.get("/v1/files/{file_id}", responses=documented(404))
async def retrieve_file(request: Request, principal: Keeper, file_id: FileId) -> FileObject:
    """Look up one file."""
    return as_object(await find(request, principal, file_id))


@router.get(
    "/v1/files/{file_id}/content",
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "Its bytes."},
        **documented(404),
    },
    response_model=None,
)
async def file_content(request: Request, principal: Keeper, file_id: FileId) -> FileResponse:
    """Read a file as it was uploaded."""
    file = await find(request, principal, file_id)
    path = Files(_serving(request).workspace).path(file.id)
    # Never shown by a browser as a page of ours, whatever was uploaded.
    return FileResponse(path, media_type="application/octet-stream", filename=file.name)


@router.delete("/v1/files/{file_id}", responses=documented(404))
async def delete_file(request: Request, principal: Keeper, file_id: FileId) -> FileDeleted:
    """Remove a file. Jobs that have been checked go on without it."""
    file = await find(request, principal, file_id)
    serving = _serving(request)
    await serving.quick(Files(serving.workspace).delete, file.id)
    return FileDeleted(id=file.id)


def seen_by(principal: Principal) -> str | None:
    """Whose files and jobs a key sees: all, or its own where it is limited to some documents."""
    return principal.only_own


async def find(request: Request, principal: Principal, id: str) -> StoredFile:
    """The file of this id that this key may see.

    Raises:
        ApiError: 404. Whether there is one of others is not told.
    """
    serving = _serving(request)
    file: StoredFile | None = await serving.quick(
        serving.workspace.catalog.get_file, id, seen_by(principal)
    )
    if file is None:
        raise ApiError(404, f"No such File object: {id}", param="id", code="file_not_found")
    return file


def as_object(file: StoredFile) -> FileObject:
    """A file as the API tells it."""
    return FileObject(
        id=file.id,
        bytes=file.bytes,
        created_at=int(file.created_at),
        expires_at=None if file.expires_at is None else int(file.expires_at),
        filename=file.name,
        purpose=file.purpose,
        status=file.status,  # type: ignore[arg-type]
    )


def _check_lines(content: BinaryIO, name: str) -> None:
    """Raise unless every line is a JSON object: what is no JSONL is said while uploading."""
    empty = True
    for number, line in enumerate(content, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip()
        if not text:
            continue
        empty = False
        try:
            value: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            why = getattr(error, "msg", "it is not UTF-8")
            raise _no_jsonl(name, f"line {number} is not valid JSON ({why})") from None
        if not isinstance(value, dict):
            raise _no_jsonl(name, f"line {number} is no JSON object")
    if empty:
        raise _no_jsonl(name, "it is empty")
    content.seek(0)


def _no_jsonl(name: str, why: str) -> ApiError:
    return ApiError(
        400,
        f"Invalid file format for fine-tuning. {name} must be JSONL: {why}.",
        param="file",
        code="invalid_file_format",
    )


def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving
