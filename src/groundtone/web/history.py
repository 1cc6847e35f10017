"""Answers given before: all of them, and each at an address of its own that can be shared."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request
from nicegui import ui

from groundtone.catalog.answers import StoredAnswer
from groundtone.web import turns
from groundtone.web.elements import badge, empty, link, node
from groundtone.web.layout import Visit, frame
from groundtone.web.panel import SourcePanel

SHOWN = 50  # on the page
LOOKED_AT = 1000  # of all answers, for those who see only some


@ui.page("/history")
async def history(request: Request) -> None:
    """The latest answers."""
    with frame(request, "ask", "History") as here:
        found = await asyncio.to_thread(visible, here, SHOWN)
        node("h1", "History")
        if not found:
            with empty("Nothing was asked yet", "Answers are kept here, with their sources."):
                link("Ask a question", "/", "button primary")
            return
        with node("ul", classes="rows"):
            for stored in found:
                with node("li"):
                    _row(stored)


def _row(stored: StoredAnswer) -> None:
    short = stored.id.removeprefix("answer-")
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.created_at))
    with link("", f"/answer/{short}", "row-link"):
        node("span", stored.question, "title")
        node("span", " ".join(str(stored.answer["answer"]).split())[:160], "excerpt")
        with node("span", classes="where"):
            node("span", f"{when} · {stored.model or 'no model'} ")
            if stored.answer["refused"]:
                badge("refused")
            elif stored.rating:
                badge(stored.rating, stored.rating)


@ui.page("/answer/{id}")
async def answer(request: Request, id: str) -> None:
    """One answer, as it was given."""
    with frame(request, "ask", "Answer") as here:
        stored = await asyncio.to_thread(_find, here, id)
        if stored is None:
            with empty(
                "There is no such answer",
                "It was deleted, or it draws on documents that you may not see.",
            ):
                link("Ask a question", "/", "button primary")
            return
        with node("div", classes="desk"):
            with node("div", classes="talk"), node("article", classes="turn"):
                node("h1", stored.question, "question")
                body = node("div", classes="body")
            panel = SourcePanel(here)
            with body:
                turns.show_answer(here, panel, stored.id, stored.answer)


def visible(here: Visit, most: int) -> list[StoredAnswer]:
    """The latest answers that the visitor may see: who has ``admin`` all, others their own."""
    catalog, visitor = here.workspace.catalog, here.visitor
    if visitor.may("admin") and visitor.unlimited:
        return catalog.list_answers(most)
    latest = catalog.list_answers(LOOKED_AT)
    if not visitor.may("admin"):
        own = catalog.asked_by(visitor.key or "")
        latest = [one for one in latest if one.id in own]
    sight = here.sight()
    return [one for one in latest if sight.answer(one.answer)][:most]


def _find(here: Visit, id: str) -> StoredAnswer | None:
    """The answer of this very id whose documents the visitor may all see."""
    found = [
        one
        for one in here.workspace.catalog.find_answers(id)
        if one.id.removeprefix("answer-") == id.removeprefix("answer-")
    ]
    return found[0] if found and here.sight().answer(found[0].answer) else None
