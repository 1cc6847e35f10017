"""Documents to chunks: passages that stay inside one section, and windows an embedder can see.

A chunk is what is shown and cited, a window what is embedded and indexed. Windows together hold
all text of their chunk, so nothing lies beyond the embedder's limit. The document is tokenised
once; everything else is arithmetic on token offsets.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groundtone.documents.document import Block, Box, Document

Encode = Callable[[str], Sequence[tuple[int, int]]]

# A long document is tokenised in pieces of about this many characters: memory stays bounded.
_PIECE = 100_000
_SPECIAL_TOKENS = 2
_HEADING_TOKENS = 48
_OVERLAP_TOKENS = 32
# A cut may lie this many tokens further from the ideal place to be at a better border.
_WORSE_BY = {"block": 0, "line": 24, "sentence": 32, "loose line": 64}
_BREAKS = re.compile(r"[.!?][\"')\]*_`]{0,4}\s+(?=[\"'(\[*_`]{0,4}[A-Z0-9])|[。！？]\s*|\n\s*")
_NUMBER = re.compile(
    r"(?:(?:section|chapter|appendix|§)\s*)?"
    r"((?:\d{1,4}|[A-Z])(?:\.\d{1,4})+|\d{1,2}|[A-Z](?=\.\s))[.):]?\s+\S",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Window:
    """What is embedded and indexed by words.

    Attributes:
        start, end: character span in ``Document.text``.
        text: the heading line ("Title > Section > Subsection") and a line end, the header of a
            table that was cut before this window and a line end, and the slice.
        header: character span of that header, or None.
    """

    start: int
    end: int
    text: str
    header: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is retrieved, shown to the model and cited.

    Attributes:
        ordinal: position in the document, from 0.
        start, end: character span in ``Document.text``; a section's first chunk begins with its
            heading.
        headings: path of the section, outermost first.
        section: leading number of the innermost numbered heading ("2.1"), else the innermost
            heading, else "".
        page: page of its first block, from 1, or None.
        box: hull of its blocks on that page, or None.
        lead: the heading line and a line end, with which each window's text begins; or "".
        windows: cover the chunk's text apart from its own heading, which the heading line holds.
    """

    ordinal: int
    start: int
    end: int
    headings: tuple[str, ...]
    section: str
    page: int | None
    box: Box | None
    lead: str
    windows: tuple[Window, ...]


def chunk(
    document: Document,
    encode: Encode,
    *,
    min_tokens: int = 256,
    max_tokens: int = 1024,
    window_tokens: int = 256,
) -> list[Chunk]:
    """Cut a document into chunks.

    Chunks tile each section: `min_tokens` to `max_tokens` tokens, shorter only where the section
    is, cut at block borders, in tables and code at line ends, in prose at sentence ends. A
    heading with nothing under it makes no chunk of its own, unless the document is nothing else.

    Args:
        document: what `documents.read` returned.
        encode: text -> character offsets of each token, without special tokens, by the
            tokenizer of the embedder. Called once a document of up to 100,000 characters.
        min_tokens, max_tokens: size of a chunk.
        window_tokens: what the embedder sees at once, its 2 special tokens included.

    Raises:
        ValueError: sizes that contradict each other.
    """
    if not 0 < min_tokens <= max_tokens // 2:
        raise ValueError("max_tokens must be at least twice min_tokens, and both above 0")
    if window_tokens < 16:
        raise ValueError("window_tokens must be at least 16")
    tokens = _Tokens(document, encode)
    chunks: list[Chunk] = []
    sections = list(_sections(document.blocks))
    bodies = [blocks for blocks in sections if any(block.kind != "heading" for block in blocks)]
    for blocks in bodies or sections:
        body = next((block.start for block in blocks if block.kind != "heading"), blocks[0].start)
        line, used = _heading_line(document.title, blocks[0].headings, encode, window_tokens)
        room = window_tokens - _SPECIAL_TOKENS - used
        starts = [block.start for block in blocks]
        borders = _Borders(document.text, blocks, tokens, encode)
        for start, end in borders.chunks(min_tokens, max_tokens):
            inner = body if start <= body < end else start
            windows = tuple(
                Window(at, to, f"{line}\n{document.text[at:to]}" if line else document.text[at:to])
                for at, to in borders.windows(inner, end, room)
            )
            first, last = bisect_right(starts, start) - 1, bisect_left(starts, end)
            page, box = _place(blocks[max(0, first) : last])
            chunks.append(
                Chunk(
                    ordinal=len(chunks),
                    start=start,
                    end=end,
                    headings=blocks[0].headings,
                    section=section_label(blocks[0].headings),
                    page=page,
                    box=box,
                    lead=f"{line}\n" if line else "",
                    windows=windows,
                )
            )
    return chunks


def section_label(headings: Sequence[str]) -> str:
    """The leading number of the innermost numbered heading, else the innermost heading, else ""."""
    for heading in reversed(headings):
        match = _NUMBER.match(heading)
        if match:
            return match[1]
    return headings[-1] if headings else ""


class _Tokens:
    """Where each token of a document begins and ends."""

    def __init__(self, document: Document, encode: Encode) -> None:
        self.starts = array("q")
        self.ends = array("q")
        for at, to in _pieces(document):
            for start, end in encode(document.text[at:to]):
                if end > start:
                    self.starts.append(at + start)
                    self.ends.append(at + end)

    def before(self, position: int) -> int:
        """How many tokens begin before a character position."""
        return bisect_left(self.starts, position)


def _pieces(document: Document) -> Iterator[tuple[int, int]]:
    """Spans to tokenise at once, cut between blocks, or at white space inside a huge one."""
    if not document.blocks:
        return
    start = document.blocks[0].start
    for block in document.blocks:
        if block.end - start > _PIECE and block.start > start:
            yield start, block.start
            start = block.start
        while block.end - start > _PIECE:
            cut = max(document.text.rfind(mark, start, start + _PIECE) for mark in ("\n", " "))
            cut = cut if cut > start else start + _PIECE
            yield start, cut
            start = cut
    yield start, document.blocks[-1].end


def _sections(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Runs of blocks under one heading."""
    run: list[Block] = []
    for block in blocks:
        if run and (block.kind == "heading" or block.headings != run[0].headings):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _heading_line(
    title: str, headings: tuple[str, ...], encode: Encode, window_tokens: int
) -> tuple[str, int]:
    """The line above each window's text, and its number of tokens.

    Too long a path loses its middle first, then the title: the innermost heading says most.
    """
    limit = min(_HEADING_TOKENS, window_tokens // 3)
    parts = [" ".join(part.split()) for part in headings]
    name = " ".join(title.split())
    if name and name.casefold() not in (part.casefold() for part in parts[:1]):
        parts.insert(0, name)
    parts = [part for part in parts if part]
    while True:
        # A token is seldom longer than 64 characters; the rest of a monstrous title is not read.
        line = " > ".join(parts)[: limit * 64]
        used = len(encode(line))
        if used <= limit:
            return line, used
        if len(parts) > 1:
            del parts[1 if len(parts) > 2 else 0]
            continue
        break
    # The innermost heading alone is too long. A cut word may be seen as more tokens, hence a loop.
    for kept in range(limit, 0, -1):
        shorter = line[: encode(line)[kept - 1][1]].rstrip()
        used = len(encode(shorter))
        if used <= limit:
            return shorter, used
    return "", 0


class _Borders:
    """The places in one section where a cut may fall, and the cutting."""

    def __init__(self, text: str, blocks: Sequence[Block], tokens: _Tokens, encode: Encode) -> None:
        self._text = text
        self._encode = encode
        self._tokens = tokens
        self._blocks = blocks
        self.start, self.end = blocks[0].start, blocks[-1].end
        self._prepared = False
        self._at: list[int] = []
        self._cost: list[int] = []

    def chunks(self, least: int, most: int) -> Iterator[tuple[int, int]]:
        """Spans of `least` to `most` tokens that tile the section."""
        return self._tile(self.start, self.end, least, most, least + least // 4)

    def windows(self, start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
        """Spans of at most `room` tokens that cover start..end; each begins a little before the
        end of the one before it."""
        last = self._tokens.before(end)
        overlap = min(_OVERLAP_TOKENS, room // 4)
        begin = start
        while True:
            first = self._tokens.before(begin)
            left = last - first
            if left <= room and self._fits(begin, end, room):
                yield begin, end
                return
            count = max(2, -(-(left - overlap) // (room - overlap)))
            ideal = first + -(-(left + (count - 1) * overlap) // count)
            high = min(first + room, last - 1)
            cut = self._best(min(first + room // 2, high), min(ideal, high), high)
            while cut > first + 1 and not self._fits(begin, self._tokens.starts[cut], room):
                cut = first + (cut - first) * 3 // 4
            stop = max(self._tokens.starts[cut], begin + 1)
            yield begin, self._text_end(begin, stop)
            resume = self._resume(first, cut, overlap)
            begin = resume if resume > begin else stop

    def _fits(self, start: int, end: int, room: int) -> bool:
        """Counting tokens of the whole document is exact only for spans that cut no word."""
        text = self._text
        if (start == 0 or text[start - 1].isspace()) and text[end - 1 : end + 1].strip() != (
            text[end - 1 : end + 1]
        ):
            return True
        return len(self._encode(text[start:end])) <= room

    def _resume(self, first: int, cut: int, overlap: int) -> int:
        """Where the next window begins: at a border at most `overlap` tokens before the cut."""
        at = bisect_left(self._at, max(first + 1, cut - overlap))
        token = self._at[at] if at < len(self._at) and self._at[at] <= cut else cut
        return self._tokens.starts[token]

    def _tile(
        self, start: int, end: int, least: int, most: int, target: int
    ) -> Iterator[tuple[int, int]]:
        last = self._tokens.before(end)
        while True:
            first = self._tokens.before(start)
            left = last - first
            count = left // target
            if left <= most and count < 2:
                yield start, end
                return
            low, high = first + least, min(first + most, last - least)
            ideal = min(max(first + left // max(2, count), low), high)
            cut = self._best(low, ideal, high, forced=left > most)
            if cut < 0:
                yield start, end
                return
            stop = max(self._tokens.starts[cut], start + 1)
            yield start, self._text_end(start, stop)
            start = stop

    def _best(self, low: int, ideal: int, high: int, *, forced: bool = True) -> int:
        """Number of the token to cut before, low..high; -1 if nothing suits and none is forced."""
        self._prepare()
        best, best_cost = -1, 0
        for at in range(bisect_left(self._at, low), len(self._at)):
            token = self._at[at]
            if token > high:
                break
            cost = abs(token - ideal) + self._cost[at]
            if best < 0 or cost < best_cost:
                best, best_cost = token, cost
        if best >= 0 or not forced:
            return best
        for distance in range(max(high - ideal, ideal - low) + 1):
            for token in (ideal - distance, ideal + distance):
                if low <= token <= high and self._is_word_start(token):
                    return token
        return ideal

    def _is_word_start(self, token: int) -> bool:
        start = self._tokens.starts[token]
        return start > 0 and self._text[start - 1].isspace()

    def _text_end(self, start: int, stop: int) -> int:
        return start + len(self._text[start:stop].rstrip())

    def _prepare(self) -> None:
        if self._prepared:
            return
        self._prepared = True
        cost_at: dict[int, int] = {}
        for number, block in enumerate(self._blocks):
            if number and self._blocks[number - 1].kind != "heading":
                self._note(cost_at, block.start, "block")
            for match in _BREAKS.finditer(self._text, block.start, block.end):
                line_end = "\n" in match[0]
                if block.kind in ("table", "code"):
                    kind = "line" if line_end else ""
                elif block.kind == "list":
                    kind = "line" if line_end else "sentence"
                else:
                    kind = "loose line" if match[0].isspace() else "sentence"
                if kind:
                    self._note(cost_at, match.end(), kind)
        self._at = sorted(cost_at)
        self._cost = [cost_at[token] for token in self._at]

    def _note(self, cost_at: dict[int, int], place: int, kind: str) -> None:
        token = self._tokens.before(place)
        if token < len(self._tokens.starts):
            cost_at[token] = min(cost_at.get(token, _WORSE_BY[kind]), _WORSE_BY[kind])


def _place(inside: Sequence[Block]) -> tuple[int | None, Box | None]:
    """Page of the first block, and the hull of the blocks on that page."""
    page = next((block.page for block in inside if block.page is not None), None)
    boxes = [block.box for block in inside if block.box is not None and block.page == page]
    if not boxes:
        return page, None
    return page, (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
