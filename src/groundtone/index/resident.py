"""A table of windows in memory, where a process searches one large table often.

All vectors are scanned (the half of their directions that tells most, in 8 bits; the best are
compared again in full, in 16), the words are looked up in postings. Kept are about 1,900 bytes a
window of 384 dimensions. When the table has changed, what is new is read; searches wait a moment
for that, and are made on disk if it takes longer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from groundtone.index import Nearest
from groundtone.index.filters import Filter
from groundtone.index.memory import give_back
from groundtone.index.postings import MOST_ROWS, Vocabulary
from groundtone.index.product import in_steps
from groundtone.index.segment import Kinds, Segment, segment, strings, vectors

if TYPE_CHECKING:
    import numpy as np

FIRST_SEARCHES = 3  # a command that asks once need not read everything
WAIT = 0.3  # seconds for what has changed to be read, before a search goes to disk
LATER = 200  # searches, until a table of another size is looked at again
ROWS = (10_000, 220_000)  # fewer are quick anyway; more would take over 400 MB
PIECE = 2_048
SMALL_SEGMENTS = 6  # read together into one when there are more
REFINE = 8  # so many times as many as are wanted are compared in full,
REFINED = 800  # and at least so many
DIRECTIONS = (
    192  # of the scan; with them .9995 of the hundred nearest are found (docs/retrieval.md)
)
SAMPLE = 2_048
ROWS_A_COLUMN = 64  # of scores, where the best of many are looked for


class Snapshot(Protocol):
    """A table as it is at one moment."""

    version: int

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of all rows, and in which version each was written last: uint64."""

    def read(self, numbers: Sequence[int]) -> Iterable[Any]:
        """``_rowid`` and `segment.COLUMNS` of these rows, as Arrow batches."""


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
        self, words: Sequence[str], k: int, where: Filter, near: np.ndarray | None
    ) -> Found:
        """The best windows by BM25."""
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
            cosines = self._cosines(first, near).tolist()
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


class Resident:
    """The table in memory, once it is searched often; safe from many threads.

    Args:
        snapshot: gives the table as it is.
        fresh: whether a version of the table is still the last one.
        first_searches: how many may be asked for before the rows are read.
        rows: the fewest and the most rows that are kept.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        fresh: Callable[[int], bool],
        *,
        first_searches: int = FIRST_SEARCHES,
        rows: tuple[int, int] = ROWS,
    ) -> None:
        self._snapshot, self._fresh = snapshot, fresh
        self._before, self._limits = first_searches, rows
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None
        self._held: Held | None = None

    def held(self) -> Held | None:
        """The table, if all of it is kept. Asking counts as a search: in time it is read."""
        held = self._held
        if held is not None and self._fresh(held.version):
            return held
        self._before -= 1
        if held is None and self._before >= 0:
            return None
        reading = self._begin()
        if held is None:
            return None
        reading.join(WAIT)
        held = self._held
        return held if held is not None and self._fresh(held.version) else None

    def wait(self) -> None:
        """Until a reading that has begun is done."""
        reading = self._reading
        if reading is not None:
            reading.join()

    def _begin(self) -> threading.Thread:
        with self._lock:
            if self._reading is None or not self._reading.is_alive():
                self._reading = threading.Thread(target=self._load, name="rows", daemon=True)
                self._reading.start()
            return self._reading

    def _load(self) -> None:
        with suppress(OSError, RuntimeError, ValueError, AttributeError):  # closed or rebuilt
            snapshot = self._snapshot()
            numbers, written = snapshot.rows()
            if max(1, self._limits[0]) <= len(numbers) <= self._limits[1]:
                self._held = _held(snapshot, numbers, written, self._held)
            else:
                self._held, self._before = None, LATER
            give_back()


def _held(
    snapshot: Snapshot, numbers: np.ndarray, written: np.ndarray, before: Held | None
) -> Held:
    """The table, with what was kept before of what has not changed."""
    import numpy as np

    vocabulary = before.vocabulary if before else Vocabulary()
    kinds = before.kinds if before else Kinds()
    unchanged = numbers[written <= before.version] if before else numbers[:0]
    segments = [
        one.only(alive)
        for one in (before.segments if before else ())
        if (alive := one.alive & np.isin(one.numbers, unchanged)).any()
    ]
    small = [one for one in segments if 2 * one.living < MOST_ROWS]
    if len(small) > SMALL_SEGMENTS:
        segments = [one for one in segments if 2 * one.living >= MOST_ROWS]
    kept = [one.numbers[one.alive] for one in segments]
    missing = numbers[~np.isin(numbers, np.concatenate(kept))] if kept else numbers
    basis = before.basis if before else _basis(snapshot, numbers)
    for start in range(0, len(missing), MOST_ROWS):
        some = missing[start : start + MOST_ROWS].tolist()
        pieces = (some[at : at + PIECE] for at in range(0, len(some), PIECE))
        batches = (batch for piece in pieces for batch in snapshot.read(piece) if len(batch))
        segments.append(segment(batches, vocabulary, kinds, basis))
        give_back()
    words = sum(float(one.postings.lengths.sum()) for one in segments)
    mean_length = max(1.0, words / len(numbers))
    segments = [replace(one, postings=one.postings.weighed(mean_length)) for one in segments]
    return Held(
        version=snapshot.version,
        segments=tuple(segments),
        vocabulary=vocabulary,
        kinds=kinds,
        count=len(numbers),
        basis=basis,
    )


def _basis(snapshot: Snapshot, numbers: np.ndarray) -> np.ndarray:
    """The directions in which the vectors of some rows differ most: [dimensions, `DIRECTIONS`]."""
    import numpy as np

    some = numbers[:: max(1, len(numbers) // SAMPLE)].tolist()
    read = [vectors(batch) for batch in snapshot.read(some) if len(batch)]
    rows = np.concatenate(read)
    if rows.shape[1] <= DIRECTIONS:
        return np.eye(rows.shape[1], dtype=np.float32)
    _, directions = np.linalg.eigh(rows.T @ rows)
    return np.ascontiguousarray(directions[:, -DIRECTIONS:], np.float32)


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
