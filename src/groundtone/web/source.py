"""A citation's place at an address of its own: where links in other programs lead."""

from __future__ import annotations

import asyncio
import re

from fastapi import Request
from nicegui import ui

from groundtone.documents.spots import spot_at
from groundtone.web import panel, sources
from groundtone.web.elements import empty, link, node
from groundtone.web.layout import Visit, frame
from groundtone.web.sources import Cited, Source

LONGEST = 10_000  # characters that are marked
_AT = re.compile(r"(\d{1,12})-(\d{1,12})")


@ui.page("/source/{version}")
async def source(request: Request, version: str, at: str = "") -> None:
    """A document at the place ``at`` (``1819-1913``, in characters), which is marked."""
    with frame(request, "ask", "Source") as here:
        found = await asyncio.to_thread(_look, here, version, at)
        if found is None:
            with empty(
                "There is no such source",
                "The document has changed or was deleted, or it is not for this key.",
            ):
                link("Ask a question", "/", "button primary")
            return
        told, where = found
        node("h1", told.document.title)
        if where:
            node("p", where, "where")
        with node("section", classes="source alone", aria_label="Source"):
            panel.show(told)
        if here.visitor.may("files"):
            link("All that is known of this document", f"/documents/{version}", "text-link")
        ui.run_javascript("groundtone.cited()")


def _look(here: Visit, version: str, at: str) -> tuple[Source, str] | None:
    """The place, and the headings that it stands under."""
    sight, catalog = here.sight(), here.workspace.catalog
    if sight.document(version) is None:
        return None
    match = _AT.fullmatch(at)
    start, end = (int(match[1]), int(match[2])) if match else (0, 0)
    end = min(end, start + LONGEST)
    chunk = next((one for one in catalog.chunks(version) if one.start <= start < one.end), None)
    page, box, where = None, None, ""
    if chunk is not None:
        page, box = spot_at(chunk.spots, start, end) or (chunk.page, chunk.box)
        parts = [*chunk.headings, *([f"page {page}"] if page else [])]
        where = " › ".join(parts)
    quote = catalog.text(version, start, end)
    found = sources.read(here.workspace, sight, Cited(version, start, end, page, box, quote))
    return None if found is None else (found, where)
