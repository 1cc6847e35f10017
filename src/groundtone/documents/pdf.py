"""PDF: text with pages and boxes, columns in reading order, tables as tables.

The way of a page: `pdf_words` (characters to words; `pdf_scans` for pages that have none) →
`pdf_columns` (reading order) → `pdf_lines` → `pdf_running` (headers and footers go) →
`pdf_tables`, `pdf_grid` and `pdf_blocks` (pieces) → `pdf_outline` (headings). `pdf_flow` leads
the pages along it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.documents.composing import Composer
from groundtone.documents.document import Document
from groundtone.documents.pdf_blocks import Piece
from groundtone.documents.pdf_flow import read_pieces
from groundtone.documents.pdf_opening import opened
from groundtone.documents.pdf_outline import Outline, continued
from groundtone.documents.pdf_scans import Scans
from groundtone.documents.pdf_words import without_joined_letters
from groundtone.errors import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_UNTITLED = ("untitled", "(anonymous)", "anonymous", "(unspecified)", "microsoft word -")
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?)?")


def read(path: Path, data: bytes) -> Document:
    """Read a PDF.

    Running headers, footers and page numbers are left out, words divided at a line's end are
    joined, tables become lines of cells divided by " | " with their header in the first line,
    which a table's part on a further page gets again. The title is the largest heading of the
    first page, else the file's metadata, else its stem. Metadata: title, author, subject,
    keywords, created and modified (ISO 8601), pages.

    Pages that are pictures, or whose fonts do not say which letters they show, are read by OCR
    where an engine is installed (`ocr`), and named in the document's notes otherwise.

    Raises:
        UnreadableFile: encrypted with a password, damaged, without pages, or no page has text and
            none can be recognised.
    """
    scans, outline = Scans(), Outline()
    found: list[Piece] = []
    with opened(path, data) as pdf:
        for piece in read_pieces(pdf, scans):
            outline.see(piece)
            found.append(piece)
        metadata = _metadata(pdf)
    if not found:
        raise UnreadableFile(path, scans.why_nothing())
    outline.settle(found)
    composer = Composer()
    title, largest = "", 0.0
    for piece, level in zip(continued(found), outline.levels(found), strict=True):
        text = without_joined_letters(outline.whole(piece.text)).replace("\0", "")
        if level and piece.page == 1 and piece.size > largest:
            title, largest = " ".join(text.split()), piece.size
        composer.add(
            "heading" if level else "paragraph" if piece.kind == "text" else piece.kind,
            text,
            level=level or None,
            page=piece.page,
            box=piece.box,
            header_lines=piece.header,
        )
    named = str(metadata.get("title", ""))
    if named.lower().startswith(_UNTITLED):
        named = ""
    title = title or named or composer.first_heading or path.stem
    return composer.document(title, "application/pdf", tuple(scans.notes()), metadata)


def _metadata(pdf: PdfDocument) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("Title", "Author", "Subject", "Keywords"):
        text = without_joined_letters(pdf.get_metadata_value(key)).replace("\0", "")
        if text.strip():
            found[key.lower()] = " ".join(text.split())
    for key, name in (("CreationDate", "created"), ("ModDate", "modified")):
        date = _date(pdf.get_metadata_value(key))
        if date:
            found[name] = date
    found["pages"] = len(pdf)
    return found


def _date(text: str) -> str:
    """ "D:20230203060102-05'00'" (ISO 32000-1, 7.9.4) as "2023-02-03T06:01:02"; the offset from
    Greenwich is left out. What is no date becomes ""."""
    match = _DATE.match(text.strip())
    if not match:
        return ""
    year, month, day, hour, minute, second = match.groups()
    if not 1 <= int(month or 1) <= 12 or not 1 <= int(day or 1) <= 31:
        return ""
    date = f"{year}-{month or '01'}-{day or '01'}"
    return f"{date}T{hour}:{minute}:{second or '00'}" if hour else date
