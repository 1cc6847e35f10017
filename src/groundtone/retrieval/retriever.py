"""A question to passages: vectors and words searched, fused, and looked up in the catalog."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from groundtone.catalog import Catalog, DocumentInfo, Found, FoundChunk, Key
from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch, WrongUse
from groundtone.index import Hit, Index, Scanning, window_id
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.generations import Indexes
from groundtone.retrieval import tuned as tuning
from groundtone.retrieval.fusion import WEIGHTS, Sides, fuse
from groundtone.retrieval.passage import Passage
from groundtone.retrieval.together import Together
from groundtone.retrieval.tracing import Ranked, Trace, as_passage, by_names, traced
from groundtone.retrieval.tuned import Tuned
from groundtone.retrieval.visibility import visible
from groundtone.settings import Retrieval

if TYPE_CHECKING:
    import numpy as np

    from groundtone.reranking.contract import Reranker

QUESTION_CHARACTERS = 4_000  # far more than the embedder sees; a pasted log is not tokenised whole
AT_ONCE = 64  # questions embedded in one batch
SEARCHES = 4  # by words at a time beside those by vectors
BATCHES = 2  # at work at a time: one is with Python while the other is with the vectors
BATCH = 8  # questions in one: more would hardly be quicker, and each has a score for every window
SERVED = 32  # questions at a time where a server searches, each alone
SPARE = 10  # looked up beyond twice k, so that equal scores are ordered alike
TRIES = 3  # a document replaced, or the whole index rebuilt, between search and look-up


@dataclass(frozen=True, slots=True)
class Wanted:
    """One search, as another process is asked for it: at least one passage, among these."""

    question: str
    k: int
    limits: Filter


class Elsewhere(Protocol):
    """Other processes that search the same workspace."""

    count: int

    def wanted(self) -> bool:
        """Whether they are to make the next search; each call counts as one."""

    def __call__(self, batch: Sequence[Wanted]) -> Iterator[list[Passage]]:
        """What each finds, in one of the processes, one after the other. Where one fails, the rest
        is left."""


class Retriever:
    """Finds passages in a workspace; sees at once what another process syncs.

    Args:
        catalog, indexes: of the workspace.
        embedder: the model that the workspace was built with.
        settings: the section ``[retrieval]``.
        open_reranker: opens the cross-encoder in a folder; needed where the settings name one.
        elsewhere: other processes that make what `search` asks for; None: all is made here.

    Attributes:
        limits: what may be found; see `limited`.
    """

    def __init__(
        self,
        catalog: Catalog,
        indexes: Indexes,
        embedder: Embedder,
        settings: Retrieval,
        open_reranker: Callable[[str], Reranker] | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._catalog = catalog
        self._indexes = indexes
        self._embedder = embedder
        self._settings = settings
        self._open_reranker = open_reranker
        self.limits = EVERYTHING
        at_once, most = (SERVED, 1) if indexes.served else (BATCHES, BATCH)
        self._shared = _Shared(Together(self._answered, at_once, most))
        if elsewhere is not None:
            self._shared.elsewhere = elsewhere, Together(elsewhere, elsewhere.count, BATCH)

    def limited(self, limits: Filter) -> Retriever:
        """One like this that finds only what passes; the store itself leaves out the rest."""
        if not limits:
            return self
        one = copy.copy(self)
        one.limits = limits
        return one

    def search(self, question: str, k: int | None = None) -> list[Passage]:
        """The ``k`` best passages, best first; fewer if the workspace holds fewer.

        Args:
            question: any text; only its beginning counts if it is very long.
            k: default ``[retrieval] k``.

        Raises:
            EmbeddingMismatch: the workspace was built with another embedding model.
        """
        k = self._settings.k if k is None else k
        if (elsewhere := self._shared.elsewhere) is not None and k > 0 and elsewhere[0].wanted():
            cleaned = _cleaned(question)
            return elsewhere[1](Wanted(cleaned, k, self.limits)) if cleaned else []
        return next(self.search_many([question], k))

    def warm(self) -> None:
        """Many searches are going to come: open what they need."""
        index = self._indexes.current(self._embedder.dimensions)
        if isinstance(index, Scanning):
            index.warm()

    def batch(self, wanted: Sequence[Wanted]) -> Iterator[list[Passage]]:
        """What each of a few finds that came at once, to whoever hands them here; see
        `Elsewhere`."""
        facts = self._catalog.facts("embedding", tuning.RECORD)
        self.check_embedding(facts)
        tuned, _ = self.tuned(facts)
        asked = [_Asked(self.limited(w.limits), w.question, w.k, False, tuned) for w in wanted]
        return (list(trace.passages) for trace in self._answered(asked))

    def search_many(
        self, questions: Sequence[str], k: int | None = None
    ) -> Iterator[list[Passage]]:
        """The passages for each of many questions, in their order; embedded many at once."""
        return (list(trace.passages) for trace in self._traces(questions, k, everything=False))

    def traces(self, questions: Sequence[str], k: int | None = None) -> Iterator[Trace]:
        """What each search did, for those who measure; its passages are those of `search`."""
        return self._traces(questions, k, everything=True)

    def _traces(
        self, questions: Sequence[str], k: int | None, *, everything: bool
    ) -> Iterator[Trace]:
        k = self._settings.k if k is None else k
        for start in range(0, len(questions), AT_ONCE):
            some = [_cleaned(question) for question in questions[start : start + AT_ONCE]]
            asked = [question for question in some if question]
            if k < 1 or not asked:
                yield from (Trace() for _ in some)
                continue
            facts = self._catalog.facts("embedding", tuning.RECORD)
            if "embedding" not in facts and not self._catalog.counts()[0]:
                yield from (Trace() for _ in some)  # only a sync makes an index
                continue
            self.check_embedding(facts)
            tuned, _ = self.tuned(facts)
            if len(asked) == len(some) == 1:
                yield self._shared.together(_Asked(self, asked[0], k, everything, tuned))
                continue
            vectors = iter(self._embedder.embed(asked))
            for question in some:
                if question:
                    one = _Asked(self, question, k, everything, tuned, next(vectors))
                    yield self._shared.together(one)
                else:
                    yield Trace()

    def _answered(self, asked: Sequence[_Asked]) -> Iterator[Trace]:
        """What each finds. What takes time whoever asks is done for all at once: their vectors, and
        the scan of the windows' vectors."""
        bare = [one.question for one in asked if one.vector is None]
        vectors = iter(self._embedder.embed(bare) if bare else ())
        known = [next(vectors) if one.vector is None else one.vector for one in asked]
        for one, plain, scanned in zip(asked, known, self._scanned(asked, known), strict=True):
            yield one.by._find(one, plain, scanned)

    def _scanned(self, asked: Sequence[_Asked], vectors: Sequence[np.ndarray]) -> list[_Scanned]:
        """What the search by vectors finds for several questions, where one scan can tell."""
        nothing: list[_Scanned] = [None] * len(asked)
        if len(asked) == 1 or self._settings.fusion == "words":
            return nothing
        wanted = [
            (one.turned(vector), self._candidates(one.k), one.by.limits)
            for one, vector in zip(asked, vectors, strict=True)
        ]
        try:
            index = self._indexes.current(self._embedder.dimensions)
            if not isinstance(index, Scanning):
                return nothing
            return [(index, hits) for hits in index.dense_each(wanted)]
        except (OSError, RuntimeError, ValueError):  # rebuilt meanwhile: `_find` looks again
            return nothing

    def _candidates(self, k: int) -> int:
        return max(self._settings.candidates, 2 * k)

    def where(self, **named: str) -> list[Passage]:
        """Every chunk at a named place, in reading order, without a search.

        Args:
            named: any of ``title``, ``section``, ``document`` (path under its source), ``page``;
                all must agree. Titles are compared without regard to case.

        This is how a citation label is turned back into passages.
        """
        found: list[Passage] = []
        for info in filter(self._may_find, self._catalog.documents()):
            if "title" in named and info.title.casefold() != named["title"].casefold():
                continue
            if "document" in named and info.path != named["document"]:
                continue
            for chunk in self._catalog.chunks(info.version):
                if "section" in named and chunk.section != named["section"]:
                    continue
                pages = {chunk.page, *(spot.page for spot in chunk.spots)}
                if "page" in named and named["page"] not in map(str, pages):
                    continue
                text = self._catalog.text(info.version, chunk.start, chunk.end)
                place = FoundChunk(info, chunk)
                found.append(as_passage(place, text, rank=len(found) + 1, window=0))
        return found

    def _may_find(self, document: DocumentInfo) -> bool:
        if not self.limits:
            return True
        sources = {source.id: source.path for source in self._catalog.sources()}
        return visible(self.limits, document, sources.get(document.source, ""))

    def tuned(self, facts: Mapping[str, str] | None = None) -> tuple[Tuned | None, str]:
        """The tuned retriever in use, or None and why the one that is kept here is not used.

        Looked up anew each time, unless ``facts`` tells: another process may have put one to use
        or removed it.
        """
        facts = self._catalog.facts(tuning.RECORD) if facts is None else facts
        text = facts.get(tuning.RECORD)
        if text is None:
            return None, ""
        loaded = self._shared.tuned
        if loaded is None or loaded[0] != text:
            loaded = self._shared.tuned = text, tuning.load(self._catalog, text)
        found = loaded[1]
        if found is None:
            return None, ""
        if not self._settings.tuned:
            return None, f"{found.name} is not used: the settings say tuned = false."
        if found.embedding != self._embedder.fingerprint:
            return None, (
                f"{found.name} is not used: it was fitted to the embedding model "
                f"{found.embedding}, this workspace uses {self._embedder.fingerprint}."
            )
        if self._settings.fusion != "learned":
            return None, (
                f'{found.name} is not used: it was fitted to fusion = "learned", the settings '
                f'say "{self._settings.fusion}".'
            )
        return found, ""

    def check_embedding(self, facts: Mapping[str, str] | None = None) -> None:
        """Refuse to search vectors of one model with those of another.

        Args:
            facts: of the catalog, if the caller has just read them.

        Raises:
            EmbeddingMismatch: the workspace was built with another embedding model.
        """
        facts = self._catalog.facts("embedding") if facts is None else facts
        built = facts.get("embedding")
        if built is not None and built != self._embedder.fingerprint:
            raise EmbeddingMismatch(
                f"This workspace was built with the embedding model {built}, the settings name "
                f"{self._embedder.fingerprint}.",
                "Set [embedding] model back, or run `groundtone sync --rebuild`.",
            )

    def _find(self, asked: _Asked, plain: np.ndarray, scanned: _Scanned) -> Trace:
        """Search, fuse and look up, again if what was found was replaced meanwhile.

        Args:
            plain: the question's vector.
            scanned: what the search by vectors has found already, and where.
        """
        question, k, tuned = asked.question, asked.k, asked.tuned
        candidates = self._candidates(k)
        vector = asked.turned(plain)
        trace = Trace()
        for attempt in range(TRIES):
            near = None
            if scanned and not attempt:  # who rebuilds it meanwhile replaces what was found there
                index, near = scanned
            else:
                index = self._indexes.current(self._embedder.dimensions)
            try:
                dense, lexical = self._both(index, question, vector, candidates, near)
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

    def _both(
        self,
        index: Index,
        question: str,
        vector: np.ndarray,
        candidates: int,
        dense: list[Hit] | None,
    ) -> tuple[list[Hit], list[Hit]]:
        """What each search finds, best first; both at once, unless others wait for the cores."""
        rule, together = self._settings.fusion, self._shared.together
        if rule == "words":
            return [], index.lexical(question, candidates, self.limits, vector)
        if dense is None and rule != "vectors" and not together.busy:
            words = self._shared.pool.submit(
                index.lexical, question, candidates, self.limits, vector
            )
            return index.dense(vector, candidates, self.limits), words.result()
        if dense is None:
            dense = index.dense(vector, candidates, self.limits)
        if rule == "vectors":
            return dense, []
        return dense, index.lexical(question, candidates, self.limits, vector)

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
        asked: _Asked,
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
        with self._shared.opening:
            if self._shared.reranker is None:
                self._shared.reranker = self._open_reranker(folder)
            return self._shared.reranker


@dataclass(slots=True)
class _Shared:
    """What a retriever and the limited ones made of it open once for all of them."""

    together: Together[_Asked, Trace]
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(SEARCHES, thread_name_prefix="search")
    )
    opening: Lock = field(default_factory=Lock)
    elsewhere: tuple[Elsewhere, Together[Wanted, list[Passage]]] | None = None
    tuned: tuple[str, Tuned | None] | None = None
    reranker: Reranker | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One search: by which retriever, and ``vector``, if the question was embedded already.

    ``everything``: the trace tells of all that was found, not only of what may be returned.
    """

    by: Retriever
    question: str
    k: int
    everything: bool
    tuned: Tuned | None
    vector: np.ndarray | None = None

    def turned(self, plain: np.ndarray) -> np.ndarray:
        """The vector to search with."""
        return plain if self.tuned is None else self.tuned.adapted(plain)


_Scanned = tuple[Index, list[Hit]] | None
"""What a search by vectors found, and in which index; None: it is yet to be made."""


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
    except (OSError, RuntimeError, ValueError):  # rebuilt meanwhile, as in `_find`
        return tuple(passages)
    return tuple(
        replace(passage, dense=float(vectors[id] @ plain)) if id in vectors else passage
        for id, passage in zip(ids, passages, strict=True)
    )


def _cleaned(question: str) -> str:
    """At most its beginning, without lone surrogates."""
    return question[:QUESTION_CHARACTERS].strip().encode("utf-8", "replace").decode("utf-8")
