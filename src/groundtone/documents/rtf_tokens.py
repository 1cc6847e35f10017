"""Rich Text Format as a stream of text and the words that part it, encodings resolved.

Text is decoded by the code page of the font it stands in; what is picture, object, macro, field
code or the like is passed over.
"""

from __future__ import annotations

import codecs
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from groundtone.documents.rtf_words import (
    BULLET,
    CHARSETS,
    ESCAPED,
    GIVEN,
    KNOWN,
    NO_TEXT,
    OF_THEIR_OWN,
    PASSED_OVER,
    PROPERTIES,
    SIGNS,
    SYMBOL,
    TEXT_THOUGH_STARRED,
)

_TOKEN = re.compile(
    rb"\\(?:([A-Za-z]{1,40})(-?\d{1,10})? ?|'([0-9A-Fa-f]{2})|(.))|([{}])|([^\\{}]+)", re.DOTALL
)
_DEEPEST = 2_000


@dataclass(slots=True)
class State:
    """What holds at a place of the file; copied when a group opens.

    Attributes:
        within: the group it stands in: "" for the document, else "stylesheet", "footnote",
            "listtext", "pntext" or a property of the file ("title", "author", …).
        style: number of the paragraph's style.
        outline: its own level from 0, 9 for none, None where the style says.
        in_table, depth: whether it is in a table's cell; level in a list from 0.
        bold: whether it is printed so.
    """

    within: str = ""
    style: int = 0
    outline: int | None = None
    in_table: bool = False
    depth: int = 0
    bold: bool = False
    font: int = -1
    hidden: bool = False
    skipped: bool = False
    fallback: int = 1  # how many signs stand for a Unicode character where none is known


class Event(NamedTuple):
    """A control word that parts the text, with its number; or text (then ``word`` is "")."""

    word: str
    number: int | None
    text: str
    state: State


class TooDeep(ValueError):
    """Groups in groups beyond what any document has."""


def events(data: bytes, html: bool = False) -> Iterator[Event]:
    """All text that belongs to the document, and the words between, in order.

    The state of an event goes on changing: it holds until the next one is asked for.

    Args:
        html: give what is kept of the HTML page that a mail program made the file from, in place
            of the text (MS-OXRTFEX).

    Raises:
        TooDeep: see there.
    """
    return _Interpreter(data, html).run()


class _Interpreter:
    def __init__(self, data: bytes, html: bool) -> None:
        self._data = data
        self._html = html
        self._state = State()
        self._stack: list[State] = []
        self._charsets: dict[int, int] = {}  # by font
        self._default_font = 0
        self._page = "cp1252"
        self._pieces: list[str] = []  # of the text that is being gathered
        self._bytes = bytearray()  # after them, not yet decoded
        self._units: list[int] = []  # or these, of UTF-16
        self._to_skip = 0
        self._starred = False

    def run(self) -> Iterator[Event]:
        place = 0
        while match := _TOKEN.search(self._data, place):
            place = match.end()
            word, digits, code, sign, brace, text = match.groups()
            if text is not None:
                self._take(text.replace(b"\r", b"").replace(b"\n", b""))
            elif code is not None:
                self._take(bytes((int(code, 16),)))
            elif word == b"u" and digits is not None:
                self._take_unit(int(digits))
            elif word is not None and word not in KNOWN and not self._starred:
                self._to_skip = 0
            elif sign is not None and sign in ESCAPED:
                self._take_sign(ESCAPED[sign])
            else:
                yield from self._text()
                if brace is not None:
                    self._group(brace)
                elif word == b"bin":
                    place += max(0, int(digits or 0))
                elif word is not None:
                    number = int(digits) if digits is not None else None
                    yield from self._word(word.decode("ascii"), number)
                elif sign == b"*":
                    self._starred = True
                elif sign in (b"\n", b"\r"):
                    yield from self._word("par", None)
        yield from self._text()

    def _take(self, text: bytes) -> None:
        """Bytes of text; those that stand for a Unicode character before them are passed over."""
        passed = min(self._to_skip, len(text))
        self._to_skip -= passed
        if len(text) > passed and not self._state.skipped:
            self._settle_units()
            self._bytes += text[passed:]

    def _take_unit(self, number: int) -> None:
        if not self._state.skipped:
            self._settle_bytes()
            self._units.append(number & 0xFFFF)
        self._to_skip = self._state.fallback

    def _take_sign(self, sign: str) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif not self._state.skipped:
            self._settle_bytes()
            self._settle_units()
            self._pieces.append(sign)

    def _settle_units(self) -> None:
        if self._units:
            raw = b"".join(unit.to_bytes(2, "little") for unit in self._units)
            self._pieces.append(raw.decode("utf-16-le", "replace"))
            self._units.clear()

    def _settle_bytes(self) -> None:
        if self._bytes:
            font = self._state.font
            charset = self._charsets.get(self._default_font if font < 0 else font, 0)
            data = bytes(self._bytes)
            if charset == SYMBOL:
                text = data.replace(BULLET, b"\x95").decode("cp1252", "replace")
            else:
                text = data.decode(CHARSETS.get(charset, self._page), "replace")
            self._pieces.append(text)
            self._bytes.clear()

    def _text(self) -> Iterator[Event]:
        """What was gathered until something else comes."""
        self._settle_bytes()
        self._settle_units()
        if self._pieces:
            text = "".join(self._pieces).replace("\0", "")
            self._pieces.clear()
            if text and not self._state.hidden and self._state.within not in NO_TEXT:
                yield Event("", None, text, self._state)

    def _group(self, brace: bytes) -> None:
        self._to_skip, self._starred = 0, False
        if brace == b"{":
            if len(self._stack) >= _DEEPEST:
                raise TooDeep(f"groups inside groups, deeper than {_DEEPEST}")
            self._stack.append(copy.copy(self._state))
        elif self._stack:
            self._state = self._stack.pop()

    def _word(self, name: str, number: int | None) -> Iterator[Event]:
        state = self._state
        starred, self._starred, self._to_skip = self._starred, False, 0
        if self._enters(name, starred) or state.skipped:
            return
        if name in SIGNS:
            if not state.hidden:
                yield Event("", None, SIGNS[name], state)
            return
        self._change(name, number)
        if name in GIVEN and (not state.hidden or (name != "par" and not self._html)):
            yield Event(name, number, "", state)

    def _enters(self, name: str, starred: bool) -> bool:
        """Whether a word says what the group it stands in is for."""
        state = self._state
        if name == "htmltag" and starred and self._html:
            state.hidden = False
        elif name == "ud":
            state.skipped = False
        elif name in TEXT_THOUGH_STARRED:
            pass
        elif name in PASSED_OVER or starred:
            state.skipped = True
        elif name in OF_THEIR_OWN or (state.within == "info" and name in PROPERTIES):
            state.within = name
        else:
            return False
        return True

    def _change(self, name: str, number: int | None) -> None:
        """What a word changes of the state it stands in."""
        state = self._state
        value, on = number or 0, number != 0
        match name:
            case "ansicpg":
                self._page = _page(value) or self._page
            case "mac" | "pc" | "pca":
                self._page = {"mac": "mac-roman", "pc": "cp437", "pca": "cp850"}[name]
            case "deff":
                self._default_font = value
            case "fcharset" if state.within == "fonttbl":
                self._charsets[state.font] = value
            case "f":
                state.font = value
            case "uc":
                state.fallback = min(max(0, 1 if number is None else number), 8)
            case "v" | "deleted":
                state.hidden = on
            case "htmlrtf" if self._html:
                state.hidden = on
            case "b":
                state.bold = on
            case "plain":
                state.hidden = state.hidden and self._html
                state.bold, state.font = False, -1
            case "pard":
                state.style, state.outline, state.in_table, state.depth = 0, None, False, 0
            case "s":
                state.style = value
            case "outlinelevel":
                state.outline = value
            case "intbl":
                state.in_table = on
            case "ilvl":
                state.depth = min(max(0, value), 9)


def _page(number: int) -> str:
    """The name of a code page; "" for one that Python does not know."""
    name = {65001: "utf-8", 10000: "mac-roman", 936: "gb18030"}.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""
