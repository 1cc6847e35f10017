"""Plain text: paragraphs between blank lines."""

from __future__ import annotations

from pathlib import Path

from groundtone.documents.decoding import decode
from groundtone.documents.document import Block, Document


def read(path: Path, data: bytes) -> Document:
    """Read plain text; the canonical text is the decoded file unchanged.

    Headings are not guessed: in plain text nothing marks them for certain.
    """
    text, notes = decode(data)
    blocks: list[Block] = []
    start = end = position = 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if bare:
            if end == start:
                start = position + line.index(bare[0])
            end = position + len(line.rstrip())
        elif end > start:
            blocks.append(Block("paragraph", start, end))
            start = end
        position += len(line)
    if end > start:
        blocks.append(Block("paragraph", start, end))
    return Document(path.stem, text, tuple(blocks), "text/plain", notes)
