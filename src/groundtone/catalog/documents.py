"""Documents and chunks: what is live now, and where its text is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from groundtone.catalog import rows
from groundtone.catalog.looking_up import LookUp
from groundtone.catalog.records import (
    DocumentInfo,
    FailedFile,
    FileState,
    FoundChunk,
    Key,
    StoredChunk,
    StoredDocument,
)
from groundtone.catalog.schema import SOME, chunks, documents, failures, former, slices, texts
from groundtone.catalog.sources import Sources

_version = documents.c.version
_STORED = tuple(
    name for name in StoredDocument.__dataclass_fields__ if name not in ("text", "chunks", "before")
)
_DOCUMENTS = LookUp(documents, "version", row=DocumentInfo)
_CHUNKS = LookUp(chunks, "version", "ordinal")
READ_PARTS = 16  # of a text, for what it mentions: each search reads them anew
_KEPT = ("source", "path", "size", "mtime_ns", "sha256", "modified", "recipe", "metadata")
_FILE = (
    "file",
    "size",
    "mtime_ns",
    "sha256",
    "recipe",
    "modified",
    "version",
    "path",
    "chunk_count",
)
_ITSELF = ("",)


class Documents(Sources):
    """The part of the catalog that knows files, documents and chunks."""

    def file_states(self, source: int) -> dict[str, FileState]:
        """The source's files that have live documents, by path."""
        columns = [documents.c[name] for name in _FILE]
        query = select(*columns).where(documents.c.source == source)
        found: dict[str, FileState] = {}
        with self.read() as connection:
            for row in connection.execute(query):
                file, size, mtime, sha256, recipe, changed, version, path, count = row
                versions, indexed = (version,), (version,) if count else ()
                names = (path[len(file) :].removeprefix("!/"),) if path != file else _ITSELF
                past = found.get(file)
                if past is not None:  # one of several documents in a file
                    versions, indexed = past.versions + versions, past.indexed + indexed
                    names = past.names + names
                found[file] = FileState(
                    file, size, mtime, sha256, recipe, versions, indexed, changed, names
                )
        return found

    def failed_files(self, source: int) -> dict[str, FailedFile]:
        """The source's files that could not be read, or not wholly, by path."""
        query = select(failures).where(failures.c.source == source).order_by(failures.c.name)
        found: dict[str, FailedFile] = {}
        with self.read() as connection:
            for row in connection.execute(query):
                past = found.get(row.file)
                reasons = (past.reasons if past else ()) + ((row.name, row.reason),)
                found[row.file] = FailedFile(
                    source, row.file, row.size, row.mtime_ns, row.sha256, row.recipe, reasons
                )
        return found

    def versions(self) -> set[str]:
        """Versions of all live documents."""
        with self.read() as connection:
            return set(connection.scalars(select(_version)))

    def touch(self, seen: Iterable[tuple[int, str, str, int, str]]) -> None:
        """Note new times of files whose bytes are the same.

        Args:
            seen: (source, file, sha256, mtime_ns, modified).
        """
        names = ("source", "file", "sha256", "mtime_ns", "modified")
        values = [dict(zip(("s", "f", "h", "m", "d"), one, strict=True)) for one in seen]
        if not values:
            return
        with self.write() as connection:
            for table in (documents, failures):
                where = [table.c[n] == bindparam(b) for n, b in zip(names[:3], "sfh", strict=True)]
                change = update(table).where(*where).values(mtime_ns=bindparam("m"))
                if table is documents:
                    change = change.values(modified=bindparam("d"))
                connection.execute(change, values)

    def replace_documents(
        self,
        new: Iterable[StoredDocument],
        deleted_versions: Collection[str] = (),
        *,
        everything: bool = False,
        kept: Iterable[StoredDocument] = (),
        failed: Iterable[FailedFile] = (),
        remember: dict[str, str] | None = None,
    ) -> set[str]:
        """Make versions live, in one transaction.

        Where a new version has the very text of the one it replaces, the old one can still be
        asked for: `text` and `document` answer with the new one.

        Args:
            new: each replaces the live document of the same source and path, and ``before``.
            deleted_versions: documents to remove.
            everything: remove all other documents, and all failures (a rebuild).
            kept: live versions that stay as they are, but for their place, file, recipe and
                metadata.
            failed: what is now known of files that failed; without reasons: nothing any more.
            remember: facts to set in the same transaction.

        Returns:
            the versions that are no longer live, to be deleted from the index.
        """
        gone, made = set(deleted_versions), set()
        with self.write() as connection:
            for document in kept:
                gone |= _keep(connection, document)
                made.add(document.version)
            for document in new:
                replaced = _replace(connection, document)
                gone |= replaced
                made = made - replaced | {document.version}
            if everything:
                gone |= set(connection.scalars(select(_version)))
                connection.execute(delete(failures))
            gone -= made
            rows.delete_documents(connection, gone)
            rows.put_failures(connection, failed)
            rows.remember(connection, remember or {})
        return gone

    def put_failures(self, failed: Iterable[FailedFile]) -> None:
        """Set what is known of files that failed; without reasons: nothing any more."""
        with self.write() as connection:
            rows.put_failures(connection, failed)

    def documents(self, source: int | None = None) -> list[DocumentInfo]:
        """Live documents, ordered by source and path."""
        query = select(documents).order_by(documents.c.source, documents.c.path)
        if source is not None:
            query = query.where(documents.c.source == source)
        with self.read() as connection:
            return [rows.info(row) for row in connection.execute(query)]

    def named(self, *, title: str | None = None, path: str | None = None) -> list[DocumentInfo]:
        """Live documents of a title, its case aside, and of a path under their source, in the order
        of `documents`. None: any."""
        query = select(documents.c.version, documents.c.title)
        if path is not None:
            query = query.where(documents.c.path == path)
        wanted = None if title is None else title.casefold()
        found: list[DocumentInfo] = []
        with self.read() as connection:
            versions = [
                version
                for version, name in connection.execute(query)
                if wanted is None or name.casefold() == wanted
            ]
            for some in slices(versions, SOME):
                whole = select(documents).where(documents.c.version.in_(some))
                found += [rows.info(row) for row in connection.execute(whole)]
        return sorted(found, key=lambda one: (one.source, one.path))

    def document(self, version: str) -> DocumentInfo | None:
        """One live document, asked for by its version or by a former one of the same text."""
        with self.read() as connection:
            now = rows.live(connection, version)
            row = connection.execute(
                select(documents).where(documents.c.version == now)
            ).one_or_none()
        return None if row is None else rows.info(row)

    def text(self, version: str, start: int = 0, end: int | None = None) -> str:
        """Characters ``start`` to ``end`` of a live document's text; see `document`."""
        with self.read() as connection:
            return rows.text_of(connection, rows.live(connection, version), start, end)

    def stored(self, version: str) -> StoredDocument | None:
        """A live document whole."""
        with self.read() as connection:
            row = connection.execute(
                select(documents).where(documents.c.version == version)
            ).one_or_none()
            if row is None:
                return None
            query = select(chunks).where(chunks.c.version == version).order_by(chunks.c.ordinal)
            values = {name: getattr(row, name) for name in _STORED}
            return StoredDocument(
                **values,
                text=rows.text_of(connection, version, 0, None),
                chunks=tuple(rows.chunk(found) for found in connection.execute(query)),
            )

    def versions_of(self, source: int, file: str) -> dict[str, str]:
        """The live documents of one file: version by path."""
        same = (documents.c.source == source) & (documents.c.file == file)
        with self.read() as connection:
            found = connection.execute(select(documents.c.path, _version).where(same))
            return {row[0]: row[1] for row in found}

    def chunks(self, version: str) -> list[StoredChunk]:
        """A live document's chunks in order."""
        query = select(chunks).where(chunks.c.version == version).order_by(chunks.c.ordinal)
        with self.read() as connection:
            return [rows.chunk(row) for row in connection.execute(query)]

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
        self._chunks: dict[Key, StoredChunk] = {}
        self._parts: dict[tuple[str, int], str] = {}
        self.live: dict[str, DocumentInfo] = {}
        for some in slices(sorted(versions), SOME):
            self.live |= {one.version: one for one in _DOCUMENTS(connection, some)}

    def load(self, keys: Collection[Key]) -> None:
        """Look up chunks of live documents at once, with their texts, so that `chunk` and `text`
        need not ask for each."""
        wanted = set(keys) - self._chunks.keys()
        for some in slices(sorted(wanted), SOME // 2):
            versions = sorted({version for version, _ in some})
            ordinals = sorted({ordinal for _, ordinal in some})
            # Every pair of both, a few too many: SQLite would scan the table for the very pairs.
            for row in _CHUNKS(self._connection, versions, ordinals, only=wanted):
                self._chunks[row.version, row.ordinal] = rows.chunk(row)
        spans = [(key[0], self._chunks[key].start, self._chunks[key].end) for key in wanted]
        self._parts |= rows.parts_of(self._connection, spans)

    def chunk(self, key: Key) -> FoundChunk:
        """A chunk of a live document."""
        if key not in self._chunks:
            self.load([key])
        return FoundChunk(self.live[key[0]], self._chunks[key])

    def mentioning(self, word: str) -> set[str]:
        """Versions of the live documents whose path, or the first million characters of whose text,
        hold these letters in whatever case."""
        path = [version for version, one in self.live.items() if word in one.path.casefold()]
        holds = texts.c.text.icontains(word, autoescape=True)
        query = select(texts.c.version).distinct().where(holds, texts.c.part < READ_PARTS)
        for some in slices(sorted(self.live.keys() - set(path)), SOME):
            path += self._connection.scalars(query.where(texts.c.version.in_(some)))
        return set(path)

    def text(self, version: str, start: int, end: int) -> str:
        """Text of a live document."""
        parts = [self._parts.get((version, number)) for number in rows.numbers(start, end)]
        if None in parts:
            return rows.text_of(self._connection, version, start, end)
        return rows.cut(filter(None, parts), start, end)


def _keep(connection: Connection, document: StoredDocument) -> set[str]:
    """Give a live document another place; the versions that had to make room."""
    same = _place(document) & (_version != document.version)
    in_the_way = set(connection.scalars(select(_version).where(same)))
    rows.delete_documents(connection, in_the_way)
    values = {name: getattr(document, name) for name in _KEPT} | {
        "file": document.file or document.path
    }
    connection.execute(
        update(documents).where(documents.c.version == document.version).values(values)
    )
    return in_the_way


def _place(document: StoredDocument) -> ColumnElement[bool]:
    return tuple_(documents.c.source, documents.c.path) == (document.source, document.path)


def _replace(connection: Connection, document: StoredDocument) -> set[str]:
    """Insert a document; the versions that it replaced."""
    same = _place(document) | (_version == document.version)
    if document.before is not None:
        same |= _version == document.before
    replaced = set(connection.scalars(select(_version).where(same)))
    alike = [
        old
        for old in replaced - {document.version}
        if rows.text_of(connection, old, 0, None) == document.text
    ]
    # Former versions of those live on with this one, before they go with their rows.
    inherited = set(alike)
    for old in alike:
        query = select(former.c.version).where(former.c.now == old)
        inherited |= set(connection.scalars(query))
    kept = select(former.c.version).where(former.c.now == document.version)
    inherited |= set(connection.scalars(kept))
    rows.delete_documents(connection, replaced)
    rows.insert_document(connection, document)
    for version in sorted(inherited - {document.version}):
        connection.execute(delete(former).where(former.c.version == version))
        connection.execute(insert(former).values(version=version, now=document.version))
    return replaced
