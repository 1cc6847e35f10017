"""Blocks of formats whose canonical text is the decoded file, unchanged: spans index the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from groundtone.documents.composing import HeadingPath
from groundtone.documents.document import Block, BlockKind, Document

_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINES = re.compile(r"(?:\r\n?|\n)(?:[^\S\r\n]*(?:\r\n?|\n))+|\f")


def line_spans(text: str) -> list[tuple[int, int]]:
    """Span of each line, without its line end (``\\n``, ``\\r\\n`` or ``\\r``)."""
    spans = []
    start = 0
    for match in _LINE_END.finditer(text):
        spans.append((start, match.start()))
        start = match.end()
    if start < len(text):
        spans.append((start, len(text)))
    return spans


def paragraph_spans(text: str) -> list[tuple[int, int]]:
    """Span of each run of lines between blank lines and form feeds, indentation included."""
    spans = []
    start = 0
    for match in _BLANK_LINES.finditer(text):
        spans.append((start, match.start()))
        start = match.end()
    spans.append((start, len(text)))
    return [span for start, end in spans if (span := without_blank_lines(text, start, end))]


def without_blank_lines(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A span without the blank lines around it and the white space at its end.

    The first line keeps its indentation. None when only white space is left.
    """
    while end > start and text[end - 1].isspace():
        end -= 1
    first = start
    while first < end and text[first].isspace():
        first += 1
    if first == end:
        return None
    line = max(text.rfind("\n", start, first), text.rfind("\r", start, first)) + 1
    return max(line, start), end


class Slices:
    """Collects blocks in the order of the file, under headings as they come.

    Args:
        text: the decoded file.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._path = HeadingPath()
        self._blocks: list[Block] = []

    def heading(self, start: int, end: int, level: int, title: str) -> None:
        """Open a section; a title without any character becomes nothing.

        Args:
            start, end: the heading as it stands in the file, with its marks.
            level: 1 to 6; others are moved to the nearest.
            title: without marks.
        """
        title = " ".join(title.split())
        span = without_blank_lines(self.text, start, end)
        if span is None or not title:
            return
        level = max(1, min(level, 6))
        headings = self._path.enter(level, title)
        self._blocks.append(Block("heading", span[0], span[1], headings, level))

    def add(
        self,
        kind: BlockKind,
        start: int,
        end: int,
        *,
        headings: tuple[str, ...] | None = None,
        header_end: int | None = None,
        page: int | None = None,
    ) -> None:
        """Append a block; one of white space alone becomes nothing.

        Args:
            kind: all but headings.
            start, end: its span; the white space around it is taken off, but code and tables keep
                the indentation of their first line.
            headings: its path where a block opens its own section, as a definition in source code
                does; None: the current section's.
            header_end: for a table with header rows, where the last of them ends.
            page: from 1.
        """
        span = without_blank_lines(self.text, start, end)
        if span is None:
            return
        start, end = span
        if kind not in ("code", "table"):
            while self.text[start].isspace():
                start += 1
        header = None
        if header_end is not None:
            cut = without_blank_lines(self.text, start, min(header_end, end))
            line_end = _LINE_END.search(self.text, cut[1], end) if cut else None
            header = (start, line_end.start()) if line_end else None
        path = self._path.current if headings is None else headings
        self._blocks.append(Block(kind, start, end, path, None, page, None, header))

    @property
    def first_heading(self) -> str | None:
        """Title of the first heading, or None."""
        return next((block.headings[-1] for block in self._blocks if block.kind == "heading"), None)

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def document(
        self,
        title: str,
        media_type: str,
        notes: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Document:
        """Finish; a note said several times is said once."""
        return Document(
            title,
            self.text,
            tuple(self._blocks),
            media_type,
            tuple(dict.fromkeys(notes)),
            metadata or {},
        )
