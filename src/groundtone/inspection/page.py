"""What was understood, as one self-contained HTML page; the template is ``inspect.html.j2``."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import Any

from groundtone.documents import Block
from groundtone.errors import UnreadableFile
from groundtone.inspection.understanding import Inspection, SeenChunk, SeenDocument

COLOURS = 6  # chunks take them in turn
PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text shown in one way.

    Attributes:
        kind: of the block it lies in, or "" between blocks.
        starts: numbers (from 1) of the windows that begin here.
        anchor: name by which outline and tables lead here, or "".
    """

    text: str
    kind: str
    starts: tuple[int, ...]
    anchor: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk's text, or text between chunks, where ``seen`` is None.

    What lies between is not searched, but for headings, which stand above their sections' windows.
    """

    seen: SeenChunk | None
    runs: tuple[Run, ...]

    @property
    def is_heading(self) -> bool:
        """Whether there is nothing but headings in it."""
        return all(run.kind == "heading" or not run.text.strip() for run in self.runs)


@dataclass(frozen=True, slots=True)
class Mark:
    """A block's box on a page, in hundredths of its width and height."""

    kind: str
    chunk: int | None
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page's picture (a data URL) and the boxes on it."""

    number: int
    wide: float
    high: float
    picture: str
    marks: tuple[Mark, ...]


def render(inspection: Inspection, *, pages: int = 40) -> str:
    """The page's HTML; everything that came from the file is escaped.

    Args:
        pages: of a PDF at most so many are pictured; each adds some 100 kB.
    """
    from jinja2 import Environment, StrictUndefined

    source = resources.files("groundtone.inspection").joinpath("inspect.html.j2")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(
        inspection=inspection,
        shown=[_shown(document, inspection, pages) for document in inspection.documents],
        colours=COLOURS,
    )


def _shown(seen: SeenDocument, inspection: Inspection, pages: int) -> dict[str, Any]:
    pictures: list[Page] = []
    if seen.document.media_type == PDF and (seen.content is not None or not seen.name):
        pictures = list(_pages(seen, inspection, pages))
    return {
        "seen": seen,
        "pieces": list(pieces(seen)),
        "pages": pictures,
        "more_pages": (seen.pages or 0) > pages if pictures else False,
    }


def pieces(seen: SeenDocument) -> Iterator[Piece]:
    """The whole canonical text in order, cut where a chunk or window begins or ends."""
    at = 0
    for one in seen.chunks:
        yield from _between(seen, at, one.chunk.start)
        yield Piece(one, tuple(_runs(seen, one.chunk.start, one.chunk.end, one)))
        at = one.chunk.end
    yield from _between(seen, at, len(seen.document.text))


def _between(seen: SeenDocument, start: int, end: int) -> Iterator[Piece]:
    text = seen.document.text[start:end]
    if inner := text.strip():
        start += text.index(inner)
        yield Piece(None, tuple(_runs(seen, start, start + len(inner), None)))


def _runs(seen: SeenDocument, start: int, end: int, one: SeenChunk | None) -> Iterator[Run]:
    windows = one.chunk.windows if one else ()
    inside = _overlapping(seen.document.blocks, start, end)
    edges = {start, end}
    edges.update(edge for window in windows for edge in (window.start, window.end))
    edges.update(edge for block in inside for edge in (block.start, block.end))
    order = sorted(edge for edge in edges if start <= edge <= end)
    number = 0
    for low, high in pairwise(order):
        while number < len(inside) and inside[number].end <= low:
            number += 1
        block = inside[number] if number < len(inside) else None
        begun = [at for at, window in enumerate(windows, 1) if window.start == low]
        yield Run(
            text=seen.document.text[low:high],
            kind=block.kind if block and block.start <= low else "",
            starts=tuple(begun) if len(windows) > 1 else (),
            anchor=_anchor(block, low),
        )


def _anchor(block: Block | None, low: int) -> str:
    if block is None or block.start != low:
        return ""
    return {"heading": f"h{low}", "table": f"b{low}"}.get(block.kind, "")


def _overlapping(blocks: tuple[Block, ...], start: int, end: int) -> list[Block]:
    first = bisect_right(blocks, start, key=lambda block: block.end)
    last = bisect_left(blocks, end, key=lambda block: block.start)
    return list(blocks[first:last])


def _pages(seen: SeenDocument, inspection: Inspection, most: int) -> Iterator[Page]:
    from groundtone.documents.pdf_pages import page_count, page_png, page_size

    path, data = inspection.path, seen.content
    for number in range(1, min(page_count(path, data), most) + 1):
        try:
            wide, high = page_size(path, number, data)
            picture = page_png(path, number, scale=1.25, data=data)
        except UnreadableFile:
            continue  # the document's notes name the page
        encoded = base64.b64encode(picture).decode("ascii")
        marks = tuple(_marks(seen, number, wide, high))
        yield Page(number, wide, high, f"data:image/png;base64,{encoded}", marks)


def _marks(seen: SeenDocument, page: int, wide: float, high: float) -> Iterator[Mark]:
    at = 0
    for block in seen.document.blocks:
        while at < len(seen.chunks) and seen.chunks[at].chunk.end <= block.start:
            at += 1
        if block.page != page or block.box is None:
            continue
        left, top, right, bottom = block.box
        held = at < len(seen.chunks) and seen.chunks[at].chunk.start < block.end
        yield Mark(
            kind=block.kind,
            chunk=seen.chunks[at].chunk.ordinal if held else None,
            left=round(100 * left / wide, 3),
            top=round(100 * top / high, 3),
            width=round(100 * (right - left) / wide, 3),
            height=round(100 * (bottom - top) / high, 3),
        )
