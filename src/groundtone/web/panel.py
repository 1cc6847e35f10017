"""The panel beside an answer: the source of one of its sentences, as the reader would see it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from nicegui import ui

from groundtone.web import sources
from groundtone.web.elements import button, node
from groundtone.web.layout import Visit
from groundtone.web.reading import Reference
from groundtone.web.sources import Line, Piece, Place, Source


class SourcePanel:
    """One panel of a page; empty and hidden until a source is opened."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._client = ui.context.client  # what was pressed may be gone when the panel closes
        self._box = node("aside", classes="source", aria_label="Source", tabindex="-1", hidden=True)

    async def open(self, reference: Reference) -> None:
        """Show what a sentence rests on, and move there."""
        visit = self._visit
        found = await asyncio.to_thread(
            lambda: sources.read(visit.workspace, visit.sight(), reference.cited)
        )
        self._box.clear()
        self._box.props.pop("hidden", None)
        with self._box:
            with node("div", classes="source-head"):
                with node("div"):
                    node("h2", reference.title)
                    node("p", reference.where, "where")
                button("", self.close, "quiet", icon="close", aria_label="Close the source")
            if found is None:
                node(
                    "p", "This document has changed or is gone since the answer was given.", "note"
                )
                node("blockquote", reference.quote)
            else:
                show(found)
        self._client.run_javascript("groundtone.reveal()")

    def close(self) -> None:
        """Hide the panel; the focus goes back to where it was opened from."""
        self._box.props["hidden"] = ""
        self._box.clear()
        self._client.run_javascript("groundtone.hidden()")


def show(source: Source) -> None:
    """What is cited, where it stands: the page's picture, or the text around it."""
    with node("p", classes="path"):
        node("span", source.document.path)
    if source.picture:
        with node("figure", classes="sheet").style(f"aspect-ratio:{source.shape:.4f}"):
            node("img", src=source.picture, alt=f"Page {source.page} of {source.document.title}")
            for place in source.passage:
                _frame(place, "passage")
            for place in source.words:
                _frame(place, "words")
        with node("details", classes="as-text"):
            node("summary", "The same as text")
            _text(source)
    else:
        _text(source)


def _frame(place: Place, kind: str) -> None:
    made = node("div", classes=f"frame {kind}", aria_hidden="true")
    made.style(f"left:{place.left}%;top:{place.top}%;width:{place.width}%;height:{place.height}%")


def _text(source: Source) -> None:
    with node("div", classes="page-text"):
        if source.cut_before:
            node("p", "…", "cut")
        for kind, lines in sources.tables(source.lines):
            if kind == "table":
                _table(lines)
            elif kind != "gap":
                _line(kind, lines[0])
        if source.cut_after:
            node("p", "…", "cut")


def _line(kind: str, line: Line) -> None:
    tag = {"heading": "p", "item": "p", "code": "pre"}.get(kind, "p")
    level = min(max(line.level, 1), 4)
    with node(tag, classes=f"line {kind}" + (f" level-{level}" if kind == "heading" else "")):
        _runs(line.cells[0])


def _table(rows: Sequence[Line]) -> None:
    with (
        node("div", classes="scroll", tabindex="0", role="region", aria_label="Table"),
        node("table"),
    ):
        if len(rows) > 1:
            with node("thead"), node("tr"):
                _cells(rows[0], "th")
            rows = rows[1:]
        with node("tbody"):
            for row in rows:
                with node("tr", classes="cited" if row.marked else ""):
                    _cells(row, "td")


def _cells(row: Line, tag: str) -> None:
    for cell in row.cells:
        with node(tag):
            _runs(cell)


def _runs(pieces: Iterable[Piece]) -> None:
    for piece in pieces:
        node("mark" if piece.marked else "span", piece.text)
