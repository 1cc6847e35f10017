"""PDF: the text layer with pages and boxes, headings by their type size.

pdfium says where each character stands and how large it is; `lines` and `layout` make blocks of
that. Nothing is recognised from pictures: a scanned page without a text layer is noted.
"""

from __future__ import annotations

import ctypes
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.documents.composing import Composer
from groundtone.documents.document import Box, Document
from groundtone.documents.layout import arrange
from groundtone.documents.lines import Line, Word
from groundtone.errors import UnreadableFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

# pdfium keeps global state and is not safe for threads.
_ONE_AT_A_TIME = threading.Lock()
_PASSWORD_NEEDED = 4
_UNTITLED = ("untitled", "(anonymous)", "anonymous", "(unspecified)", "microsoft word -")
# pdfium's sign for a hyphen that only divides a word at a line's end.
_SOFT = "\u00ad"
_NOTHING = "\u200d"
_SIGNS = {code: _NOTHING for code in range(32) if code not in (9, 10, 13)}
_SIGNS |= dict.fromkeys((0x02, 0xAD, 0xFFFE), _SOFT)
_WORD_OR_END = re.compile(rf"([^\s\u200b{_SOFT}]+{_SOFT}?|{_SOFT})|[\r\n]+")


def read(path: Path, data: bytes) -> Document:
    """Read a PDF's text layer.

    Running headers and footers on most pages are left out, words divided at a line's end are
    joined, tables become ``a | b`` lines where cells line up. The title is the largest heading of
    the first page, else the file's metadata, else its stem.

    Raises:
        UnreadableFile: encrypted with a password, or no page has a text layer.
    """
    import pypdfium2

    with _ONE_AT_A_TIME:
        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == _PASSWORD_NEEDED or "password" in str(error):
                reason = "encrypted with a password; save it without one"
            else:
                reason = f"damaged PDF: {error}"
            raise UnreadableFile(path, reason) from None
        with closing(pdf):
            if len(pdf) == 0:
                raise UnreadableFile(path, "damaged PDF: it has no pages")
            pages, silent, broken = _pages(pdf)
            metadata = " ".join(pdf.get_metadata_value("Title").split())
    if not any(pages):
        if broken:
            raise UnreadableFile(path, f"damaged PDF: no page can be loaded ({broken[0][1]})")
        raise UnreadableFile(path, "no text layer (scanned?): put it through OCR first")
    notes = [f"page {number} cannot be loaded: {why}" for number, why in broken[:20]]
    if silent:
        notes.append(f"no text layer (scanned?) on page {_ranges(silent)}")
    composer = Composer()
    title = ""
    title_level = 7
    for block in arrange(pages):
        text = _well_formed(block.text)
        if block.kind == "heading" and block.page == 1 and block.level < title_level:
            title, title_level = " ".join(text.split()), block.level
        composer.add(
            block.kind, text, level=block.level or None, page=block.page, box=_rounded(block.box)
        )
    if metadata.lower().startswith(_UNTITLED):
        metadata = ""
    title = title or _well_formed(metadata) or composer.first_heading or path.stem
    return composer.document(title, "application/pdf", tuple(notes))


def _pages(pdf: PdfDocument) -> tuple[list[list[Line]], list[int], list[tuple[int, str]]]:
    """(lines of each page, numbers of pages with pictures only, pages that failed)."""
    import pypdfium2

    pages: list[list[Line]] = []
    silent: list[int] = []
    broken: list[tuple[int, str]] = []
    for index in range(len(pdf)):
        lines: list[Line] = []
        try:
            with closing(pdf[index]) as page:
                lines = list(_lines(page, index + 1))
                if not lines and next(iter(page.get_objects(max_depth=2)), None) is not None:
                    silent.append(index + 1)
        except pypdfium2.PdfiumError as error:
            broken.append((index + 1, str(error)))
        pages.append(lines)
    return pages, silent, broken


def _lines(page: PdfPage, number: int) -> Iterator[Line]:
    """Words in the order of the file, one line after another as pdfium breaks them."""
    import pypdfium2.raw as pdfium

    to_display, width, height = _display(page)
    with closing(page.get_textpage()) as textpage:
        letters = _letters(textpage)
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        loose = pdfium.FS_RECTF()
        matrix = pdfium.FS_MATRIX()

        def box(index: int) -> Box | None:
            if pdfium.FPDFText_GetLooseCharBox(textpage, index, loose):
                return to_display(loose.left, loose.top, loose.right, loose.bottom)
            if pdfium.FPDFText_GetCharBox(textpage, index, left, right, bottom, top):
                return to_display(left.value, top.value, right.value, bottom.value)
            return None

        def size(index: int) -> float:
            points = float(pdfium.FPDFText_GetFontSize(textpage, index))
            if pdfium.FPDFText_GetMatrix(textpage, index, matrix):
                points *= math.hypot(matrix.c, matrix.d) or 1.0
            return round(points, 1)

        def line(spans: list[tuple[int, int]]) -> Line | None:
            # Asking for every word would take as long as all the rest.
            bold = _is_bold(textpage, spans[0][0]) and _is_bold(textpage, spans[-1][0])
            words = []
            for start, end in spans:
                text = letters[start:end].replace(_NOTHING, "")
                one, two = box(start), box(end - 1)
                if text and one is not None and two is not None:
                    hull = (
                        min(one[0], two[0]),
                        min(one[1], two[1]),
                        max(one[2], two[2]),
                        max(one[3], two[3]),
                    )
                    words.append(Word(text, hull, size(start), bold))
            return Line(number, words, width, height) if words else None

        spans: list[tuple[int, int]] = []
        for match in _WORD_OR_END.finditer(letters):
            if match[1] is not None:
                spans.append(match.span())
            # pdfium runs a divided word on without a line end: the line ends all the same.
            if spans and (match[1] is None or match[1].endswith(_SOFT)):
                made = line(spans)
                if made is not None:
                    yield made
                spans = []
        if spans:
            made = line(spans)
            if made is not None:
                yield made


def _letters(textpage: PdfTextPage) -> str:
    """One letter for each of the page's characters, so that places in it are pdfium's."""
    import pypdfium2.raw as pdfium

    count = textpage.count_chars()
    buffer = ctypes.create_string_buffer(2 * count + 2)
    units = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    if pdfium.FPDFText_GetText(textpage, 0, count, units) == count + 1:
        letters = buffer.raw[: 2 * count].decode("utf-16-le", "surrogatepass")
    else:
        letters = ""
    if len(letters) != count:  # characters beyond 16 bits, or without any meaning
        codes = (pdfium.FPDFText_GetUnicode(textpage, index) for index in range(count))
        letters = "".join(chr(code) if code < 0x110000 else _NOTHING for code in codes)
    return letters.translate(_SIGNS)


def _is_bold(textpage: object, index: int) -> bool:
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(textpage, index) >= 600:
        return True
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    if not pdfium.FPDFText_GetFontInfo(textpage, index, buffer, 128, flags):
        return False
    name = buffer.value.lower()
    return b"bold" in name or b"black" in name or b"heavy" in name


def _display(
    page: PdfPage,
) -> tuple[Callable[[float, float, float, float], Box], float, float]:
    """A function from a box in the page's own coordinates to one from its shown top left corner,
    and the shown page's width and height."""
    x0, y0, x1, y1 = page.get_bbox()
    wide, high = x1 - x0, y1 - y0
    rotation = page.get_rotation()

    def turned(left: float, top: float, right: float, bottom: float) -> Box:
        a, b, c, d = left - x0, right - x0, bottom - y0, top - y0
        if rotation == 90:
            return (c, a, d, b)
        if rotation == 180:
            return (wide - b, c, wide - a, d)
        if rotation == 270:
            return (high - d, wide - b, high - c, wide - a)
        return (a, high - d, b, high - c)

    if rotation in (90, 270):
        return turned, high, wide
    return turned, wide, high


def _ranges(numbers: list[int]) -> str:
    """ "1, 3-5, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _rounded(box: Box) -> Box:
    left, top, right, bottom = (round(value, 1) for value in box)
    return (min(left, right), min(top, bottom), max(left, right), max(top, bottom))


def _well_formed(text: str) -> str:
    """Without lone halves of surrogate pairs, which damaged fonts yield and no database takes."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\0", "")
