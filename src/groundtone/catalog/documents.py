"""Sources, documents and chunks: what is live now, and where its text is."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, tuple_, update

from groundtone.catalog.schema import Database, chunks, documents, facts, sources, texts

Box = tuple[float, float, float, float]
Key = tuple[str, int]
"""A chunk: its document's version and its ordinal there."""

Item = TypeVar("Item")

PART = 65_536
SOME = 400  # bound parameters a statement; SQLite and PostgreSQL allow many more


@dataclass(frozen=True, slots=True)
class Source:
    """A path that is kept in step."""

    id: int
    path: str


@dataclass(frozen=True, slots=True)
class FileState:
    """What is known of a synced file without opening it."""

    version: str
    path: str
    size: int
    mtime_ns: int
    sha256: str
    chunk_count: int


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk's place in its document.

    Attributes:
        lead: the heading line and a line end, or "".
        windows: spans in the document's text.
        headers: for each window the span of the header that its table began with, if the table
            was cut before it, else None; empty if no window has one.
    """

    ordinal: int
    start: int
    end: int
    headings: tuple[str, ...]
    section: str
    page: int | None
    box: Box | None
    lead: str
    windows: tuple[tuple[int, int], ...]
    headers: tuple[tuple[int, int] | None, ...] = ()

    def embedded(self, text: str, window: int) -> str:
        """What is embedded and indexed for a window: lead, repeated table header, slice."""
        start, end = self.windows[window]
        header = self.headers[window] if self.headers else None
        repeated = f"{text[slice(*header)]}\n" if header else ""
        return f"{self.lead}{repeated}{text[start:end]}"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version of one file, as synced. ``path``: posix, relative to its source."""

    version: str
    source: int
    path: str
    size: int
    mtime_ns: int
    sha256: str
    title: str
    media_type: str
    text: str
    chunks: tuple[StoredChunk, ...]


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A live document without its text. ``characters``: length of the text."""

    version: str
    source: int
    path: str
    title: str
    media_type: str
    size: int
    characters: int
    chunk_count: int
    synced_at: float


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A live chunk, with its document."""

    document: DocumentInfo
    chunk: StoredChunk


class Documents(Database):
    """The part of the catalog that knows sources and documents."""

    def fact(self, key: str) -> str | None:
        """A remembered value, or None."""
        with self.read() as connection:
            return connection.scalar(select(facts.c.value).where(facts.c.key == key))

    def remember(self, key: str, value: str) -> None:
        """Set a remembered value."""
        with self.write() as connection:
            _remember(connection, {key: value})

    def forget(self, key: str) -> None:
        """Remove a remembered value."""
        with self.write() as connection:
            connection.execute(delete(facts).where(facts.c.key == key))

    def add_source(self, path: str) -> Source:
        """The source with this path, new or known."""
        with self.write() as connection:
            known = connection.scalar(select(sources.c.id).where(sources.c.path == path))
            if known is None:
                inserted = connection.execute(insert(sources).values(path=path))
                known = inserted.inserted_primary_key._tuple()[0]  # type: ignore[union-attr]
        return Source(known, path)

    def sources(self) -> list[Source]:
        """All sources, oldest first."""
        with self.read() as connection:
            rows = connection.execute(select(sources).order_by(sources.c.id))
            return [Source(row.id, row.path) for row in rows]

    def remove_source(self, source: int) -> set[str]:
        """Forget a source and its documents.

        Returns:
            the versions that are no longer live, to be deleted from the index.
        """
        with self.write() as connection:
            gone = set(
                connection.scalars(select(documents.c.version).where(documents.c.source == source))
            )
            connection.execute(delete(sources).where(sources.c.id == source))
        return gone

    def move_source(self, source: int, into: int, folder: str) -> None:
        """Make a source's documents part of another, where they lie in ``folder``."""
        prefix = "" if folder == "." else f"{folder}/"
        with self.write() as connection:
            connection.execute(
                update(documents)
                .where(documents.c.source == source)
                .values(source=into, path=prefix + documents.c.path)
            )
            connection.execute(delete(sources).where(sources.c.id == source))

    def file_states(self, source: int) -> dict[str, FileState]:
        """The source's live files by path."""
        columns = [documents.c[name] for name in FileState.__dataclass_fields__]
        with self.read() as connection:
            rows = connection.execute(select(*columns).where(documents.c.source == source))
            return {row.path: FileState(*row) for row in rows}

    def versions(self) -> set[str]:
        """Versions of all live documents."""
        with self.read() as connection:
            return set(connection.scalars(select(documents.c.version)))

    def touch(self, seen: Iterable[tuple[str, int, int]]) -> None:
        """Note new (version, size, mtime_ns) of files whose bytes are the same."""
        statement = (
            update(documents)
            .where(documents.c.version == bindparam("v"))
            .values(size=bindparam("s"), mtime_ns=bindparam("m"))
        )
        values = [{"v": version, "s": size, "m": mtime} for version, size, mtime in seen]
        if values:
            with self.write() as connection:
                connection.execute(statement, values)

    def replace_documents(
        self,
        new: Iterable[StoredDocument],
        deleted_versions: Collection[str] = (),
        *,
        everything: bool = False,
        remember: dict[str, str] | None = None,
    ) -> set[str]:
        """Make versions live, in one transaction.

        Args:
            new: each replaces the live document of the same source and path.
            deleted_versions: documents to remove.
            everything: remove all other documents too (a rebuild).
            remember: facts to set in the same transaction.

        Returns:
            the versions that are no longer live, to be deleted from the index.
        """
        versions = documents.c.version
        with self.write() as connection:
            gone = set(connection.scalars(select(versions)) if everything else deleted_versions)
            _delete(connection, gone)
            made = set()
            for document in new:
                place = tuple_(documents.c.source, documents.c.path)
                same = place == (document.source, document.path)
                query = select(versions).where(same | (versions == document.version))
                older = set(connection.scalars(query))
                _delete(connection, older)
                gone |= older
                _insert(connection, document)
                made.add(document.version)
            _remember(connection, remember or {})
        return gone - made

    def documents(self, source: int | None = None) -> list[DocumentInfo]:
        """Live documents, ordered by source and path."""
        query = select(documents).order_by(documents.c.source, documents.c.path)
        if source is not None:
            query = query.where(documents.c.source == source)
        with self.read() as connection:
            return [_info(row) for row in connection.execute(query)]

    def document(self, version: str) -> DocumentInfo | None:
        """One live document."""
        with self.read() as connection:
            row = connection.execute(
                select(documents).where(documents.c.version == version)
            ).one_or_none()
        return None if row is None else _info(row)

    def text(self, version: str, start: int = 0, end: int | None = None) -> str:
        """The characters from ``start`` to ``end`` of a live document's text."""
        with self.read() as connection:
            return _text(connection, version, start, end)

    def chunks(self, version: str) -> list[StoredChunk]:
        """A live document's chunks in order."""
        query = select(chunks).where(chunks.c.version == version).order_by(chunks.c.ordinal)
        with self.read() as connection:
            return [_chunk(row) for row in connection.execute(query)]

    @contextmanager
    def find(self, versions: Collection[str]) -> Iterator[Found]:
        """The live ones among these documents, their chunks and texts, all of one moment."""
        with self.read() as connection:
            yield Found(connection, versions)

    def counts(self) -> tuple[int, int]:
        """Live documents, and their chunks."""
        query = select(func.count(), func.coalesce(func.sum(documents.c.chunk_count), 0))
        with self.read() as connection:
            row = connection.execute(query.select_from(documents)).one()
        return int(row[0]), int(row[1])


class Found:
    """Chunks looked up in one snapshot; use it inside `Documents.find`.

    Attributes:
        live: the live documents among those asked for, by version.
    """

    def __init__(self, connection: Connection, versions: Collection[str]) -> None:
        self._connection = connection
        self.live: dict[str, DocumentInfo] = {}
        for some in _slices(sorted(versions), SOME):
            query = select(documents).where(documents.c.version.in_(some))
            for row in connection.execute(query):
                self.live[row.version] = _info(row)

    def chunk(self, key: Key) -> FoundChunk:
        """A chunk of a live document."""
        version, ordinal = key
        wanted = (chunks.c.version == version) & (chunks.c.ordinal == ordinal)
        row = self._connection.execute(select(chunks).where(wanted)).one()
        return FoundChunk(self.live[version], _chunk(row))

    def text(self, version: str, start: int, end: int) -> str:
        """Text of a live document."""
        return _text(self._connection, version, start, end)


def _delete(connection: Connection, versions: Collection[str]) -> None:
    for some in _slices(sorted(versions), SOME):
        connection.execute(delete(documents).where(documents.c.version.in_(some)))


def _insert(connection: Connection, document: StoredDocument) -> None:
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


def _remember(connection: Connection, values: dict[str, str]) -> None:
    for key, value in values.items():
        connection.execute(delete(facts).where(facts.c.key == key))
        connection.execute(insert(facts).values(key=key, value=value))


def _text(connection: Connection, version: str, start: int, end: int | None) -> str:
    query = select(texts.c.text).where(texts.c.version == version, texts.c.part >= start // PART)
    if end is not None:
        query = query.where(texts.c.part <= max(start, end - 1) // PART)
    joined = "".join(connection.scalars(query.order_by(texts.c.part)))
    first = start // PART * PART
    return joined[start - first : None if end is None else end - first]


def _info(row: Row[Any]) -> DocumentInfo:
    return DocumentInfo(*(getattr(row, name) for name in DocumentInfo.__dataclass_fields__))


def _chunk(row: Row[Any]) -> StoredChunk:
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
    )


def _windows(chunk: StoredChunk) -> list[list[int]]:
    """Spans of windows; four numbers where a header is repeated, its span last."""
    headers = chunk.headers or (None,) * len(chunk.windows)
    pairs = zip(chunk.windows, headers, strict=True)
    return [[*window, *(header or ())] for window, header in pairs]


def _headers(windows: Sequence[Sequence[int]]) -> tuple[tuple[int, int] | None, ...]:
    found = tuple((one[2], one[3]) if len(one) == 4 else None for one in windows)
    return found if any(found) else ()


def _slices(values: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (values[start : start + size] for start in range(0, len(values), size))
