"""The pages of a PDF, one at a time, to pieces: laid out, freed of running lines, cut up.

Only a few pages are held at once, so that long files need no more memory than their text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundtone.documents.pdf_blocks import Piece, pieces
from groundtone.documents.pdf_cells import Cell, cells, is_figure
from groundtone.documents.pdf_columns import regions
from groundtone.documents.pdf_lines import Line, lines, segments
from groundtone.documents.pdf_rules import Rules, rules
from groundtone.documents.pdf_running import REACH, Edge, edges, running
from groundtone.documents.pdf_scans import Scans
from groundtone.documents.pdf_words import PageWords, Word, page_words

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage


@dataclass(slots=True)
class _Page:
    number: int
    words: PageWords
    parts: list[list[tuple[Line, list[Cell]]]]
    drawn: Rules | None
    ends: dict[int, Edge] = field(default_factory=dict)


def read_pieces(pdf: PdfDocument, scans: Scans) -> Iterator[Piece]:
    """All pieces of a file in reading order; what cannot be read is told to `scans`."""
    for page in _without_running(_pages(pdf, scans), len(pdf)):
        yield from pieces(page.parts, page.number, page.words.box, page.drawn)
        yield from _aside(page)


def _pages(pdf: PdfDocument, scans: Scans) -> Iterator[_Page]:
    """Pages that have words."""
    import pypdfium2

    for index in range(len(pdf)):
        number = index + 1
        try:
            with closing(pdf[index]) as page:
                words = scans.readable(page, number, page_words(page))
                made = _laid_out(page, number, words)
        except pypdfium2.PdfiumError as error:
            scans.broken.append((number, str(error)))
            continue
        if made.words.words or made.words.aside:
            yield made


def _laid_out(page: PdfPage, number: int, words: PageWords) -> _Page:
    parts = [
        [(line, cells(line)) for line in lines(region)] for region in regions(segments(words.words))
    ]
    # Ruling lines matter only where cells of words stand side by side.
    several = [row for part in parts for _, row in part if len(row) > 1]
    wordy = sum(1 for row in several if not any(is_figure(cell.text) for cell in row))
    drawn = _turned(rules(page), words) if wordy > max(1, len(several) // 2) else None
    ends = edges([line for part in parts for line, _ in part], words.height)
    words.words = words.words[:1]  # the lines hold them now
    return _Page(number, words, parts, drawn, ends)


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
    for page in pages:
        window.append(page)
        waiting.append(page)
        while waiting[0].number < page.number - REACH:
            yield _cleaned(waiting.popleft(), window, count)
        while window[0].number < waiting[0].number - REACH:
            window.popleft()
    while waiting:
        yield _cleaned(waiting.popleft(), window, count)


def _cleaned(page: _Page, window: deque[_Page], count: int) -> _Page:
    around = {
        other.number: other.ends for other in window if abs(other.number - page.number) <= REACH
    }
    gone = running(page.ends, page.number, around, count)
    place = 0
    for index, part in enumerate(page.parts if gone else ()):
        page.parts[index] = [row for at, row in enumerate(part, place) if at not in gone]
        place += len(part)
    return page


def _aside(page: _Page) -> Iterator[Piece]:
    """What runs in another direction than the rest: stamps in margins, labels of axes."""
    groups: list[list[Word]] = []
    for word in page.words.aside:
        if groups and _near(groups[-1][-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    wide, high = page.words.shown
    upright = PageWords([], width=wide, height=high, shown=(wide, high))
    for words in groups:
        box = upright.box(
            min(word.left for word in words),
            min(word.top for word in words),
            max(word.right for word in words),
            max(word.bottom for word in words),
        )
        text = " ".join(word.text for word in words)
        # Of many lines, so that it is taken for no heading.
        yield Piece("text", text, page.number, box, 9, words[0].size, False)


def _near(one: Word, two: Word) -> bool:
    reach = 2 * max(one.size, two.size)
    return (
        one.left - reach < two.right
        and two.left < one.right + reach
        and one.top - reach < two.bottom
        and two.top < one.bottom + reach
    )
