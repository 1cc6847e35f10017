"""Files that are handed in at the page: kept in a folder of the collection, which is a source."""

from __future__ import annotations

import asyncio
import os
import unicodedata
import uuid
from pathlib import Path, PurePosixPath

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from groundtone.errors import GroundtoneError, WrongUse
from groundtone.web.layout import Visit, visit
from groundtone.workspace import collections

router = APIRouter()
DEEPEST = 8  # folders above a file that is handed in with its folder
LONGEST = 200  # characters of one name
PART = ".part"


@router.post("/documents/upload", include_in_schema=False)
async def upload(request: Request, collection: str, name: str) -> Response:
    """Keep one file, the request's body; a file of this name is replaced."""
    here = visit(request)
    if not here.visitor.may("files") or not allowed(here, collection):
        return PlainTextResponse("Your key does not allow this.", 403)
    most = here.workspace.settings.sync.max_bytes
    if int(request.headers.get("content-length") or 0) > most:
        return too_large(here)
    try:
        target = place(here, collection, name)
    except GroundtoneError as error:
        return PlainTextResponse(str(error), 422)
    part = target.with_name(f".{uuid.uuid4().hex}{PART}")
    await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
    size = 0
    try:
        with part.open("wb") as out:
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    return too_large(here)
                await asyncio.to_thread(out.write, piece)
            out.flush()
            await asyncio.to_thread(os.fsync, out.fileno())
        part.replace(target)
    except OSError as error:
        return PlainTextResponse(f"it cannot be kept: {error.strerror}", 507)
    finally:
        part.unlink(missing_ok=True)
    return PlainTextResponse("kept", 201)


async def received(request: Request, here: Visit) -> list[bytes] | None:
    """The body of a request in pieces; None if it is larger than a file may be."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > here.workspace.settings.sync.max_bytes:
            return None
        pieces.append(piece)
    return pieces


def too_large(here: Visit) -> Response:
    """The answer to such a request."""
    most = here.workspace.settings.sync.max_bytes
    return PlainTextResponse(f"larger than the {most:,} bytes that a file may have", 413)


def allowed(here: Visit, collection: str) -> bool:
    """Whether the visitor may change what is in this collection."""
    allowed = here.visitor.collections
    return allowed is None or collection in allowed


def place(here: Visit, collection: str, name: str) -> Path:
    """Where a file of this name is kept, inside the collection's folder whatever it is called.

    Raises:
        WrongUse: no name of a file, or of a kind that no reader reads.
    """
    from groundtone.documents.families import BY_SUFFIX

    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "/"]
    names = [_clean(part) for part in parts]
    if not names or not all(names) or len(names) > DEEPEST:
        raise WrongUse(f"{name!r} is no name of a file.")
    path = PurePosixPath(*names)
    if path.suffix.lower() not in BY_SUFFIX:
        raise WrongUse(
            f"files ending in {path.suffix or 'nothing'!r} are not read.",
            "PDF, Office, HTML, Markdown, text, CSV, mail and archives are.",
        )
    return collections.uploads(here.workspace, collection) / path


def _clean(part: str) -> str:
    """One part of a path without what leads elsewhere or cannot be seen; "" if none is left."""
    text = unicodedata.normalize("NFC", part)
    text = "".join(char for char in text if char.isprintable() and char not in '/\\:*?"<>|')
    text = text.strip().lstrip(".")
    stem, dot, suffix = text.rpartition(".")
    if len(text) > LONGEST:
        return f"{stem[: LONGEST - len(suffix) - 1]}{dot}{suffix}" if dot else text[:LONGEST]
    return text
