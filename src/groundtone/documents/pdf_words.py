"""A PDF page's characters as words with places, sizes and weights.

pdfium's text page gives characters in the order of the file. What is asked for each word goes
through plain function prototypes, since a page has hundreds of words and these calls are most of
the reading time: two boxes a word, and type size and font once for each text object.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from groundtone.documents.document import Box
from groundtone.documents.pdf_opening import display

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

SOFT = "\u00ad"
"""Marks a hyphen that only divides a word at a line's end."""

_NOTHING = "\u200d"
_LOST = "\ufffd"
_SIGNS: dict[int, str] = {code: _LOST for code in range(1, 32) if code not in (9, 10, 13)}
_SIGNS |= {0: _NOTHING} | dict.fromkeys((0x02, 0xAD, 0xFFFE), SOFT)
_WORD = re.compile(rf"[^\s\u200b{SOFT}]+{SOFT}?|{SOFT}")
# The letters that fonts join into one shape.
_JOINED = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st"}
_JOINED_ANY = re.compile("[\ufb00-\ufb05]")
_MEANINGLESS = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_LEADERS = re.compile(r"[.·…_]{5,}|(?:[.·…][ \u00a0]){4,}[.·…]?")
_SAMPLED = 48  # characters of a page asked whether their font says what they mean


@dataclass(slots=True)
class Word:
    """Letters without a space between them.

    `left`, `top`, `right`, `bottom` are points from the top left corner of the page as it is read;
    `order` counts words in the order of the file.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool
    mono: bool
    order: int


# Size, bold, mono, quarter turns, and what to add to the top and bottom of pdfium's boxes.
_Style = tuple[float, bool, bool, int, float, float]


@dataclass(slots=True)
class PageWords:
    """One page's words.

    Attributes:
        words: those that run in the page's main direction, placed in the frame in which they run
            from left to right.
        aside: those that run in another direction, placed on the page as shown.
        width, height: of that frame.
        turns: quarter turns clockwise from that frame to the page as shown.
        shown: width and height of the page as shown.
        meaningless: share of the characters, 0 to 1, for which the font does not say what letter
            they are.
    """

    words: list[Word]
    aside: list[Word] = field(default_factory=list)
    width: float = 612.0
    height: float = 792.0
    turns: int = 0
    shown: tuple[float, float] = (612.0, 792.0)
    meaningless: float = 0.0

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """A box of the reading frame on the page as shown, cut to the page."""
        wide, high = self.shown
        if self.turns == 1:
            left, top, right, bottom = wide - bottom, left, wide - top, right
        elif self.turns == 2:
            left, top, right, bottom = wide - right, high - bottom, wide - left, high - top
        elif self.turns == 3:
            left, top, right, bottom = top, high - right, bottom, high - left
        return (
            round(min(max(left, 0.0), wide), 1),
            round(min(max(top, 0.0), high), 1),
            round(min(max(right, 0.0), wide), 1),
            round(min(max(bottom, 0.0), high), 1),
        )


def page_words(page: PdfPage) -> PageWords:
    """Read one page. Words wholly outside the page, and words drawn twice at the same place (a
    cheap way to make bold), are left out."""
    with closing(page.get_textpage()) as textpage:
        return _read(page, textpage)


def _read(page: PdfPage, textpage: Any) -> PageWords:
    to_display, wide, high = display(page)
    call = _calls()
    handle = ctypes.cast(textpage.raw, ctypes.c_void_p).value
    letters = _letters(textpage)
    quarter = page.get_rotation() // 90
    rect, matrix = call.rect, call.matrix
    fonts: dict[int | None, tuple[bool, bool]] = {}
    heights: dict[tuple[int | None, float], tuple[float, float]] = {}
    styles: dict[int | None, _Style] = {}
    level: dict[tuple[int | None, float], _Style] = {}
    seen: set[tuple[str, int, int]] = set()
    by_turn: dict[int, list[Word]] = {}
    order = 0

    def box(index: int) -> Box | None:
        if not call.loose(handle, index, call.rect_at):
            return None
        return to_display(rect.left, rect.top, rect.right, rect.bottom)

    def style(index: int, text_object: int | None) -> _Style:
        points: float = call.size(handle, index)
        turn = 0
        if call.matrix_of(handle, index, call.matrix_at):
            a, b, c, d = matrix.a, matrix.b, matrix.c, matrix.d
            if b or c:
                points *= math.hypot(c, d) or 1.0
                turn = round(math.atan2(b, a) / (math.pi / 2)) % 4
            else:
                points *= abs(d) or 1.0
                turn = 0 if a > 0 else 2
        font = call.font(text_object) if text_object else None
        if font not in fonts:
            fonts[font] = _face(font)
        points = round(points, 1)
        if (font, points) not in heights:
            heights[font, points] = _height(call, handle, index, points)
        # Text that runs upwards (a quarter turn anticlockwise) on an unturned page has turns 3.
        up, down = heights[font, points] if turn == quarter == 0 else (0.0, 0.0)
        return (points, *fonts[font], (quarter - turn) % 4, up, down)

    for match in _WORD.finditer(letters):
        start, end = match.span()
        text_object = call.object_at(handle, start)
        look = styles.get(text_object)
        one = box(start)
        two = box(end - 1) if end - start > 1 else one
        if (
            one is not None
            and two is not None
            and one[1] == two[1]
            and one[3] == two[3]
            and one[0] <= two[2]
        ):
            if look is None and end - start > 1 and one[0] < two[0]:
                # Of one font, runs that go to the right and are equally high are of one size.
                font = call.font(text_object) if text_object else None
                same = (font, round(one[3] - one[1], 2))
                look = level.get(same)
                if look is None:
                    look = level[same] = style(start, text_object)
                styles[text_object] = look
            elif look is None:
                look = styles[text_object] = style(start, text_object)
            pieces = [(start, end, (one[0], one[1], two[2], one[3]))]
        else:
            if look is None:
                look = styles[text_object] = style(start, text_object)
            pieces = _on_one_line(start, end, box, one, two, look[3])
        for first, last, (left, top, right, bottom) in pieces:
            text = letters[first:last].replace(_NOTHING, "")
            if not text or right < 0 or bottom < 0 or left > wide or top > high:
                continue
            key = (text, int(left), int(top))
            if key in seen:
                continue
            seen.add(key)
            size, bold, mono, turn, up, down = look
            top += up
            bottom += down
            if not 0 < bottom - top < 4 * max(size, 1.0) and turn % 2 == 0:
                top = bottom - 1.2 * max(size, 1.0)  # a font that lies about its height
            word = Word(text, left, top, right, bottom, size, bold, mono, order)
            by_turn.setdefault(turn, []).append(word)
            order += 1
    result = _framed(by_turn, wide, high)
    result.meaningless = _meaningless(letters, handle, call)
    return result


def _on_one_line(
    start: int,
    end: int,
    box: Callable[[int], Box | None],
    first: Box | None,
    last: Box | None,
    turn: int,
) -> list[tuple[int, int, Box]]:
    """(start, end, box) of a word; of its parts where the file runs it on over a line's end."""
    if first is None or last is None:
        known = [(index, place) for index in range(start, end) if (place := box(index))]
        if not known:
            return []
        first, last = known[0][1], known[-1][1]
    low, high = (0, 2) if turn % 2 else (1, 3)
    tall = max(first[high] - first[low], 1.0)
    if abs(first[low] - last[low]) < 0.7 * tall:
        return [(start, end, _hull(first, last))]
    parts: list[tuple[int, int, Box]] = []
    for index in range(start, end):
        place = box(index)
        if place is None:
            continue
        if parts and abs(parts[-1][2][low] - place[low]) < 0.7 * tall:
            parts[-1] = (parts[-1][0], index + 1, _hull(parts[-1][2], place))
        else:
            parts.append((index, index + 1, place))
    return parts


def _hull(one: Box, two: Box) -> Box:
    return (
        min(one[0], two[0]),
        min(one[1], two[1]),
        max(one[2], two[2]),
        max(one[3], two[3]),
    )


def _framed(by_turn: dict[int, list[Word]], wide: float, high: float) -> PageWords:
    """Words in the direction that most letters run in, and the rest."""
    if not by_turn:
        return PageWords([], width=wide, height=high, shown=(wide, high))
    turn = max(by_turn, key=lambda turn: sum(len(word.text) for word in by_turn[turn]))
    words = by_turn.pop(turn)
    for word in words if turn else ():
        left, top, right, bottom = word.left, word.top, word.right, word.bottom
        if turn == 1:  # runs down the page
            word.left, word.top, word.right, word.bottom = top, wide - right, bottom, wide - left
        elif turn == 2:  # upside down
            word.left, word.right = wide - right, wide - left
            word.top, word.bottom = high - bottom, high - top
        else:  # runs up
            word.left, word.top, word.right, word.bottom = high - bottom, left, high - top, right
    aside = sorted((word for rest in by_turn.values() for word in rest), key=lambda w: w.order)
    frame = (high, wide) if turn % 2 else (wide, high)
    return PageWords(words, aside, *frame, turn, (wide, high))


def _letters(textpage: Any) -> str:
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
    letters = letters.translate(_SIGNS)
    # Dots that lead the eye from a title to its page are no part of either.
    return _LEADERS.sub(lambda match: " " * len(match[0]), letters)


def _meaningless(letters: str, handle: int | None, call: _Calls) -> float:
    solid = len(letters) - letters.count(" ") - letters.count("\n") - letters.count("\r")
    if not solid:
        return 0.0
    lost = len(_MEANINGLESS.findall(letters)) / solid
    step = max(1, len(letters) // _SAMPLED)
    asked = [index for index in range(0, len(letters), step) if not letters[index].isspace()]
    wrong = sum(call.unmapped(handle, index) == 1 for index in asked)
    return max(lost, wrong / len(asked) if asked else 0.0)


def without_joined_letters(text: str) -> str:
    """ "ﬁ" as "fi", and no lone halves of surrogate pairs, which damaged fonts yield."""
    if text.isascii():
        return text
    if _JOINED_ANY.search(text):
        text = text.translate(_JOINED)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _height(call: _Calls, handle: int | None, index: int, size: float) -> tuple[float, float]:
    """What to add to the top and bottom of a font's boxes so that they hold its letters: some
    fonts say nothing useful of how far they reach above and below the line."""
    if not (
        size > 0
        and call.loose(handle, index, call.rect_at)
        and call.origin(handle, index, call.x_at, call.y_at)
    ):
        return 0.0, 0.0
    above = (call.rect.top - call.y.value) / size
    below = (call.y.value - call.rect.bottom) / size
    return (
        0.0 if 0.8 < above < 1.3 else (above - 0.9) * size,
        0.0 if 0.08 < below < 0.5 else (0.22 - below) * size,
    )


def _face(font: int | None) -> tuple[bool, bool]:
    """Whether a font is bold, and whether all its letters are equally wide, by name and flags."""
    import pypdfium2.raw as pdfium

    if not font:
        return False, False
    pointer = ctypes.cast(font, pdfium.FPDF_FONT)
    buffer = ctypes.create_string_buffer(256)
    pdfium.FPDFFont_GetBaseFontName(pointer, buffer, 256)
    name = buffer.value.lower()
    bold = any(part in name for part in (b"bold", b"black", b"heavy", b"-bd", b"demi"))
    bold = bold or pdfium.FPDFFont_GetWeight(pointer) >= 600
    mono = any(part in name for part in (b"mono", b"courier", b"consol", b"typewriter", b"cmtt"))
    mono = mono or bool(max(pdfium.FPDFFont_GetFlags(pointer), 0) & 1)
    return bold, mono


class _Calls:
    """pdfium's functions with addresses as plain integers: half the cost of the bound ones."""

    def __init__(self) -> None:
        import pypdfium2.raw as pdfium

        address, number = ctypes.c_void_p, ctypes.c_int

        def bound(function: Any, result: Any, *arguments: Any) -> Any:
            prototype = ctypes.PYFUNCTYPE(result, *arguments)
            return prototype(ctypes.cast(function, address).value or 0)

        self.loose = bound(pdfium.FPDFText_GetLooseCharBox, number, address, number, address)
        self.object_at = bound(pdfium.FPDFText_GetTextObject, address, address, number)
        self.size = bound(pdfium.FPDFText_GetFontSize, ctypes.c_double, address, number)
        self.matrix_of = bound(pdfium.FPDFText_GetMatrix, number, address, number, address)
        self.font = bound(pdfium.FPDFTextObj_GetFont, address, address)
        self.unmapped = bound(pdfium.FPDFText_HasUnicodeMapError, number, address, number)
        self.origin = bound(
            pdfium.FPDFText_GetCharOrigin, number, address, number, address, address
        )
        self.x, self.y = ctypes.c_double(), ctypes.c_double()
        self.x_at, self.y_at = ctypes.addressof(self.x), ctypes.addressof(self.y)
        self.rect = pdfium.FS_RECTF()
        self.rect_at = ctypes.addressof(self.rect)
        self.matrix = pdfium.FS_MATRIX()
        self.matrix_at = ctypes.addressof(self.matrix)


@cache
def _calls() -> _Calls:
    return _Calls()
