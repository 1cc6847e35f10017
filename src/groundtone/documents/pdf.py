"""PDF: text with pages and boxes, columns in reading order, tables as tables.

The way of a page: `pdf_words` (characters to words) → `pdf_columns` (reading order) → `pdf_lines`
→ `pdf_running` (headers and footers go) → `pdf_tables`, `pdf_grid` and `pdf_blocks` (pieces) →
`pdf_outline` (headings). Pages without a text layer, or whose fonts do not say what their letters
mean, are read by `ocr` where an engine is installed, and named in the document's notes otherwise.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.documents import ocr
from groundtone.documents.composing import Composer
from groundtone.documents.document import Document
from groundtone.documents.pdf_blocks import Piece, pieces
from groundtone.documents.pdf_cells import Cell, cells, is_figure
from groundtone.documents.pdf_columns import regions
from groundtone.documents.pdf_lines import Line, lines, segments
from groundtone.documents.pdf_opening import opened
from groundtone.documents.pdf_outline import Outline, continued
from groundtone.documents.pdf_pages import rendered
from groundtone.documents.pdf_rules import Rules, rules
from groundtone.documents.pdf_running import REACH, Edge, edges, running
from groundtone.documents.pdf_words import PageWords, Word, page_words, without_joined_letters
from groundtone.errors import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_UNTITLED = ("untitled", "(anonymous)", "anonymous", "(unspecified)", "microsoft word -")
_DATE = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?)?")
_MEANINGLESS = 0.3  # share of a page's characters from which on its text is no text
_OCR_SCALE = 200 / 72  # pixels a point
_MOST_PIXELS = 3200.0  # of the longer side of a picture that is recognised


@dataclass(slots=True)
class _Page:
    number: int
    words: PageWords
    parts: list[list[tuple[Line, list[Cell]]]]
    aside: list[list[Word]]
    drawn: Rules | None
    ends: dict[int, Edge] = field(default_factory=dict)


@dataclass(slots=True)
class _Silent:
    """Pages that yielded no text, by reason."""

    scanned: list[int] = field(default_factory=list)
    meaningless: list[int] = field(default_factory=list)
    recognised: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)


def read(path: Path, data: bytes) -> Document:
    """Read a PDF.

    Running headers, footers and page numbers are left out, words divided at a line's end are
    joined, tables become lines of cells divided by " | " with their header in one line. The title
    is the largest heading of the first page, else the file's metadata, else its stem. Metadata:
    title, author, subject, keywords, created and modified (ISO 8601), pages.

    Recognising scanned pages stops after `GROUNDTONE_OCR_SECONDS` (environment; default 45) a
    file; the pages left are named in the notes.

    Raises:
        UnreadableFile: encrypted with a password, damaged, without pages, or no page has text and
            none can be recognised.
    """
    silent = _Silent()
    with opened(path, data) as pdf:
        outline = Outline()
        found: list[Piece] = []
        for page in _without_running(_pages(pdf, silent), len(pdf)):
            for piece in _pieces(page):
                outline.see(piece)
                found.append(piece)
        metadata = _metadata(pdf)
    if not found:
        raise UnreadableFile(path, _why_nothing(silent))
    composer = Composer()
    title, largest = "", 0.0
    outline.settle(found)
    levels = outline.levels(found)
    for piece, level in zip(continued(found), levels, strict=True):
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
    return composer.document(title, "application/pdf", tuple(_notes(silent)), metadata)


def _pages(pdf: PdfDocument, silent: _Silent) -> Iterator[_Page]:
    """Pages with text, one at a time; what else happens goes to `silent`."""
    import pypdfium2

    until = time.monotonic() + float(os.environ.get("GROUNDTONE_OCR_SECONDS", "45"))
    for index in range(len(pdf)):
        number = index + 1
        try:
            with closing(pdf[index]) as page:
                words = page_words(page)
                if words.meaningless > _MEANINGLESS:
                    words = _recognised(page, number, silent, until, silent.meaningless)
                elif not words.words and _shows_something(page):
                    words = _recognised(page, number, silent, until, silent.scanned)
                made = _laid_out(page, number, words)
        except pypdfium2.PdfiumError as error:
            silent.broken.append((number, str(error)))
            continue
        if made is not None:
            yield made


def _shows_something(page: PdfPage) -> bool:
    return next(iter(page.get_objects(max_depth=2)), None) is not None


def _laid_out(page: PdfPage, number: int, words: PageWords) -> _Page | None:
    if not words.words and not words.aside:
        return None
    parts = [
        [(line, cells(line)) for line in lines(region)] for region in regions(segments(words.words))
    ]
    aside: list[list[Word]] = []
    for word in words.aside:
        if aside and _near(aside[-1][-1], word):
            aside[-1].append(word)
        else:
            aside.append([word])
    # Ruling lines matter only where cells of words stand side by side.
    several = [row for part in parts for _, row in part if len(row) > 1]
    wordy = sum(1 for row in several if not any(is_figure(cell.text) for cell in row))
    drawn = _turned(rules(page), words) if wordy > max(1, len(several) // 2) else None
    made = _Page(number, words, parts, aside, drawn)
    made.ends = edges([line for part in parts for line, _ in part], words.height)
    return made


def _near(one: Word, two: Word) -> bool:
    reach = 2 * max(one.size, two.size)
    return (
        one.left - reach < two.right
        and two.left < one.right + reach
        and one.top - reach < two.bottom
        and two.top < one.bottom + reach
    )


def _turned(drawn: Rules, words: PageWords) -> Rules:
    """Ruling lines of the page as shown, in the frame in which its words are read."""
    if not words.turns:
        return drawn
    wide, high = words.shown
    made = Rules()
    ends = [(x1, y, x2, y) for y, x1, x2 in drawn.across]
    ends += [(x, y1, x, y2) for x, y1, y2 in drawn.down]
    for x1, y1, x2, y2 in ends:
        if words.turns == 1:
            made.add(y1, wide - x1, y2, wide - x2)
        elif words.turns == 2:
            made.add(wide - x1, high - y1, wide - x2, high - y2)
        else:
            made.add(high - y1, x1, high - y2, x2)
    return made


def _without_running(pages: Iterator[_Page], count: int) -> Iterator[_Page]:
    """Pages without running headers and footers, told by the pages around each."""
    window: deque[_Page] = deque()
    waiting: deque[_Page] = deque()

    def cleaned(page: _Page) -> _Page:
        around = {p.number: p.ends for p in window if abs(p.number - page.number) <= REACH}
        gone = running(page.ends, page.number, around, count)
        if gone:
            place = 0
            for index, part in enumerate(page.parts):
                kept = [line for at, line in enumerate(part, place) if at not in gone]
                place += len(part)
                page.parts[index] = kept
        return page

    for page in pages:
        window.append(page)
        waiting.append(page)
        while waiting and waiting[0].number < page.number - REACH + 1:
            yield cleaned(waiting.popleft())
        while window[0].number < waiting[0].number - REACH:
            window.popleft()
    while waiting:
        yield cleaned(waiting.popleft())


def _pieces(page: _Page) -> Iterator[Piece]:
    yield from pieces(page.parts, page.number, page.words.box, page.drawn)
    shown = PageWords([], width=page.words.shown[0], height=page.words.shown[1])
    shown.shown = page.words.shown
    for words in page.aside:
        box = shown.box(
            min(word.left for word in words),
            min(word.top for word in words),
            max(word.right for word in words),
            max(word.bottom for word in words),
        )
        text = " ".join(word.text for word in words)
        yield Piece("text", text, page.number, box, 9, words[0].size, False)


def _recognised(
    page: PdfPage, number: int, silent: _Silent, until: float, otherwise: list[int]
) -> PageWords:
    """A page's words as an OCR engine reads them from its picture."""
    nothing = PageWords([], shown=(page.get_width(), page.get_height()))
    if ocr.engine() is None:
        otherwise.append(number)
        return nothing
    if time.monotonic() > until:
        silent.late.append(number)
        return nothing
    longest = max(page.get_width(), page.get_height(), 1.0)
    pixels, scale = rendered(page, min(_OCR_SCALE, _MOST_PIXELS / longest))
    try:
        results = ocr.recognise(pixels)
    except RuntimeError as error:
        silent.failed.append((number, str(error)))
        return nothing
    if results:
        silent.recognised.append(number)
    words: list[Word] = []
    for result in results:
        left, top, right, bottom = (value / scale for value in result.box)
        letter = (right - left) / max(len(result.text), 1)
        size = round(0.75 * (bottom - top), 1)
        for match in re.finditer(r"\S+", result.text):
            one, two = left + letter * match.start(), left + letter * match.end()
            words.append(Word(match[0], one, top, two, bottom, size, False, False, len(words)))
    wide, high = nothing.shown
    return PageWords(words, width=wide, height=high, shown=nothing.shown)


def _metadata(pdf: PdfDocument) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in ("Title", "Author", "Subject", "Keywords"):
        text = without_joined_letters(" ".join(pdf.get_metadata_value(key).split()))
        if text.strip("\0 "):
            found[key.lower()] = text.replace("\0", "")
    for key, name in (("CreationDate", "created"), ("ModDate", "modified")):
        date = _date(pdf.get_metadata_value(key))
        if date:
            found[name] = date
    found["pages"] = len(pdf)
    return found


def _date(text: str) -> str:
    """ "D:20230203060102-05'00'" (ISO 32000-1, 7.9.4) as "2023-02-03T06:01:02"; the offset from
    Greenwich is left out."""
    match = _DATE.match(text.strip())
    if not match:
        return ""
    year, month, day, hour, minute, second = match.groups()
    if not 1 <= int(month or 1) <= 12 or not 1 <= int(day or 1) <= 31:
        return ""
    date = f"{year}-{month or '01'}-{day or '01'}"
    return f"{date}T{hour}:{minute}:{second or '00'}" if hour else date


def _why_nothing(silent: _Silent) -> str:
    if silent.failed:
        return f"no text layer (scanned), and OCR failed: {silent.failed[0][1]}"
    if silent.late:
        return "no text layer (scanned), and recognising it takes longer than the time for OCR"
    if silent.meaningless:
        return (
            "its fonts do not say which letters they show, so its text is not readable; "
            f"for OCR: {ocr.REMEDY}"
        )
    if silent.scanned:
        if ocr.engine() is not None:
            return "no text layer (scanned?), and OCR found no text in it"
        return f"no text layer (scanned?): put it through OCR first, or {ocr.REMEDY}"
    if silent.broken:
        return f"damaged PDF: no page can be loaded ({silent.broken[0][1]})"
    return "holds no text: all its pages are empty"


def _notes(silent: _Silent) -> Iterator[str]:
    for number, why in silent.broken[:20]:
        yield f"page {number} cannot be loaded: {why}"
    if len(silent.broken) > 20:
        yield f"{len(silent.broken) - 20} more pages cannot be loaded"
    if silent.recognised:
        yield f"{_listed(silent.recognised)} read by OCR ({ocr.engine()})"
    if silent.scanned:
        has = "has" if len(silent.scanned) == 1 else "have"
        yield f"{_listed(silent.scanned)} {has} no text layer (scanned?); for OCR: {ocr.REMEDY}"
    if silent.meaningless:
        yield (
            f"{_listed(silent.meaningless)}: fonts do not say which letters they show; "
            f"for OCR: {ocr.REMEDY}"
        )
    if silent.late:
        yield f"{_listed(silent.late)} not read: the time for OCR was spent"
    for number, why in silent.failed[:5]:
        yield f"page {number} not read: {why}"


def _listed(numbers: list[int]) -> str:
    """ "page 3", "pages 1, 3-5, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    text = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'pages' if len(numbers) > 1 else 'page'} {text}"
