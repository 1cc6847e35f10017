"""Which pieces are headings, of what level; words made whole; tables continued over pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from groundtone.documents.pdf_blocks import DIVIDED, NUMBERED, Piece
from groundtone.documents.pdf_lines import LETTERS

_LARGER = 1.12  # times the body's size
_DEPTH = re.compile(r"(?:\d{1,2}|[A-Z])((?:\.\d{1,3})*)\.?\s")
_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,3})+\.?\s+[^\W\d_]")
# Words that open a section whatever its type, by their usual depth.
_NAMED = (
    re.compile(r"(?:part|chapter|book|volume)\s+(?:\d+|[ivxlc]+)\b", re.IGNORECASE),
    re.compile(
        r"(?:item|section|article|appendix|annex|schedule)\s+(?:\d+\w?|[ivxlc]+|[a-z])\b",
        re.IGNORECASE,
    ),
    re.compile(r"(?:note|exhibit)\s+\d+\b", re.IGNORECASE),
)
_PARTS = re.compile(rf"([\w’'-]+){DIVIDED}(\w+)")
_WORD = re.compile(r"[^\W\d_]{4,}")
_COMPOUND = re.compile(r"\w[\w’']*(?:-\w[\w’']*)+")
_Look = tuple[float, bool, int, int]


class Outline:
    """What the whole file tells about its parts. Feed it every piece, then ask."""

    def __init__(self) -> None:
        self._sizes: Counter[float] = Counter()
        self._in_tables: Counter[float] = Counter()
        self._compounds: set[str] = set()
        self._asked: set[str] = set()
        self._words: set[str] = set()

    def see(self, piece: Piece) -> None:
        counted = self._in_tables if piece.kind == "table" else self._sizes
        counted[piece.size] += len(piece.text)
        if "-" in piece.text:
            self._compounds.update(word.lower() for word in _COMPOUND.findall(piece.text))
        if DIVIDED in piece.text:
            for first, second in _PARTS.findall(piece.text):
                self._asked.update((first.lower().rpartition("-")[2], second.lower()))
                self._asked.add((first + second).lower())

    def settle(self, pieces: Sequence[Piece]) -> None:
        """Look up, in all that was seen, the words that lines' ends divided."""
        if not self._asked:
            return
        for piece in pieces:
            text = _PARTS.sub(" ", piece.text) if DIVIDED in piece.text else piece.text
            self._words |= self._asked.intersection(_WORD.findall(text.lower()))

    @property
    def body(self) -> float:
        """The size of most letters."""
        sizes = self._sizes or self._in_tables
        return max(sizes, key=lambda size: (sizes[size], size)) if sizes else 0.0

    def levels(self, pieces: Sequence[Piece]) -> list[int]:
        """1 to 6 for the headings among `pieces`, 0 for the rest.

        Type that only the first of several pages uses is a cover's and takes up no levels.
        """
        body = self.body
        looks = [_look(piece, body) if _is_heading(piece, body) else None for piece in pieces]
        inside = {
            look for look, piece in zip(looks, pieces, strict=True) if look and piece.page > 1
        }
        used = {look for look in looks if look is not None}
        cover = used - inside if inside else set()
        first = 2 if cover else 1
        level = {look: min(place, 6) for place, look in enumerate(sorted(used - cover), first)}
        level |= dict.fromkeys(cover, 1)
        return [level[look] if look is not None else 0 for look in looks]

    def whole(self, text: str) -> str:
        """Words divided at lines' ends made whole; "well-" + "known" stays hyphened when it, or
        each half but never the whole, is written so elsewhere."""
        if DIVIDED not in text:
            return text

        def one(match: re.Match[str]) -> str:
            first, second = match[1].lower(), match[2].lower()
            if first + second in self._words:
                return match[1] + match[2]
            its_own = f"{first}-{second}" in self._compounds or (
                first.rpartition("-")[2] in self._words and second in self._words
            )
            return f"{match[1]}-{match[2]}" if its_own else match[1] + match[2]

        for _ in range(3):  # a word may be divided more than once
            text = _PARTS.sub(one, text)
        return text.replace(DIVIDED, "")


def continued(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Tables that go on over a page's end get their header's row again."""
    before: Piece | None = None
    for piece in pieces:
        if (
            piece.kind == "table"
            and not piece.header
            and before is not None
            and before.kind == "table"
            and before.header
            and before.page == piece.page - 1
            and _same_columns(before, piece)
        ):
            rows = before.text.split("\n")[: before.header]
            piece.text = "\n".join([*rows, piece.text])
            piece.header = before.header
        before = piece
        yield piece


def _same_columns(one: Piece, two: Piece) -> bool:
    if len(one.columns) != len(two.columns):
        return False
    return all(
        abs(left - left2) < 12 or abs(right - right2) < 12
        for (left, right), (left2, right2) in zip(one.columns, two.columns, strict=True)
    )


def _is_heading(piece: Piece, body: float) -> bool:
    text = piece.text
    if piece.kind not in ("text", "list") or piece.lines > 4 or len(text) > 200:
        return False
    if "\n" in text or not LETTERS.search(text) or piece.size < 0.9 * body:
        return False
    if piece.kind == "list" and not (
        NUMBERED.match(text) and (piece.bold or piece.size >= _LARGER * body)
    ):
        return False
    if piece.size >= _LARGER * body:
        return len(text) <= 150
    if text.endswith((".", ",", ";")) or text[0].islower() or piece.lines > 2:
        return False
    if piece.bold:
        # Bold alone is also used for emphasis: the line must be short.
        return len(text) <= 110
    if piece.lines > 1 or len(text) > 90:
        return False
    return bool(_SECTION.match(text)) or any(named.match(text) for named in _NAMED[:2])


def _look(piece: Piece, body: float) -> _Look:
    """What ranks headings: larger before smaller, bold before plain, parts before items before
    notes before others, outer numbers before inner ones."""
    name = next((rank for rank, named in enumerate(_NAMED) if named.match(piece.text)), 3)
    depth = _DEPTH.match(piece.text)
    inner = depth[1].count(".") if depth else 0
    size = round(piece.size * 2) / 2
    if size < _LARGER * body:
        size = round(body * 2) / 2
    return (-size, not piece.bold, name, inner)
