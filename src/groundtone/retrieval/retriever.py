"""A question to passages: vectors and words searched, fused, and looked up in the catalog.

The rule of fusion was chosen by measurement: docs/retrieval.md, made by bench/search.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from groundtone.catalog import Catalog, Found, FoundChunk, Key
from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch
from groundtone.index import Hit
from groundtone.index.generations import Indexes
from groundtone.retrieval.passage import Passage
from groundtone.settings import Retrieval

QUESTION_CHARACTERS = 4_000  # far more than the embedder sees; a pasted log is not tokenised whole


class Retriever:
    """Finds passages in a workspace; sees at once what another process syncs.

    Args:
        catalog, indexes: of the workspace.
        embedder: the model that the workspace was built with.
        settings: the section ``[retrieval]``.
    """

    def __init__(
        self, catalog: Catalog, indexes: Indexes, embedder: Embedder, settings: Retrieval
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._embedder = embedder
        self._settings = settings

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """The ``k`` best passages, best first; fewer if the workspace holds fewer.

        Args:
            question: any text; only its beginning counts if it is very long.
            k: default ``[retrieval] k``.

        Raises:
            EmbeddingMismatch: the workspace was built with another embedding model.
        """
        k = self._settings.k if k is None else k
        question = question[:QUESTION_CHARACTERS].strip()
        question = question.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
        if not question or k < 1:
            return []
        self._check_embedding()
        index = self._indexes.current(self._embedder.dimensions)
        candidates = max(self._settings.candidates, 2 * k)
        vector = self._embedder.embed([question])[0]
        passages: list[Passage] = []
        for _ in range(2):
            dense = _best(index.dense(vector, candidates))
            lexical = _best(index.lexical(question, candidates))
            keys = dense.keys() | lexical.keys()
            versions = {version for version, _ in keys}
            with self._catalog.find(versions) as found:
                passages = self._passages(found, dense, lexical, k)
                dead = len(versions) - len(found.live)
            if not dead:
                break  # else a document was replaced meanwhile; its new version may be missing
        return passages

    def where(self, **named: str) -> list[Passage]:
        """Every chunk at a named place, in reading order, without a search.

        Args:
            named: any of ``title``, ``section``, ``document`` (path under its source), ``page``;
                all must agree. Titles are compared without regard to case.

        This is how a citation label is turned back into passages.
        """
        found: list[Passage] = []
        for info in self._catalog.documents():
            if "title" in named and info.title.casefold() != named["title"].casefold():
                continue
            if "document" in named and info.path != named["document"]:
                continue
            for chunk in self._catalog.chunks(info.version):
                if "section" in named and chunk.section != named["section"]:
                    continue
                if "page" in named and str(chunk.page) != named["page"]:
                    continue
                text = self._catalog.text(info.version, chunk.start, chunk.end)
                place = FoundChunk(info, chunk)
                found.append(_passage(place, text, rank=len(found) + 1, window=0))
        return found

    def _check_embedding(self) -> None:
        built = self._catalog.fact("embedding")
        if built is not None and built != self._embedder.fingerprint:
            raise EmbeddingMismatch(
                f"This workspace was built with the embedding model {built}, the settings name "
                f"{self._embedder.fingerprint}.",
                "Set [embedding] model back, or run `groundtone sync --rebuild`.",
            )

    def _passages(
        self, found: Found, dense: dict[Key, Hit], lexical: dict[Key, Hit], k: int
    ) -> list[Passage]:
        scores = fuse(
            {key: hit.score for key, hit in dense.items() if key[0] in found.live},
            {key: hit.score for key, hit in lexical.items() if key[0] in found.live},
            self._settings.dense_weight,
        )

        def order(key: Key) -> tuple[float, str, int, int]:
            document = found.live[key[0]]
            return -scores[key], document.path, document.source, key[1]

        passages = []
        for rank, key in enumerate(sorted(scores, key=order)[:k], 1):
            place = found.chunk(key)
            hit = dense.get(key) or lexical[key]
            passages.append(
                _passage(
                    place,
                    found.text(key[0], place.chunk.start, place.chunk.end),
                    rank=rank,
                    window=hit.window,
                    score=scores[key],
                    dense=dense[key].score if key in dense else None,
                    lexical=lexical[key].score if key in lexical else None,
                )
            )
        return passages


def fuse(
    dense: Mapping[Key, float], lexical: Mapping[Key, float], dense_weight: float
) -> dict[Key, float]:
    """One score for each chunk that either search found: a convex combination.

    Cosines are scaled from the worst candidate to the best, since no text is at 0; BM25 scores by
    the best alone, since 0 means no shared word. What a search did not find has 0 there.
    """
    low, high = min(dense.values(), default=0.0), max(dense.values(), default=0.0)
    best = max(lexical.values(), default=0.0) or 1.0
    fused = dict.fromkeys(dense.keys() | lexical.keys(), 0.0)
    for key, score in dense.items():
        fused[key] += dense_weight * ((score - low) / (high - low) if high > low else 1.0)
    for key, score in lexical.items():
        fused[key] += (1 - dense_weight) * score / best
    return fused


def _best(hits: Iterable[Hit]) -> dict[Key, Hit]:
    """The best window of each chunk."""
    best: dict[Key, Hit] = {}
    for hit in hits:
        key = (hit.version, hit.chunk)
        if key not in best or hit.score > best[key].score:
            best[key] = hit
    return best


def _passage(
    found: FoundChunk,
    text: str,
    *,
    rank: int,
    window: int,
    score: float = 0.0,
    dense: float | None = None,
    lexical: float | None = None,
) -> Passage:
    document, chunk = found.document, found.chunk
    return Passage(
        rank=rank,
        text=text,
        score=score,
        document=document.path,
        title=document.title,
        section=chunk.section,
        headings=chunk.headings,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        box=chunk.box,
        version=document.version,
        chunk=chunk.ordinal,
        window=chunk.windows[window],
        dense=dense,
        lexical=lexical,
    )
