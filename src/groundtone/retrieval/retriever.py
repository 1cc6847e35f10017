"""A question to passages: vectors and words searched, fused, and looked up in the catalog."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundtone.catalog import Catalog, DocumentInfo, FoundChunk
from groundtone.embedding import Embedder
from groundtone.errors import EmbeddingMismatch
from groundtone.index import Scanning
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.generations import Indexes
from groundtone.retrieval import tuned as tuning
from groundtone.retrieval.elsewhere import Elsewhere, Wanted
from groundtone.retrieval.finding import Asked, Finder
from groundtone.retrieval.passage import Passage
from groundtone.retrieval.together import Together
from groundtone.retrieval.tracing import Trace, as_passage
from groundtone.retrieval.tuned import Tuned
from groundtone.retrieval.visibility import visible
from groundtone.settings import Retrieval

if TYPE_CHECKING:
    from groundtone.reranking.contract import Reranker

QUESTION_CHARACTERS = 4_000  # far more than the embedder sees; a pasted log is not tokenised whole
AT_ONCE = 64  # questions embedded in one batch
BATCHES = 2  # at work at a time: one is with Python while the other is with the vectors
BATCH = 8  # questions in one: more would hardly be quicker, and each has a score for every window
ELSEWHERE = 4  # in one for another process: who comes waits for fewer, and all wait alike
SERVED = 32  # questions at a time where a server searches, each alone


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
        self._finder = Finder(catalog, indexes, embedder, settings, open_reranker)
        self.limits = EVERYTHING
        at_once, most = (SERVED, 1) if indexes.served else (BATCHES, BATCH)
        self._shared = _Shared(Together(self._answered, at_once, most))
        if elsewhere is not None:
            self._shared.elsewhere = elsewhere, Together(elsewhere, elsewhere.count, ELSEWHERE)

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
        asked = [Asked(w.question, w.k, w.limits, False, tuned) for w in wanted]
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
                yield self._shared.together(Asked(asked[0], k, self.limits, everything, tuned))
                continue
            vectors = iter(self._embedder.embed(asked))
            for question in some:
                if question:
                    one = Asked(question, k, self.limits, everything, tuned, next(vectors))
                    yield self._shared.together(one)
                else:
                    yield Trace()

    def _answered(self, asked: Sequence[Asked]) -> Iterator[Trace]:
        """What each finds."""
        known = self._finder.ahead(asked, alone=not self._shared.together.busy)
        for one, ahead in zip(asked, known, strict=True):
            yield self._finder.find(one, ahead, alone=not self._shared.together.busy)

    def where(self, **named: str) -> list[Passage]:
        """Every chunk at a named place, in reading order, without a search.

        Args:
            named: any of ``title``, ``section``, ``document`` (path under its source), ``page``;
                all must agree. Titles are compared without regard to case.

        This is how a citation label is turned back into passages.
        """
        found: list[Passage] = []
        of_name = self._catalog.named(title=named.get("title"), path=named.get("document"))
        for info in filter(self._may_find, of_name):
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


@dataclass(slots=True)
class _Shared:
    """What a retriever and the limited ones made of it have one of for all of them."""

    together: Together[Asked, Trace]
    elsewhere: tuple[Elsewhere, Together[Wanted, list[Passage]]] | None = None
    tuned: tuple[str, Tuned | None] | None = None


def _cleaned(question: str) -> str:
    """At most its beginning, without lone surrogates."""
    return question[:QUESTION_CHARACTERS].strip().encode("utf-8", "replace").decode("utf-8")
