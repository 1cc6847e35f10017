"""Building a document block by block: the heading path, and a canonical text of our own making."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundtone.documents.document import Block, BlockKind, Box, Document


class HeadingPath:
    """The titles from the outermost section down to the current one."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []
        self.current: tuple[str, ...] = ()

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """Open a section, closing those of its level and deeper; returns the new path."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, title))
        self.current = tuple(name for _, name in self._open)
        return self.current


class Composer:
    """Collects blocks of formats whose file is not itself readable text.

    The canonical text is the blocks' texts joined by one blank line; spans follow from that.
    """

    def __init__(self) -> None:
        self._path = HeadingPath()
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def add(
        self,
        kind: BlockKind,
        text: str,
        *,
        level: int | None = None,
        page: int | None = None,
        box: Box | None = None,
        header_lines: int = 0,
    ) -> int | None:
        """Append a block; text that is only white space is left out.

        Args:
            header_lines: for a table, how many of its first lines are header rows.

        Returns:
            Where the block starts, None when it was left out.
        """
        text = text.rstrip().lstrip("\n") if kind == "code" else text.strip()
        if not text.strip():
            return None
        if kind == "heading":
            level = min(6, max(1, level or 1))
            headings = self._path.enter(level, " ".join(text.split()))
        else:
            headings, level = self._path.current, None
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        header = None
        if kind == "table" and header_lines > 0:
            lines = text.split("\n")[:header_lines]
            header = (start, start + sum(map(len, lines)) + len(lines) - 1)
        self._blocks.append(Block(kind, start, self._length, headings, level, page, box, header))
        return start

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
        notes: tuple[str, ...] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Document:
        """Finish."""
        text = "".join(self._parts)
        return Document(title, text, tuple(self._blocks), media_type, notes, metadata or {})
