"""One search: an index asked by vectors and by words, fused, and looked up in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from groundtone.catalog import Catalog, Found, Key
from groundtone.embedding import Embedder
from groundtone.errors import WrongUse
from groundtone.index import Hit, Index, Scanning, window_id
from groundtone.index.filters import Filter
from groundtone.index.generations import Indexes
from groundtone.retrieval.fusion import WEIGHTS, Sides, fuse
from groundtone.retrieval.passage import Passage
from groundtone.retrieval.tracing import Ranked, Trace, by_names, traced
from groundtone.retrieval.tuned import Tuned
from groundtone.settings import Retrieval

if TYPE_CHECKING:
    import numpy as np

    from groundtone.reranking.contract import Reranker

SEARCHES = 4  # by words at a time beside those by vectors
SPARE = 10  # looked up beyond twice k, so that equal scores are ordered alike
TRIES = 3  # a document replaced, or the whole index rebuilt, between search and look-up


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One search, among what ``limits`` lets pass.

    Attributes:
        everything: the trace tells of all that was found, not only of what may be returned.
        vector: of the question, if it was embedded already.
    """

    question: str
    k: int
    limits: Filter
    everything: bool
    tuned: Tuned | None
    vector: np.ndarray | None = None

    def turned(self, plain: np.ndarray) -> np.ndarray:
        """The vector to search with."""
        return plain if self.tuned is None else self.tuned.adapted(plain)


@dataclass(slots=True, eq=False)
class Ahead:
    """What is known of a search before it is made.

    Attributes:
        plain: the question's vector.
        index: that was asked already, and what it found: by vectors, or by words that are still
            being looked up.
    """

    plain: np.ndarray
    index: Index | None = None
    dense: list[Hit] | None = None
    lexical: Future[list[Hit]] | None = None


class Finder:
    """Makes searches; safe from many threads. Arguments as for the `Retriever` that asks it."""

    def __init__(
        self,
        catalog: Catalog,
        indexes: Indexes,
        embedder: Embedder,
        settings: Retrieval,
        open_reranker: Callable[[str], Reranker] | None,
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._embedder = embedder
        self._settings = settings
        self._open_reranker = open_reranker
        self._opening = Lock()
        self._opened: Reranker | None = None
        self._pool = ThreadPoolExecutor(SEARCHES, thread_name_prefix="search")

    def ahead(self, asked: Sequence[Asked], *, alone: bool) -> list[Ahead]:
        """What takes time whoever asks, done for a few questions at once: their vectors, and the
        scan of the windows' vectors.

        Args:
            alone: nobody else waits for the cores: the words of a question may be looked up while
                its vector is made.
        """
        if not (alone and len(asked) == 1 and asked[0].vector is None):
            return self._scanned(asked, self._vectors(asked))
        vector: Future[np.ndarray] = Future()
        index, lexical = self._begun(asked[0], vector)
        try:
            [plain] = self._vectors(asked)
            vector.set_result(asked[0].turned(plain))
        finally:
            vector.cancel()  # nothing, where it was told
        return [Ahead(plain, index, lexical=lexical)]

    def _vectors(self, asked: Sequence[Asked]) -> list[np.ndarray]:
        bare = [one.question for one in asked if one.vector is None]
        made = iter(self._embedder.embed(bare) if bare else ())
        return [next(made) if one.vector is None else one.vector for one in asked]

    def _begun(
        self, asked: Asked, vector: Future[np.ndarray]
    ) -> tuple[Index | None, Future[list[Hit]] | None]:
        """A search by words, begun before the vector is there; where that is of no use, nothing."""
        if self._settings.fusion in ("words", "vectors"):
            return None, None
        index = self._scanning()
        if index is None:
            return None, None
        most, limits = self._candidates(asked.k), asked.limits
        found = self._pool.submit(index.lexical, asked.question, most, limits, vector.result)
        return index, found

    def _scanned(self, asked: Sequence[Asked], vectors: Sequence[np.ndarray]) -> list[Ahead]:
        nothing = [Ahead(vector) for vector in vectors]
        if len(asked) == 1 or self._settings.fusion == "words":
            return nothing
        wanted = [
            (one.turned(vector), self._candidates(one.k), one.limits)
            for one, vector in zip(asked, vectors, strict=True)
        ]
        index = self._scanning()
        if index is None:
            return nothing
        try:
            found = index.dense_each(wanted)
        except (OSError, RuntimeError, ValueError):  # rebuilt meanwhile: `find` looks again
            return nothing
        return [Ahead(v, index, hits) for v, hits in zip(vectors, found, strict=True)]

    def _scanning(self) -> Scanning | None:
        """The index, where it can be asked ahead of `find`."""
        try:
            index = self._indexes.current(self._embedder.dimensions)
        except (OSError, RuntimeError, ValueError):  # rebuilt meanwhile: `find` looks again
            return None
        return index if isinstance(index, Scanning) else None

    def find(self, asked: Asked, ahead: Ahead, *, alone: bool) -> Trace:
        """Search, fuse and look up, again if what was found was replaced meanwhile.

        Args:
            ahead: what `ahead` gave for it.
            alone: nobody waits for the cores, so that both searches may run at once.
        """
        question, k, tuned = asked.question, asked.k, asked.tuned
        plain = ahead.plain
        vector = asked.turned(plain)
        trace = Trace()
        for attempt in range(TRIES):
            if attempt:  # who rebuilds it meanwhile replaces what was found there
                ahead = Ahead(plain)
            index = ahead.index or self._indexes.current(self._embedder.dimensions)
            try:
                dense, lexical = self._both(index, asked, vector, ahead, alone=alone)
            except (OSError, RuntimeError, ValueError):
                # The files of an index go when another process has rebuilt it.
                if attempt + 1 == TRIES or self._is_current(index):
                    raise
                continue
            ranked = self._ranked(question, Sides(dense, lexical), tuned)
            wanted = ranked.order
            if not asked.everything:  # looking up a document takes longer than ranking it
                wanted = wanted[: max(2 * k + SPARE, self._settings.rerank)]
            versions = {version for version, _ in wanted}
            with self._catalog.find(versions) as found:
                if len(found.live) == len(versions):
                    ranked = by_names(found, question, ranked)
                    trace = self._traced(found, asked, ranked, wanted, dense)
                    break
            # A document was replaced, and its new version may be missing: search again.
            versions = {hit.version for hit in (*dense, *lexical)}
            with self._catalog.find(versions) as found:
                ranked = self._ranked(question, Sides(dense, lexical, found.live), tuned)
                ranked = by_names(found, question, ranked)
                trace = self._traced(found, asked, ranked, ranked.order, dense)
        if vector is not plain:
            trace = replace(
                trace, passages=_with_cosines(trace.passages, ranked.sides, index, plain)
            )
        return trace

    def _candidates(self, k: int) -> int:
        return max(self._settings.candidates, 2 * k)

    def _both(
        self,
        index: Index,
        asked: Asked,
        vector: np.ndarray,
        ahead: Ahead,
        *,
        alone: bool,
    ) -> tuple[list[Hit], list[Hit]]:
        """What each search finds, best first."""
        rule, most, limits = self._settings.fusion, self._candidates(asked.k), asked.limits
        by_words = partial(index.lexical, asked.question, most, limits, vector)
        if rule == "words":
            return [], by_words()
        words, dense = ahead.lexical, ahead.dense
        if words is None and dense is None and rule != "vectors" and alone:
            words = self._pool.submit(by_words)
        if dense is None:
            dense = index.dense(vector, most, limits)
        if rule == "vectors":
            return dense, []
        return dense, by_words() if words is None else words.result()

    def _is_current(self, index: Index) -> bool:
        return self._indexes.current(self._embedder.dimensions) is index

    def _ranked(self, question: str, sides: Sides, tuned: Tuned | None) -> Ranked:
        weights = WEIGHTS if tuned is None else tuned.weights
        parts = fuse(self._settings.fusion, sides, question, self._settings.dense_weight, weights)
        fused = {key: sum(some.values()) for key, some in parts.items()}
        return Ranked(sides, parts, fused, sorted(fused, key=lambda key: (-fused[key], key)))

    def _traced(
        self,
        found: Found,
        asked: Asked,
        ranked: Ranked,
        wanted: Sequence[Key],
        dense: Sequence[Hit],
    ) -> Trace:
        return traced(
            found,
            ranked,
            wanted,
            dense,
            asked.k,
            rerank=lambda order: self._reranked(found, asked.question, order, ranked.sides),
            tuned=None if asked.tuned is None else asked.tuned.name,
        )

    def _reranked(
        self, found: Found, question: str, order: Sequence[Key], sides: Sides
    ) -> dict[Key, float]:
        """The cross-encoder's scores of the best passages; empty without one."""
        reranker = self._reranker()
        if reranker is None or not order:
            return {}
        keys = order[: self._settings.rerank]
        found.load(keys)
        texts = []
        for key in keys:
            chunk = found.chunk(key).chunk
            texts.append(chunk.lead + found.text(key[0], *chunk.windows[sides.window[key]]))
        return dict(zip(keys, reranker.score(question, texts), strict=True))

    def _reranker(self) -> Reranker | None:
        folder = self._settings.reranker
        if not folder:
            return None
        if self._open_reranker is None:
            raise WrongUse("This search was made without re-ranking.", "Unset reranker.")
        with self._opening:
            if self._opened is None:
                self._opened = self._open_reranker(folder)
            return self._opened


def _with_cosines(
    passages: Sequence[Passage], sides: Sides, index: Index, plain: np.ndarray
) -> tuple[Passage, ...]:
    """The passages with their cosine with the question as it was embedded.

    Limits on cosines, and what judges the evidence, were fitted to those and not to a vector that
    an adapter has turned.
    """
    ids = [window_id(p.version, p.chunk, sides.window[p.version, p.chunk]) for p in passages]
    try:
        vectors = index.vectors(ids)
    except (OSError, RuntimeError, ValueError):  # rebuilt meanwhile, as in `find`
        return tuple(passages)
    return tuple(
        replace(passage, dense=float(vectors[id] @ plain)) if id in vectors else passage
        for id, passage in zip(ids, passages, strict=True)
    )
