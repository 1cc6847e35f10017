"""All windows of one version of a table in memory: searched by vectors and by words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundtone.index import Nearest
from groundtone.index.filters import Filter
from groundtone.index.postings import Vocabulary
from groundtone.index.product import in_steps
from groundtone.index.segment import Kinds, Segment, strings

if TYPE_CHECKING:
    import numpy as np

REFINE = 8  # so many times as many as are wanted are compared in full,
REFINED = 800  # and at least so many
ROWS_A_COLUMN = 64  # of scores, where the best of many are looked for


@dataclass(frozen=True, slots=True)
class Found:
    """Windows found, in no order.

    Attributes:
        texts: as `words.indexed` gives them.
        cosines: with the question's vector, where there is one.
    """

    ids: list[str]
    texts: list[str]
    scores: list[float]
    cosines: Sequence[float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """All windows of one version of the table."""

    version: int
    segments: tuple[Segment, ...]
    vocabulary: Vocabulary
    kinds: Kinds
    count: int
    basis: np.ndarray

    def dense(self, asked: Sequence[Nearest]) -> list[Found]:
        """The nearest windows by cosine, for each of a few questions: reading the rows is what
        takes time, and all are compared with what was read."""
        import numpy as np

        # One by one, or the sums would depend on what is asked beside.
        steps = in_steps(np.stack([vector @ self.basis for vector, _, _ in asked]))
        parts = [one.product(steps) for one in self.segments]
        scores = (np.concatenate([part[number] for part in parts]) for number in range(len(asked)))
        return [self._nearest(*one, some) for one, some in zip(asked, scores, strict=True)]

    def _nearest(self, vector: np.ndarray, k: int, where: Filter, scores: np.ndarray) -> Found:
        import numpy as np

        for one, here in self._parts():
            if where or not one.whole:
                np.copyto(scores[here], -np.inf, where=~self._passing(one, where))
        first = _best(scores, max(REFINED, REFINE * k), -np.inf)
        cosines = self._cosines(first, vector)
        kept = _best(cosines, k, -np.inf)
        return self._found(first[kept], cosines[kept].tolist(), cosines[kept].tolist())

    def lexical(
        self,
        words: Sequence[str],
        k: int,
        where: Filter,
        near: Callable[[], np.ndarray] | None,
    ) -> Found:
        """The best windows by BM25. ``near`` gives the question's vector once they are found."""
        import numpy as np

        scores = np.zeros(sum(map(len, self.segments)), np.float32)
        asked = filter(None.__ne__, map(self.vocabulary.number, words))
        numbers = np.fromiter(asked, np.int64)
        spans = [one.postings.spans(numbers) for one in self.segments]
        weights = self._weights(spans)
        for (one, here), some in zip(self._parts(), spans, strict=True):
            one.postings.add_scores(some, weights, scores[here])
            if where:
                np.copyto(scores[here], 0, where=~self._passing(one, where))
        first = _best(scores, k, 0)
        cosines: Sequence[float | None] = [None] * len(first)
        if near is not None:
            cosines = self._cosines(first, near()).tolist()
        return self._found(first, scores[first].tolist(), cosines)

    def _weights(self, spans: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """How much each word tells: the rarer the more (Robertson's weights, never below 0)."""
        import numpy as np

        held = sum((ends - begins for begins, ends in spans), np.zeros(1, np.int64))
        weights: np.ndarray = np.log1p((self.count - held + 0.5) / (held + 0.5))
        return weights

    def _parts(self) -> Iterator[tuple[Segment, slice]]:
        done = 0
        for one in self.segments:
            yield one, slice(done, done + len(one))
            done += len(one)

    def _passing(self, one: Segment, where: Filter) -> np.ndarray:
        if not where:
            return one.alive
        passing: np.ndarray = one.alive & self.kinds.passing(where)[one.kinds]
        return passing

    def _inside(self, places: np.ndarray) -> Iterator[tuple[Segment, np.ndarray, np.ndarray]]:
        """The segments of these places: which of the places are there, and where inside."""
        import numpy as np

        for one, here in self._parts():
            at = np.flatnonzero((places >= here.start) & (places < here.stop))
            if len(at):
                yield one, at, places[at] - here.start

    def _cosines(self, places: np.ndarray, vector: np.ndarray) -> np.ndarray:
        import numpy as np

        cosines = np.empty(len(places), np.float32)
        for one, at, inside in self._inside(places):
            cosines[at] = one.cosines(inside, vector)
        return cosines

    def _found(
        self, places: np.ndarray, scores: list[float], cosines: Sequence[float | None]
    ) -> Found:
        ids, texts = [""] * len(places), [""] * len(places)
        for one, at, inside in self._inside(places):
            told = zip(strings(one.ids, inside), strings(one.texts, inside), strict=True)
            for place, (id, text) in zip(at.tolist(), told, strict=True):
                ids[place], texts[place] = id, text
        return Found(ids, texts, scores, cosines)


def _best(scores: np.ndarray, k: int, above: float) -> np.ndarray:
    """Places of the ``k`` highest scores above a limit, ascending; of equal ones the first."""
    import numpy as np

    if k < 1:
        return np.empty(0, np.int64)
    columns = len(scores) // ROWS_A_COLUMN
    least = above
    if k < columns:  # as many scores as there are columns are no less than their columns' highest
        highest = scores[: columns * ROWS_A_COLUMN].reshape(-1, columns).max(axis=0)
        least = np.partition(highest, columns - k)[columns - k]
    places = np.flatnonzero(scores >= least if least > above else scores > above)
    if k < len(places):
        found = scores[places]
        limit = np.partition(found, len(found) - k)[len(found) - k]
        surely, equal = places[found > limit], places[found == limit]
        places = np.sort(np.append(surely, equal[: k - len(surely)]))
    return places
