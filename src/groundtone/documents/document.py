"""What a file becomes: texts, and blocks that point into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
        page: page number from 1 in formats that have pages, slide number in slides, sheet number
            in spreadsheets, else None.
        box: (left, top, right, bottom) in PDF points from the page's top left corner, or None.
        header: for a table with header rows, their span: it begins at ``start`` and ends at the
            end of the last header row. Whoever cuts the table repeats this slice. None without.
    """

    kind: BlockKind
    start: int
    end: int
    headings: tuple[str, ...] = ()
    level: int | None = None
    page: int | None = None
    box: Box | None = None
    header: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One file, or one of several documents in a file, read.

    Attributes:
        title: front matter or first heading or metadata, else the file's stem.
        text: the canonical text. For plain text and Markdown it is the decoded file, unchanged,
            so that spans index the file itself.
        blocks: in reading order, non-overlapping, spans strictly increasing.
        media_type: e.g. ``text/markdown``.
        notes: things worth telling the user ("page 3 has no text layer").
        metadata: what the file says about itself: front matter, mail headers, author, date.
            Values can be written as JSON; keys are in lower case.
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    media_type: str
    notes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """One document found in a file.

    Attributes:
        name: "" for the file itself; else the path inside it, "/"-separated: "guide/a.md" in an
            archive, "report.pdf" for a mail's attachment, "message-0003" in a mailbox.
        document: what was read.
    """

    name: str
    document: Document


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one file holds.

    Attributes:
        parts: the documents, names unique, in the order of the file.
        failed: (name inside the file, reason) of each part that could not be read.
        skipped: how many parts are of kinds that no reader reads, by name ending ("" for none):
            the pictures in an archive, say. Sorted.
    """

    parts: tuple[Part, ...]
    failed: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, int], ...] = ()
