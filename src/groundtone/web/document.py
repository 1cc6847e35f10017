"""One document as the index knows it: what it is, and the passages it was cut into."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from nicegui import ui
from starlette.exceptions import HTTPException

from groundtone.errors import GroundtoneError
from groundtone.web import sources
from groundtone.web.elements import empty, link, node
from groundtone.web.layout import Visit, frame, visit

if TYPE_CHECKING:
    from groundtone.catalog import DocumentInfo, StoredChunk

router = APIRouter()
SHOWN = 100  # passages on the page
POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
PICTURED = 40  # PDF pages in the whole view


@ui.page("/documents/{version}")
async def document(request: Request, version: str) -> None:
    """What is known of a document."""
    with frame(request, "documents", "Document") as here:
        found = await asyncio.to_thread(_look, here, version)
        if found is None:
            with empty(
                "There is no such document",
                "It has changed or was deleted, or it is not for this key.",
            ):
                link("All documents", "/documents", "button")
            return
        info, chunks, text = found
        link("Documents", "/documents", "text-link")
        node("h1", info.title)
        node("p", info.path, "path")
        _facts(info)
        with node("div", classes="buttons"):
            link(
                "Everything that was understood", f"/documents/{info.version}/understood", "button"
            )
        _passages(chunks, text)


def _look(here: Visit, version: str) -> tuple[DocumentInfo, list[StoredChunk], str] | None:
    info = here.sight().document(version)
    if info is None:
        return None
    chunks = here.workspace.catalog.chunks(info.version)[:SHOWN]
    text = here.workspace.catalog.text(info.version, 0, chunks[-1].end if chunks else 2000)
    return info, chunks, text


def _facts(info: DocumentInfo) -> None:
    told = {
        "Kind": info.media_type,
        "Size": f"{info.size:,} bytes",
        "Text": f"{info.characters:,} characters",
        "Passages": f"{info.chunk_count:,}",
        **{str(name).capitalize(): str(value) for name, value in info.metadata.items()},
    }
    with node("dl", classes="plain-facts"):
        for name, value in told.items():
            with node("div"):
                node("dt", name)
                node("dd", value[:300])


def _passages(chunks: list[StoredChunk], text: str) -> None:
    with node("section", classes="section"):
        node("h2", "Passages")
        node("p", "What a question can find, cut where sections and sentences end.", "note")
        with node("ol", classes="passages"):
            for chunk in chunks:
                with node("li"):
                    above = " › ".join(chunk.headings)
                    page = f" · page {chunk.page}" if chunk.page else ""
                    node("p", f"{above}{page}", "where")
                    node("p", text[chunk.start : chunk.end], "passage-text")
        if len(chunks) == SHOWN:
            node("p", f"The first {SHOWN} passages are shown.", "note")


@router.get("/documents/{version}/understood", include_in_schema=False)
async def understood(request: Request, version: str) -> HTMLResponse:
    """The page of ``groundtone inspect --html`` for a file that is still where it was."""
    here = visit(request)

    def made() -> str | None:
        from groundtone.inspection import inspect_file
        from groundtone.inspection.page import render

        sight = here.sight()
        info = sight.document(version)
        path = sources.file_of(here.workspace, sight, info) if info else None
        if path is None:
            return None
        settings = here.workspace.settings
        limit = settings.sync.max_bytes
        found = inspect_file(path, here.workspace.embedder, settings.chunking, max_bytes=limit)
        return render(found, pages=PICTURED)

    try:
        page = await asyncio.to_thread(made)
    except GroundtoneError as error:
        raise HTTPException(409, str(error)) from None
    if page is None:
        raise HTTPException(404, "There is no such file any more.")
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HTMLResponse(page, headers=headers)
