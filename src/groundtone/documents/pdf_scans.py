"""Pages without readable text: recognised by OCR where an engine is installed, reported always."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundtone.documents import ocr
from groundtone.documents.pdf_pages import rendered
from groundtone.documents.pdf_words import PageWords, Word

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MEANINGLESS = 0.3  # share of a page's characters from which on its text is no text
_FEW = 12  # words that a stamp on a scanned page may have
_SCALE = 200 / 72  # pixels a point
_MOST_PIXELS = 3200.0  # of the longer side of a picture that is recognised
_MOST_OBJECTS = 3000
_SECONDS = 45.0


class Scans:
    """What happened to the pages of one file that are pictures or have unreadable fonts.

    Recognising stops when it would take longer than `GROUNDTONE_OCR_SECONDS` (environment; default
    45) for the file.
    """

    def __init__(self) -> None:
        self.broken: list[tuple[int, str]] = []
        self._scanned: list[int] = []
        self._meaningless: list[int] = []
        self._recognised: list[int] = []
        self._wordless: list[int] = []
        self._late: list[int] = []
        self._failed: list[tuple[int, str]] = []
        self._until = time.monotonic() + _seconds()
        self._longest = 0.0  # seconds that one page took

    def readable(self, page: PdfPage, number: int, words: PageWords) -> PageWords:
        """A page's words: those of its text layer if they are text, else what OCR reads."""
        if words.meaningless > _MEANINGLESS:
            return self._by_ocr(page, number, self._meaningless, _none(page))
        if len(words.words) < _FEW:
            share = picture_share(page)
            if share >= (0.6 if words.words else 0.05):
                return self._by_ocr(page, number, self._scanned, words)
        return words

    def _by_ocr(
        self, page: PdfPage, number: int, unread: list[int], otherwise: PageWords
    ) -> PageWords:
        if ocr.engine() is None:
            unread.append(number)
            return otherwise
        begun = time.monotonic()
        if begun + self._longest > self._until:
            self._late.append(number)
            return otherwise
        longest = max(page.get_width(), page.get_height(), 1.0)
        pixels, scale = rendered(page, min(_SCALE, _MOST_PIXELS / longest))
        try:
            results = ocr.recognise(pixels)
        except RuntimeError as error:
            self._failed.append((number, str(error)))
            return otherwise
        self._longest = max(self._longest, time.monotonic() - begun)
        if not results:
            self._wordless.append(number)
            return otherwise
        self._recognised.append(number)
        return _as_words(page, results, scale)

    def why_nothing(self) -> str:
        """The reason why a file without any text cannot be read."""
        if self._failed:
            return f"no text layer (scanned), and OCR failed: {self._failed[0][1]}"
        if self._late:
            return "no text layer (scanned), and OCR takes longer than the time given to it"
        if self._meaningless:
            return (
                "its fonts do not say which letters they show, so its text is not readable; "
                f"for OCR: {ocr.REMEDY}"
            )
        if self._scanned:
            return f"no text layer (scanned?): put it through OCR first, or {ocr.REMEDY}"
        if self._wordless:
            return "no text layer (scanned?), and OCR found no words in it"
        if self.broken:
            return f"damaged PDF: no page can be loaded ({self.broken[0][1]})"
        return "holds no text: all its pages are empty"

    def notes(self) -> Iterator[str]:
        """What to tell the user of a file that has text."""
        for number, why in self.broken[:20]:
            yield f"page {number} cannot be loaded: {why}"
        if len(self.broken) > 20:
            yield f"{len(self.broken) - 20} more pages cannot be loaded"
        if self._recognised:
            yield f"{listed(self._recognised)} read by OCR ({ocr.engine()})"
        if self._scanned:
            has = "has" if len(self._scanned) == 1 else "have"
            yield f"{listed(self._scanned)} {has} no text layer (scanned?); for OCR: {ocr.REMEDY}"
        if self._meaningless:
            yield (
                f"{listed(self._meaningless)} not read: fonts do not say which letters they show; "
                f"for OCR: {ocr.REMEDY}"
            )
        if self._late:
            yield f"{listed(self._late)} not read: the time for OCR was spent"
        for number, why in self._failed[:5]:
            yield f"page {number} not read: {why}"


def _seconds() -> float:
    try:
        return float(os.environ["GROUNDTONE_OCR_SECONDS"])
    except (KeyError, ValueError):
        return _SECONDS


def picture_share(page: PdfPage) -> float:
    """How much of a page pictures cover, 0 to 1; letters drawn as outlines count as a picture."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    area = max(page.get_width() * page.get_height(), 1.0)
    covered, shapes = 0.0, 0
    for count, thing in enumerate(page.get_objects(max_depth=3)):
        if count > _MOST_OBJECTS:
            break
        if thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            try:
                left, bottom, right, top = thing.get_bounds()
            except pypdfium2.PdfiumError:
                continue
            covered += abs((right - left) * (top - bottom)) if thing.level == 0 else area
        elif thing.type == pdfium.FPDF_PAGEOBJ_PATH:
            shapes += 1
    return min(1.0, covered / area) if covered else float(shapes > 200)


def listed(numbers: list[int]) -> str:
    """ "page 3", "pages 1, 3-5, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    text = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'pages' if len(numbers) > 1 else 'page'} {text}"


def _none(page: PdfPage) -> PageWords:
    return PageWords([], shown=(page.get_width(), page.get_height()))


def _as_words(page: PdfPage, results: list[ocr.Recognised], scale: float) -> PageWords:
    """Results in pixels as words in points; a line's letters are taken to be equally wide."""
    words: list[Word] = []
    for result in results:
        left, top, right, bottom = (value / scale for value in result.box)
        letter = (right - left) / max(len(result.text), 1)
        size = round(0.75 * (bottom - top), 1)
        for match in re.finditer(r"\S+", result.text):
            one, two = left + letter * match.start(), left + letter * match.end()
            words.append(Word(match[0], one, top, two, bottom, size, False, False, len(words)))
    made = _none(page)
    made.words = words
    made.width, made.height = made.shown
    return made
