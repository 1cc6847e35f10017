"""What a file becomes: one text, and blocks that point into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Block:
    """One structural piece of a document.

    Attributes:
        kind: what it is.
        start, end: character span into ``Document.text``; the block's text is exactly that slice.
        headings: titles from the outermost section down to the one this block stands in (for a
            heading: its own title last). Without Markdown marks; numbering ("2.1 Reset") kept.
        level: 1 to 6 for headings, else None.
        page: page number from 1 in formats that have pages, else None.
        box: (left, top, right, bottom) in PDF points from the page's top left corner, or None.
    """

    kind: BlockKind
    start: int
    end: int
    headings: tuple[str, ...] = ()
    level: int | None = None
    page: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read.

    Attributes:
        title: front matter or first heading or metadata, else the file's stem.
        text: the canonical text. For plain text and Markdown it is the decoded file, unchanged,
            so that spans index the file itself.
        blocks: in reading order, non-overlapping, spans strictly increasing.
        media_type: e.g. ``text/markdown``.
        notes: things worth telling the user ("page 3 has no text layer").
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    media_type: str
    notes: tuple[str, ...] = ()
