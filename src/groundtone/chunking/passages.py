"""Sections to chunks, chunks to windows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundtone.chunking.borders import Borders
from groundtone.chunking.headings import heading_line, section_label
from groundtone.chunking.tokens import Encode, Tokens
from groundtone.documents.document import Block, Box, Document
from groundtone.documents.spots import Spot, hull, spots_of

_SPECIAL_TOKENS = 2

Span = tuple[int, int]


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
    header: Span | None = None


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
        spots: where each of its blocks stands, in formats that have pages.
        lead: the heading line and a line end, with which each window's text begins; or "".
        windows: tile the chunk's text apart from its own heading, which the heading line holds.
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
    spots: tuple[Spot, ...] = ()


def chunk(
    document: Document,
    encode: Encode,
    *,
    min_tokens: int = 256,
    max_tokens: int = 1024,
    window_tokens: int = 128,
) -> list[Chunk]:
    """Cut a document into chunks.

    Chunks tile each section: `min_tokens` to `max_tokens` tokens, shorter only where the section
    is, cut at block borders, in tables at row ends, in code where a definition begins or else at
    line ends, in prose at sentence ends. A heading with nothing under it makes no chunk of its
    own, unless the document is nothing else. Where a table is cut, its header is repeated in the
    text of each further window. Sizes, and windows that share nothing, are as measured best:
    docs/chunking.md.

    Args:
        document: what `documents.read` returned.
        encode: text -> character offsets of each token, without special tokens, by the
            tokenizer of the embedder. Called once a document of up to 100,000 characters.
        min_tokens, max_tokens: size of a chunk.
        window_tokens: what is embedded at once, at most what the embedder sees, its 2 special
            tokens included.

    Raises:
        ValueError: sizes that contradict each other.
    """
    if not 0 < min_tokens <= max_tokens // 2:
        raise ValueError("max_tokens must be at least twice min_tokens, and both above 0")
    if window_tokens < 16:
        raise ValueError("window_tokens must be at least 16")
    tokens = Tokens(document, encode)
    chunks: list[Chunk] = []
    sections = list(_sections(document.blocks))
    bodies = [blocks for blocks in sections if any(block.kind != "heading" for block in blocks)]
    for blocks in bodies or sections:
        line, used = heading_line(document.title, blocks[0].headings, encode, window_tokens)
        section = _Section(blocks, tokens, f"{line}\n" if line else "")
        room = window_tokens - _SPECIAL_TOKENS - used
        for start, end in section.chunks(min_tokens, max_tokens):
            spots = spots_of(section.blocks(start, end))
            page = spots[0].page if spots else None
            chunks.append(
                Chunk(
                    ordinal=len(chunks),
                    start=start,
                    end=end,
                    headings=blocks[0].headings,
                    section=section_label(blocks[0].headings),
                    page=page,
                    box=hull(spot.box for spot in spots if spot.page == page),
                    lead=section.lead,
                    windows=tuple(section.windows(start, end, room)),
                    spots=spots,
                )
            )
    return chunks


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


class _Section:
    """Blocks under one heading, and how they are cut."""

    def __init__(self, blocks: Sequence[Block], tokens: Tokens, lead: str) -> None:
        self.lead = lead
        self._blocks = blocks
        self._starts = [block.start for block in blocks]
        self._body = next((b.start for b in blocks if b.kind != "heading"), blocks[0].start)
        self._tokens = tokens
        self._text = tokens.text
        self._borders = Borders(blocks, tokens)

    def chunks(self, least: int, most: int) -> Iterator[Span]:
        """Spans of `least` to `most` tokens that tile the section."""
        start, end = self._blocks[0].start, self._blocks[-1].end
        target = least + least // 4
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
            cut = self._borders.best(low, ideal, high, forced=left > most)
            if cut < 0:
                yield start, end
                return
            stop = max(self._tokens.starts[cut], start + 1)
            yield start, self._text_end(start, stop)
            start = stop

    def windows(self, start: int, end: int, room: int) -> Iterator[Window]:
        """Windows of at most `room` tokens beside the lead that tile start..end without the
        section's heading."""
        begin = self._body if start <= self._body < end else start
        last = self._tokens.before(end)
        while True:
            header, used = self._header(begin, room // 2)
            free = room - used
            first = self._tokens.before(begin)
            left = last - first
            if left <= free and self._tokens.fits(begin, end, free):
                yield self._window(begin, end, header)
                return
            ideal = first + -(-left // max(2, -(-left // free)))
            high = min(first + free, last - 1)
            cut = self._borders.best(min(first + free // 2, high), min(ideal, high), high)
            while cut > first + 1 and not self._tokens.fits(begin, self._tokens.starts[cut], free):
                cut = first + (cut - first) * 3 // 4
            stop = max(self._tokens.starts[cut], begin + 1)
            yield self._window(begin, self._text_end(begin, stop), header)
            begin = stop

    def blocks(self, start: int, end: int) -> Sequence[Block]:
        """Those that a span touches."""
        first, last = bisect_right(self._starts, start) - 1, bisect_left(self._starts, end)
        return self._blocks[max(0, first) : last]

    def _window(self, start: int, end: int, header: Span | None) -> Window:
        repeated = f"{self._text[slice(*header)]}\n" if header else ""
        return Window(start, end, f"{self.lead}{repeated}{self._text[start:end]}", header)

    def _header(self, begin: int, most: int) -> tuple[Span | None, int]:
        """The header of the table that `begin` is in the middle of, and its number of tokens.

        A header of more than `most` tokens is cut after the last word that fits.
        """
        block = self._blocks[max(0, bisect_right(self._starts, begin) - 1)]
        if block.header is None or not block.header[1] <= begin < block.end:
            return None, 0
        start, end = block.header
        end = min(end, start + 64 * most)  # a token is seldom longer: no monster is tokenised
        spans = self._tokens.encode(self._text[start:end])
        if len(spans) > most:
            end = start + max(0, self._text.rfind(" ", start, start + spans[most][0]) - start)
            spans = self._tokens.encode(self._text[start:end])
        if not spans or len(spans) > most:
            return None, 0
        return (start, end), len(spans)

    def _text_end(self, start: int, stop: int) -> int:
        return start + len(self._text[start:stop].rstrip())
