"""Lines to cells: what stands apart on one line, and what of it is a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from groundtone.documents.pdf_lines import LETTERS, Line
from groundtone.documents.pdf_words import Word

BULLET = re.compile(r"[•‣◦▪●○■□➢✓*·–—-]$|\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[.)]$")
_SIGNS = frozenset(("$", "€", "£", "¥", "₹", "(", "$(", "€(", "£("))
_CLOSING = frozenset((")", "%", ")%", "%)", "pts", "pts.", "bps"))
_DASHES = frozenset("—–-−‒")
_FIGURE = re.compile(
    r"[$€£¥₹(+\-–—−~<>≈ ]*\d(?:[\d.,’' ]*\d)?\.?(?:\s*(?:[)%‰x*†]|bps|pts\.?|\(\w{1,2}\)))*$"
)
_YEAR = re.compile(r"(?:(?:FY|Q[1-4])\s?)?(?:19|20)\d\d(?:\s?[EeAa])?$")
_NO_FIGURE = frozenset(("n/a", "n.a.", "nm", "n/m", "na", "*", "..", "…"))


class Cell:
    """Words of one line that no wide gap divides."""

    __slots__ = ("left", "order", "right", "words")

    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.left = min(word.left for word in words)
        self.right = max(word.right for word in words)
        self.order = min(word.order for word in words)

    @property
    def text(self) -> str:
        return " ".join([word.text for word in self.words])

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def is_figure(text: str) -> bool:
    """A number, an amount, a share, or the dash that stands for none; years are no figures."""
    if text in _DASHES or text.lower() in _NO_FIGURE:
        return True
    if text.startswith("$ ") and text[2:] in _DASHES:
        return True
    return bool(_FIGURE.match(text)) and not _YEAR.match(text)


def cells(line: Line) -> list[Cell]:
    """The cells of a line from left to right.

    A currency sign belongs to the number after it and a closing bracket or percent sign to the one
    before it, wherever the accountant put them; a bullet or number belongs to its item.
    """
    size = line.size
    wide = max(size, 4.0)
    made: list[list[Word]] = []
    last: Word | None = None
    words = line.words
    for place, word in enumerate(words):
        if last is None:
            made.append([word])
            last = word
            continue
        gap = word.left - last.right
        apart = gap >= wide or (gap >= 0.5 * size and _numeric(last.text) and _numeric(word.text))
        if not apart and word.text in _SIGNS and gap > 0.15 * size:
            # "284 % $ 29,507" are two amounts, "5 €" is one.
            after = words[place + 1].text if place + 1 < len(words) else ""
            apart = _amount(last.text) and _amount(after)
        if apart and (
            (last.text in _SIGNS and gap < 25 * size and _numeric(word.text))
            or (word.text in _CLOSING and gap < 3 * size)
            or (len(made) == 1 and _is_marker(made[0], word, gap, size))
        ):
            apart = False
        if apart:
            made.append([word])
        else:
            made[-1].append(word)
        last = word
    found = [Cell(words) for words in made]
    if len(found) > 1 and _is_loose_prose(found, size):
        return [Cell(line.words)]
    return found


def _numeric(text: str) -> bool:
    return (
        text in _SIGNS
        or text in _DASHES
        or (not LETTERS.search(text) and any(map(str.isdigit, text)))
    )


def _amount(text: str) -> bool:
    return text in _CLOSING or text in _DASHES or (_numeric(text) and text not in _SIGNS)


def _is_marker(words: Sequence[Word], after: Word, gap: float, size: float) -> bool:
    return (
        len(words) == 1
        and gap < 6 * size
        and bool(BULLET.match(words[0].text))
        and not _numeric(after.text)
    )


def _is_loose_prose(found: Sequence[Cell], size: float) -> bool:
    """Running text that is stretched to fill its line."""
    words = sum(len(cell.words) for cell in found)
    if words < 8 or (words / len(found) < 3.5 and len(found) < 7):
        return False
    if len(found) > 6 and any(is_figure(cell.text) for cell in found):
        return False
    gaps = [after.left - before.right for before, after in pairwise(found)]
    even = len(found) > 6 and max(gaps) < min(1.8 * min(gaps), 3 * size)
    return max(gaps) < 2.2 * size or even
