"""Between rows of the database and the catalog's plain values."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from groundtone.catalog.looking_up import LookUp
from groundtone.catalog.records import DocumentInfo, FailedFile, StoredChunk, StoredDocument
from groundtone.catalog.schema import (
    SOME,
    chunks,
    documents,
    facts,
    failures,
    former,
    slices,
    texts,
    windows,
)
from groundtone.documents.spots import Spot

PART = 65_536
_PARTS = LookUp(texts, "version", "part")
_INFO = attrgetter(*DocumentInfo._fields)


def insert_document(connection: Connection, document: StoredDocument) -> None:
    """Add a document with its text and chunks."""
    connection.execute(
        insert(documents).values(
            version=document.version,
            source=document.source,
            path=document.path,
            size=document.size,
            mtime_ns=document.mtime_ns,
            sha256=document.sha256,
            title=document.title,
            media_type=document.media_type,
            characters=len(document.text),
            chunk_count=len(document.chunks),
            synced_at=time.time(),
            file=document.file or document.path,
            metadata=dict(document.metadata),
            modified=document.modified,
            recipe=document.recipe,
        )
    )
    parts = [
        {"version": document.version, "part": number, "text": document.text[start : start + PART]}
        for number, start in enumerate(range(0, len(document.text), PART))
    ]
    rows = [
        {
            name: getattr(chunk, name)
            for name in StoredChunk.__dataclass_fields__
            if name != "headers"
        }
        | {"version": document.version, "windows": _windows(chunk)}
        for chunk in document.chunks
    ]
    for table, values in ((texts, parts), (chunks, rows)):
        if values:
            connection.execute(insert(table), values)


def delete_documents(connection: Connection, versions: Collection[str]) -> None:
    """Remove documents, and what is remembered of where their vectors are."""
    for some in slices(sorted(versions), SOME):
        connection.execute(delete(documents).where(documents.c.version.in_(some)))
        connection.execute(delete(windows).where(windows.c.version.in_(some)))


def put_failures(connection: Connection, failed: Iterable[FailedFile]) -> None:
    """Set what is known of files that failed; one without reasons has no failures any more."""
    for file in failed:
        same = (failures.c.source == file.source) & (failures.c.file == file.path)
        connection.execute(delete(failures).where(same))
        rows = [
            {
                "source": file.source,
                "file": file.path,
                "name": name,
                "reason": reason,
                "size": file.size,
                "mtime_ns": file.mtime_ns,
                "sha256": file.sha256,
                "recipe": file.recipe,
            }
            for name, reason in dict(file.reasons).items()
        ]
        if rows:
            connection.execute(insert(failures), rows)


def remember(connection: Connection, values: dict[str, str]) -> None:
    """Set facts."""
    for key, value in values.items():
        connection.execute(delete(facts).where(facts.c.key == key))
        connection.execute(insert(facts).values(key=key, value=value))


def text_of(connection: Connection, version: str, start: int, end: int | None) -> str:
    """Characters ``start`` to ``end`` of a document's text."""
    query = select(texts.c.text).where(texts.c.version == version, texts.c.part >= start // PART)
    if end is not None:
        query = query.where(texts.c.part < numbers(start, end).stop)
    return cut(connection.scalars(query.order_by(texts.c.part)), start, end)


def parts_of(
    connection: Connection, spans: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int], str]:
    """The parts of texts that hold these spans (version, start, end), by version and number."""
    wanted = {(version, n) for version, start, end in spans for n in numbers(start, end)}
    found: dict[tuple[str, int], str] = {}
    for some in slices(sorted(wanted), SOME // 2):
        versions = sorted({version for version, _ in some})
        parts = sorted({number for _, number in some})
        found |= {(row.version, row.part): row.text for row in _PARTS(connection, versions, parts)}
    return found


def numbers(start: int, end: int) -> range:
    """Of the parts that hold characters ``start`` to ``end``."""
    return range(start // PART, max(start, end - 1) // PART + 1)


def cut(parts: Iterable[str], start: int, end: int | None) -> str:
    """Characters ``start`` to ``end``, given the parts that hold them in their order."""
    first = start // PART * PART
    return "".join(parts)[start - first : None if end is None else end - first]


def live(connection: Connection, version: str) -> str:
    """The version under which a version's text lives now: itself, if it is live or unknown."""
    query = select(former.c.now).where(former.c.version == version)
    known = connection.scalar(select(documents.c.version).where(documents.c.version == version))
    return known or connection.scalar(query) or version


def info(row: Row[Any]) -> DocumentInfo:
    """A row of the table of documents."""
    return DocumentInfo._make(_INFO(row))


def chunk(row: Row[Any]) -> StoredChunk:
    """A row of the table of chunks."""
    return StoredChunk(
        ordinal=row.ordinal,
        start=row.start,
        end=row.end,
        headings=tuple(row.headings),
        section=row.section,
        page=row.page,
        box=None if row.box is None else tuple(row.box),
        lead=row.lead,
        windows=tuple((window[0], window[1]) for window in row.windows),
        headers=_headers(row.windows),
        spots=tuple(_spot(*one) for one in row.spots),
    )


def _spot(start: int, end: int, page: int, box: Sequence[float] | None) -> Spot:
    return Spot(start, end, page, None if box is None else (box[0], box[1], box[2], box[3]))


def _windows(chunk: StoredChunk) -> list[list[int]]:
    """Spans of windows; four numbers where a header is repeated, its span last."""
    headers = chunk.headers or (None,) * len(chunk.windows)
    pairs = zip(chunk.windows, headers, strict=True)
    return [[*window, *(header or ())] for window, header in pairs]


def _headers(windows: Sequence[Sequence[int]]) -> tuple[tuple[int, int] | None, ...]:
    found = tuple((one[2], one[3]) if len(one) == 4 else None for one in windows)
    return found if any(found) else ()
