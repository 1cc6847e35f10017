"""What pages fetch besides themselves: pictures of cited PDF pages."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from groundtone.errors import UnreadableFile
from groundtone.web import sources
from groundtone.web.layout import visit

router = APIRouter()
SHARP = 1.75  # pixels a point


@router.get("/source/{version}/page/{page}", include_in_schema=False)
async def page_picture(request: Request, version: str, page: int) -> Response:
    """The picture of one page of a PDF that the visitor may see."""
    here = visit(request)

    def made() -> bytes | None:
        from groundtone.documents.pdf_pages import page_png

        sight = here.sight()
        document = sight.document(version)
        file = sources.pdf_file(here.workspace, sight, document) if document else None
        return None if file is None else page_png(file, page, scale=SHARP)

    try:
        png = await asyncio.to_thread(made)
    except UnreadableFile:
        png = None
    if png is None:
        raise HTTPException(404, "There is no such page.")
    # A version is one text: its picture never changes. Kept by this browser only.
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})
