"""A collection that something else filled, taken into a workspace with its vectors.

Its records become documents of the catalog and windows of the workspace's own index; the
collection itself is only read. Syncs leave these documents as they are, `groundtone forget` takes
them out, and adopting again brings them up to date.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from groundtone.catalog import StoredChunk, StoredDocument
from groundtone.chunking import chunk
from groundtone.documents.document import Block, Document
from groundtone.errors import EmbeddingMismatch, WrongUse
from groundtone.index import is_folder, located, shown
from groundtone.index.attributes import GROUP, GROUPS
from groundtone.index.chroma_records import Record, records
from groundtone.syncing.guarding import alone, named_disk_full
from groundtone.syncing.path_rules import PathRules, overruled
from groundtone.syncing.reading import stored
from groundtone.syncing.recipe import recipe, version
from groundtone.syncing.remembering import DIMENSIONS, DONE, FINGERPRINT, MODEL
from groundtone.syncing.sources import ADOPTED
from groundtone.syncing.writing import Made, Writer, embedded_here, make_live

if TYPE_CHECKING:
    import numpy as np

    from groundtone.embedding import Embedder
    from groundtone.workspace.workspace import Workspace

NAMES = ("source", "file", "file_path", "path", "filename", "file_name", "document", "doc", "url")
"""Metadata that names the document of a record; the first that most records have is taken."""
ORDERS = ("chunk", "chunk_index", "chunk_id", "index", "position", "start_index", "start")
SECTIONS = ("section", "heading", "header")
PAGES = ("page", "page_number", "page_label")
SAMPLE = 32
ALIKE = 0.99  # cosine from which two vectors of one text are of one model
MOST = 0.9  # of the sampled records, that must be alike


@dataclass(slots=True)
class Adopted:
    """What became of a collection.

    Attributes:
        source: how the workspace knows it; `groundtone forget` takes it out by this name.
        records: taken in.
        skipped: records without text.
        documents: made of them.
        unchanged: those of them that were here already.
        deleted: documents of an earlier adoption that are no more.
        grouped_by: the metadata that named the documents; "" if they are one.
        embedded: whether their texts were embedded anew.
        cosine: median cosine of the sampled records' vectors with the workspace's model; None if
            they were embedded anew.
    """

    source: str
    records: int = 0
    skipped: int = 0
    documents: int = 0
    unchanged: int = 0
    deleted: int = 0
    grouped_by: str = ""
    embedded: bool = False
    cosine: float | None = None


def adopt(
    workspace: Workspace,
    url: str,
    collection: str,
    *,
    embed: bool = False,
    group: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Adopted:
    """Take a Chroma collection into the workspace.

    Args:
        url: of its server, or the path of its folder.
        embed: make vectors anew by the workspace's model, from passages of the usual sizes;
            without, each record is a passage and keeps its vector.
        group: the metadata that names the document of a record; None looks for one of `NAMES`.
        progress: told passages done, and of how many.

    Raises:
        WrongUse: there is no such collection, or it holds no text.
        EmbeddingMismatch: its vectors are not of the workspace's model; or the workspace was built
            with another model than the settings name.
        Busy: a sync is running.
    """
    place = located(url, workspace.folder)
    found = list(records(place, collection))
    held = [one for one in found if one.text.strip()]
    skipped = len(found) - len(held)
    if not held:
        raise WrongUse(
            f"The collection {collection!r} holds no texts, only {skipped} records without.",
            "Adopt one that keeps its documents' texts.",
        )
    cosine = None if embed else _same_model(workspace, held, collection)
    with alone(workspace.state, workspace.catalog), named_disk_full(workspace.state):
        _built_with_this_model(workspace)
        source = workspace.catalog.add_source(f"{ADOPTED}{_name(url)}#{collection}")
        report = Adopted(source.path, len(held), skipped, embedded=embed, cosine=cosine)
        report.grouped_by = _grouping(held) if group is None else group
        rules = PathRules.of(workspace.settings)
        made = [
            _document(workspace, source.id, path, some, rules, embed=embed)
            for path, some in _grouped(held, report.grouped_by, collection)
        ]
        report.documents = len(made)
        vectors = {} if embed else {one.text: _unit(one.vector) for one in held}
        _store(workspace, source.id, made, vectors, report, progress)
    return report


def _name(url: str) -> str:
    return shown(url).removeprefix("./" if is_folder(url) else "http://")


def _same_model(workspace: Workspace, held: Sequence[Record], collection: str) -> float:
    """See that the vectors are of the workspace's model; their median cosine with its own."""
    import numpy as np

    from groundtone.embedding import open_embedder

    remedy = (
        "Adopt the texts and embed them anew: the same command with --embed. The collection "
        "itself stays as it is."
    )
    lengths = Counter(len(one.vector) for one in held)
    length = lengths.most_common(1)[0][0]
    if len(lengths) > 1 or length != workspace.embedder.dimensions:
        raise EmbeddingMismatch(
            f"The vectors of {collection!r} have {length} numbers, those of "
            f"{workspace.settings.embedding.model} have {workspace.embedder.dimensions}.",
            remedy,
        )
    step = max(1, len(held) // SAMPLE)
    sample = held[::step][:SAMPLE]
    # Exact vectors, so that the rounding of the quick engine does not look like another model.
    exact = open_embedder(workspace.settings.embedding.model, precision="float32")
    ours = exact.embed([one.text for one in sample])
    theirs = np.stack([_unit(one.vector) for one in sample])
    cosines = np.sum(ours * theirs, axis=1)
    if float(np.mean(cosines >= ALIKE)) < MOST:
        raise EmbeddingMismatch(
            f"The vectors of {collection!r} were not made by "
            f"{workspace.settings.embedding.model}: for {len(sample)} of its texts they differ "
            f"(median cosine {float(np.median(cosines)):.2f}, not {ALIKE}).",
            remedy,
        )
    return round(float(np.median(cosines)), 4)


def _built_with_this_model(workspace: Workspace) -> None:
    built = workspace.catalog.fact(FINGERPRINT)
    if built not in (None, workspace.embedder.fingerprint) and workspace.catalog.counts()[0]:
        raise EmbeddingMismatch(
            f"This workspace was built with the embedding model {built}, the settings name "
            f"{workspace.embedder.fingerprint}.",
            "Set [embedding] model back, or run `groundtone sync --rebuild`.",
        )


def _grouping(held: Sequence[Record]) -> str:
    """The first of `NAMES` that most records have; "" if there is none."""
    for name in NAMES:
        count = sum(isinstance(one.metadata.get(name), str) for one in held)
        if count > len(held) / 2:
            return name
    return ""


def _grouped(held: Iterable[Record], name: str, rest: str) -> Iterator[tuple[str, list[Record]]]:
    """Records by document, in their order; those that name none are one named ``rest``."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for one in held:
        told = one.metadata.get(name) if name else None
        groups[str(told).strip() or rest if told is not None else rest].append(one)
    for path, some in sorted(groups.items()):
        yield path, sorted(some, key=_order)


def _order(one: Record) -> tuple[float, float]:
    """By page, then by number; where a record tells none, Chroma's order stands."""
    page, place = (_number(one.metadata, names) for names in (PAGES, ORDERS))
    return (page or 0.0, place or 0.0)


def _number(metadata: Mapping[str, Any], names: Sequence[str]) -> float | None:
    for name in names:
        value = metadata.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, str) and value.strip().isdigit():
            return float(value)
    return None


def _document(
    workspace: Workspace,
    source: int,
    path: str,
    some: Sequence[Record],
    rules: PathRules,
    *,
    embed: bool,
) -> StoredDocument:
    parts, chunks, blocks, at = [], [], [], 0
    first = some[0].metadata
    title = str(first.get("title") or PurePosixPath(path).stem.replace("_", " ") or path)
    for ordinal, one in enumerate(some):
        end = at + len(one.text)
        section = next((str(one.metadata[n]) for n in SECTIONS if one.metadata.get(n)), "")
        page = _number(one.metadata, PAGES)
        number = int(page) if page is not None and page >= 1 else None
        headings = (section,) if section else ()
        chunks.append(
            StoredChunk(ordinal, at, end, headings, section, number, None, "", ((at, end),))
        )
        blocks.append(Block("paragraph", at, end, headings, page=number))
        parts.append(one.text)
        at = end + 2
    text = "\n\n".join(parts)
    if embed:
        sizes = workspace.settings.chunking.model_dump()
        read = Document(title, text, tuple(blocks), "text/plain")
        chunks = [stored(made) for made in chunk(read, workspace.embedder.encode, **sizes)]
    made_with = recipe(workspace.settings)
    said = repr([(one.id, one.text, sorted(one.metadata.items()), embed) for one in some])
    vectors = b"" if embed else b"".join(one.vector.tobytes() for one in some)
    sha256 = hashlib.sha256(said.encode("utf-8", "surrogatepass") + vectors).hexdigest()
    return StoredDocument(
        version=version(source, path, sha256, workspace.embedder.fingerprint, made_with),
        source=source,
        path=path,
        size=len(text.encode("utf-8")),
        mtime_ns=-1,
        sha256=sha256,
        title=title,
        media_type="text/plain",
        text=text,
        chunks=tuple(chunks),
        file=path,
        metadata=rules.over(path, _common(some)),
        recipe=made_with,
    )


def _common(some: Sequence[Record]) -> dict[str, Any]:
    """Metadata that all records of a document share: labels of the document.

    Where they do not agree on who may see them, only the owner may: they are one text here.
    """
    shared = {
        name: value
        for name, value in some[0].metadata.items()
        if isinstance(value, (str, int, float, bool))
        and all(one.metadata.get(name) == value for one in some)
    }
    allowed = [_groups(one.metadata) for one in some]
    agreed = all(one == allowed[0] for one in allowed)
    return overruled(shared, allowed[0] if agreed else {GROUPS: []})


def _groups(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of who may see it, a list included."""
    return {name: value for name, value in metadata.items() if name.casefold() in (GROUP, GROUPS)}


class _Known:
    """The collection's own vectors as an embedder gives them."""

    def __init__(self, embedder: Embedder, vectors: Mapping[str, np.ndarray]) -> None:
        self.fingerprint = embedder.fingerprint
        self.dimensions = embedder.dimensions
        self.max_tokens = embedder.max_tokens
        self.encode = embedder.encode
        self._vectors = vectors

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        import numpy as np

        return np.stack([self._vectors[text] for text in texts])


def _store(
    workspace: Workspace,
    source: int,
    made: Sequence[StoredDocument],
    vectors: Mapping[str, np.ndarray],
    report: Adopted,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Into index and catalog, batch by batch, as a sync does it."""
    catalog, embedder = workspace.catalog, workspace.embedder
    before = {one.version for one in catalog.documents(source)}
    # Only who finds everything in order may say so at the end.
    settled = DONE in catalog.facts() or not catalog.counts()[0]
    catalog.forget(DONE)
    catalog.remember_all({FINGERPRINT: embedder.fingerprint, DIMENSIONS: str(embedder.dimensions)})
    index = workspace.indexes.current(embedder.dimensions)
    held = index.versions()
    new = [one for one in made if one.version not in before or one.version not in held]
    report.unchanged = len(made) - len(new)
    total, done = sum(len(one.chunks) for one in new), 0

    def told(_windows: int, passages: int, _embedded: int) -> None:
        nonlocal done
        done += passages
        if progress:
            progress(done, total)

    source_of = _Known(embedder, vectors) if vectors else embedder
    commit = make_live(catalog)
    embed = embedded_here(lambda: source_of)
    with Writer(embed, index, catalog, commit, told, lambda _: None) as writer:
        for document in new:
            writer.add(Made(new=[document], indexed=[document]))
            while not writer.hungry:
                writer.work()
        writer.finish()
    gone = {one.version for one in catalog.documents(source)} - {one.version for one in made}
    if gone:
        index.delete(catalog.replace_documents([], gone))
        report.deleted = len(gone)
    index.optimise()
    if settled:
        catalog.remember_all(
            {MODEL: workspace.settings.embedding.model, DONE: workspace.indexes.place}
        )


def _unit(vector: np.ndarray) -> np.ndarray:
    import numpy as np

    return vector / max(float(np.linalg.norm(vector)), 1e-12)
