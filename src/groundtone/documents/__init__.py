"""Files to documents: one module per family of formats, imported when a file asks for it."""

from __future__ import annotations

from pathlib import Path

from groundtone.documents.document import Block, BlockKind, Box, Document, Part, Reading
from groundtone.documents.families import BY_SUFFIX
from groundtone.documents.intake import load
from groundtone.documents.limits import Limits
from groundtone.documents.unpacking import Watch, read_one, read_parts

__all__ = [
    "SUPPORTED",
    "Block",
    "BlockKind",
    "Box",
    "Document",
    "Part",
    "Reading",
    "read",
    "read_all",
]

SUPPORTED: frozenset[str] = frozenset(BY_SUFFIX)
"""File name endings, in lower case, that are taken from a folder. A single file is read by its
content, whatever its name."""


def read(path: Path, *, max_bytes: int = 100_000_000) -> Document:
    """Turn one file into one document.

    The family is chosen by content where that is unmistakable (a PDF named ``.txt`` is read as
    the PDF it is), else by name. Of a mail this is the message without its attachments; an archive
    must hold exactly one document.

    Args:
        path: the file.
        max_bytes: larger files are refused.

    Raises:
        UnreadableFile: for any file that cannot be read, whatever is wrong with it; its
            ``reason`` says what.
    """
    path = Path(path)
    return read_one(path, load(path, max_bytes), _limits(max_bytes))


def read_all(path: Path, *, max_bytes: int = 100_000_000, watch: Watch | None = None) -> Reading:
    """Read everything that a file holds: itself, and the documents inside it.

    Args:
        path: the file.
        max_bytes: larger files, and larger parts of them, are refused; all parts together may
            have five times as much.
        watch: told each document's name inside the file ("" for itself) and its content.

    Raises:
        UnreadableFile: nothing in it can be read.
    """
    path = Path(path)
    return read_parts(path, load(path, max_bytes), _limits(max_bytes), watch)


def _limits(max_bytes: int) -> Limits:
    return Limits(member_bytes=max_bytes, total_bytes=5 * max_bytes)
