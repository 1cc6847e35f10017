"""Plain text: paragraphs between blank lines, pages between form feeds."""

from __future__ import annotations

from pathlib import Path

from groundtone.documents.decoding import decode
from groundtone.documents.document import Document
from groundtone.documents.slicing import Slices, paragraph_spans


def read(path: Path, data: bytes) -> Document:
    """Read plain text; the canonical text is the decoded file unchanged.

    Headings are not guessed: in plain text nothing marks them for certain. In a file with form
    feeds, as printed manuals and RFCs have them, blocks know their page.
    """
    text, notes = decode(data)
    slices = Slices(text)
    paged = "\f" in text
    page, counted = 1, 0
    for start, end in paragraph_spans(text):
        if paged:
            page += text.count("\f", counted, start)
            counted = start
        slices.add("paragraph", start, end, page=page if paged else None)
    return slices.document(path.stem, "text/plain", notes)
