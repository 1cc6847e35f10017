"""What a file's documents hold, found by the same reading and chunking as a sync's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundtone.chunking import Chunk, chunk
from groundtone.documents import Block, Document, Part, read_all
from groundtone.embedding import Embedder
from groundtone.settings import Chunking


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the outline. ``level`` from 1; ``page`` from 1, or None; ``start``: character."""

    level: int
    title: str
    page: int | None
    start: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``header``: text of its header rows, or ""; ``rows``: lines after the header."""

    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]
    header: str
    rows: int


@dataclass(frozen=True, slots=True)
class SeenChunk:
    """A chunk with its sizes in the embedder's tokens.

    Attributes:
        tokens: of the chunk's text.
        windows: of each window what is embedded, the lead included, without special tokens.
    """

    chunk: Chunk
    tokens: int
    windows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeenDocument:
    """One document of the file.

    Attributes:
        name: "" or its path inside the file.
        content: of a PDF inside the file, to show its pages.
    """

    name: str
    document: Document
    tokens: int
    outline: tuple[Heading, ...]
    tables: tuple[Table, ...]
    chunks: tuple[SeenChunk, ...]
    content: bytes | None = None

    @property
    def pages(self) -> int | None:
        """The last page with text on it; None where there are no pages."""
        return max((block.page for block in self.document.blocks if block.page), default=None)

    @property
    def kinds(self) -> dict[str, int]:
        """How many blocks of each kind there are."""
        return dict(Counter(block.kind for block in self.document.blocks).most_common())

    def to_json(self) -> dict[str, Any]:
        """The shape that ``inspect --json`` prints for one document."""
        document = self.document
        return {
            "name": self.name,
            "title": document.title,
            "media_type": document.media_type,
            "metadata": dict(document.metadata),
            "notes": list(document.notes),
            "characters": len(document.text),
            "tokens": self.tokens,
            "pages": self.pages,
            "outline": [
                _fields(heading, "level", "title", "page", "start") for heading in self.outline
            ],
            "tables": [
                _fields(table, "start", "end", "page", "headings", "header", "rows")
                for table in self.tables
            ],
            "blocks": [
                _fields(block, "kind", "start", "end", "level", "page", "box")
                for block in document.blocks
            ],
            "chunks": [_chunk(seen, document.text) for seen in self.chunks],
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was understood of one file.

    Attributes:
        failed: (name inside the file, reason) of parts that could not be read.
        skipped: how many parts are of kinds that no reader reads, by name ending.
        sizes: the chunking that was used.
    """

    path: Path
    documents: tuple[SeenDocument, ...]
    failed: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, int], ...]
    sizes: Chunking

    def to_json(self) -> dict[str, Any]:
        """The shape that ``inspect --json`` prints."""
        return {
            "file": str(self.path),
            "chunking": self.sizes.model_dump(),
            "documents": [document.to_json() for document in self.documents],
            "failed": [{"name": name, "reason": reason} for name, reason in self.failed],
            "skipped": dict(self.skipped),
        }


def inspect_file(path: Path, embedder: Embedder, sizes: Chunking, *, max_bytes: int) -> Inspection:
    """Read and chunk a file as a sync would, and keep everything that was found.

    Raises:
        UnreadableFile: nothing in it can be read.
    """
    inner: dict[str, bytes] = {}

    def keep(name: str, content: bytes) -> None:
        if name and content.startswith(b"%PDF"):
            inner[name] = content

    reading = read_all(path, max_bytes=max_bytes, watch=keep)
    return Inspection(
        path=path,
        documents=tuple(
            replace(_seen(part, embedder, sizes), content=inner.get(part.name))
            for part in reading.parts
        ),
        failed=reading.failed,
        skipped=reading.skipped,
        sizes=sizes,
    )


def _seen(part: Part, embedder: Embedder, sizes: Chunking) -> SeenDocument:
    document = part.document
    made = chunk(
        document,
        embedder.encode,
        min_tokens=sizes.min_tokens,
        max_tokens=sizes.max_tokens,
        window_tokens=min(sizes.window_tokens, embedder.max_tokens),
    )

    def count(text: str) -> int:
        return len(embedder.encode(text))

    chunks = tuple(
        SeenChunk(
            chunk=one,
            tokens=count(document.text[one.start : one.end]),
            windows=tuple(count(window.text) for window in one.windows),
        )
        for one in made
    )
    return SeenDocument(
        name=part.name,
        document=document,
        tokens=sum(one.tokens for one in chunks),
        outline=tuple(
            Heading(block.level or 1, block.headings[-1], block.page, block.start)
            for block in document.blocks
            if block.kind == "heading" and block.headings
        ),
        tables=tuple(
            _table(block, document.text) for block in document.blocks if block.kind == "table"
        ),
        chunks=chunks,
    )


def _table(block: Block, text: str) -> Table:
    header = text[slice(*block.header)] if block.header else ""
    lines = sum(1 for line in text[block.start : block.end].split("\n") if line.strip())
    above = sum(1 for line in header.split("\n") if line.strip())
    return Table(block.start, block.end, block.page, block.headings, header, lines - above)


def _chunk(seen: SeenChunk, text: str) -> dict[str, Any]:
    fields = _fields(seen.chunk, "ordinal", "start", "end", "headings", "section", "page", "box")
    windows = [
        _fields(window, "start", "end", "header") | {"tokens": tokens}
        for window, tokens in zip(seen.chunk.windows, seen.windows, strict=True)
    ]
    return {
        **fields,
        "tokens": seen.tokens,
        "lead": seen.chunk.lead,
        "text": text[seen.chunk.start : seen.chunk.end],
        "windows": windows,
    }


def _fields(value: object, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}
