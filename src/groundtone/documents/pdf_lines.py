"""Words to segments, and segments to lines.

A segment is what the file draws in one go on one line; a line is all segments of one region that
stand side by side. Places are points from the top left corner of the page as it is read.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Sequence

from groundtone.documents.pdf_words import SOFT, Word

LETTERS = re.compile(r"[^\W\d_]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# A gap of this share of the type size ends a segment: wider than any space between words.
_GAP = 0.6
# Letters this many times as high as their neighbours are initials or signs beside several lines.
_TALL = 2.2


class Segment:
    """Words drawn one after another without a wide gap, and their hull."""

    __slots__ = ("bottom", "left", "order", "right", "size", "top", "words")

    def __init__(self, word: Word) -> None:
        self.words = [word]
        self.left, self.top = word.left, word.top
        self.right, self.bottom = word.right, word.bottom
        self.size = word.size
        self.order = word.order

    def add(self, word: Word) -> None:
        self.words.append(word)
        if word.left < self.left:
            self.left = word.left
        if word.right > self.right:
            self.right = word.right
        if word.top < self.top:
            self.top = word.top
        if word.bottom > self.bottom:
            self.bottom = word.bottom
        if word.size > self.size:
            self.size = word.size


class Line:
    """Words side by side, from left to right (from right to left in Hebrew or Arabic)."""

    __slots__ = ("bold", "bottom", "left", "mono", "order", "right", "size", "text", "top", "words")

    def __init__(self, words: list[Word]) -> None:
        words.sort(key=lambda word: word.left)
        self.left = words[0].left
        self.right = max(word.right for word in words)
        self.size, self.bold, self.mono = _look(words)
        # Raised and lowered signs do not make a line higher.
        level = [word for word in words if word.size >= 0.75 * self.size] or words
        self.top = min(word.top for word in level)
        self.bottom = max(word.bottom for word in level)
        self.order = min(word.order for word in words)
        if sum(1 for word in words if _RIGHT_TO_LEFT.search(word.text)) > len(words) // 2:
            words.reverse()
        self.words = words
        self.text = " ".join([word.text for word in words])

    @property
    def height(self) -> float:
        return self.bottom - self.top


def _look(words: Sequence[Word]) -> tuple[float, bool, bool]:
    """(size of most letters, whether nearly all are bold, whether nearly all are equally wide)."""
    first = words[0]
    size, bold, mono = first.size, first.bold, first.mono
    if all(word.size == size and word.bold == bold and word.mono == mono for word in words):
        return size, bold, mono
    sizes: dict[float, int] = {}
    letters = heavy = even = 0
    for word in words:
        count = len(word.text)
        sizes[word.size] = sizes.get(word.size, 0) + count
        letters += count
        heavy += count * word.bold
        even += count * word.mono
    most = max(sizes, key=lambda size: (sizes[size], size))
    return most, heavy > 0.8 * letters, even > 0.8 * letters


def segments(words: Iterable[Word]) -> list[Segment]:
    """Words in the order of the file, as segments in that order."""
    made: list[Segment] = []
    last: Word | None = None
    for word in words:
        if last is not None:
            gap = word.left - last.right
            size = last.size if last.size > word.size else word.size
            if -0.3 * size < gap < _GAP * size and not last.text.endswith(SOFT):
                same = last.bottom == word.bottom and last.top == word.top
                overlap = 0.0 if same else min(last.bottom, word.bottom) - max(last.top, word.top)
                if same or overlap > 0.5 * min(last.bottom - last.top, word.bottom - word.top):
                    made[-1].add(word)
                    last = word
                    continue
        made.append(Segment(word))
        last = word
    return made


def lines(region: Sequence[Segment]) -> list[Line]:
    """The lines of one region from top to bottom."""
    rows: list[list[Segment]] = []
    cores: list[Segment] = []  # of each row, the segment of the largest type
    for segment in sorted(region, key=lambda segment: segment.top + segment.bottom):
        high = max(segment.bottom - segment.top, 0.1)
        best, most = -1, 0.5
        for number in range(len(rows) - 1, max(-1, len(rows) - 5), -1):
            core = cores[number]
            tall = max(core.bottom - core.top, 0.1)
            overlap = min(core.bottom, segment.bottom) - max(core.top, segment.top)
            share = overlap / min(high, tall)
            if share > most and max(high, tall) < _TALL * min(high, tall):
                best, most = number, share
        if best < 0:
            rows.append([segment])
            cores.append(segment)
            continue
        rows[best].append(segment)
        if segment.size > cores[best].size:
            cores[best] = segment
    made = [Line([word for segment in row for word in segment.words]) for row in rows]
    ordered: list[tuple[float, int, Line]] = []
    for number, line in enumerate(made):
        insort(ordered, (line.bottom, number, line), key=lambda entry: entry[:2])
    return [line for _, _, line in ordered]
