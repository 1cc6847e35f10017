"""What a search needs of each window in memory, where a process searches one large table often.

A search itself tells row numbers and scores in a few milliseconds; to bring ids, stems and vectors
of a hundred rows along from disk takes it longer than that. Kept are about 1,700 bytes a window of
384 dimensions. A search that meets a row that is not kept (another process has synced) is made the
slow way, and the rows are read again meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundtone.index.memory import give_back

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("id", "text", "vector")
FIRST_SEARCHES = 20  # a command that asks once need not read everything
ROWS = (10_000, 220_000)  # fewer are quick anyway; more would take over 400 MB
STEPS = 32_767  # of a 16-bit number


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Some rows, in the order in which they were asked for.

    Attributes:
        vectors: float32 [rows, dimensions], right to the fifth digit or better.
    """

    ids: list[str]
    texts: list[str]
    vectors: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """All rows as they were read. ``numbers`` are in order, ``places`` tell where each row is, and
    ``pieces`` where each piece of ``ids`` and ``texts`` begins. ``steps`` and ``scales`` make a
    vector."""

    numbers: np.ndarray
    places: np.ndarray
    pieces: np.ndarray
    ids: list[Any]
    texts: list[Any]
    steps: np.ndarray
    scales: np.ndarray


class Rows:
    """Rows by their numbers; safe from many threads.

    A row's id, text and vector never change in a table that a sync writes: an id names the content.

    Args:
        read: gives ``_rowid`` and `COLUMNS` of all rows as Arrow batches.
        count: how many rows there are.
        first_searches: how many may be asked for before the rows are read.
        rows: the fewest and the most rows that are kept.
    """

    def __init__(
        self,
        read: Callable[[], Iterable[Any]],
        count: Callable[[], int],
        *,
        first_searches: int = FIRST_SEARCHES,
        rows: tuple[int, int] = ROWS,
    ) -> None:
        self._read, self._count = read, count
        self._before, self._limits = first_searches, rows
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None
        self._kept: _Kept | None = None

    @property
    def ready(self) -> bool:
        """Whether rows are kept. Asking counts as a search: in time they are read."""
        if self._kept is None:
            self._before -= 1
            if self._before < 0:
                self._begin()
        return self._kept is not None

    def find(self, numbers: Sequence[int]) -> Found | None:
        """These rows; None if one of them is not kept."""
        import numpy as np

        kept = self._kept
        if kept is None:
            return None
        wanted = np.asarray(numbers, np.uint64)
        at = np.minimum(np.searchsorted(kept.numbers, wanted), len(kept.numbers) - 1)
        if (kept.numbers[at] != wanted).any():
            self._begin()
            return None
        at = kept.places[at]
        piece = np.searchsorted(kept.pieces, at, side="right") - 1
        inside = list(zip(piece.tolist(), (at - kept.pieces[piece]).tolist(), strict=True))
        return Found(
            [kept.ids[one][row].as_py() for one, row in inside],
            [kept.texts[one][row].as_py() for one, row in inside],
            kept.steps[at] * kept.scales[at, None],
        )

    def forget(self) -> None:
        """Keep nothing: a row has other content."""
        self._kept = None

    def wait(self) -> None:
        """Until a reading that has begun is done."""
        reading = self._reading
        if reading is not None:
            reading.join()

    def _begin(self) -> None:
        with self._lock:
            if self._reading is None or not self._reading.is_alive():
                self._reading = threading.Thread(target=self._load, name="rows", daemon=True)
                self._reading.start()

    def _load(self) -> None:
        with suppress(OSError, RuntimeError, ValueError, AttributeError):  # closed or rebuilt
            count = self._count()
            self._kept = None  # or both would be in memory
            if max(1, self._limits[0]) <= count <= self._limits[1]:
                self._kept = _kept(self._read(), count)
                give_back()
            else:
                self._before = 10 * FIRST_SEARCHES  # asked again later: it may have grown


def _kept(batches: Iterable[Any], count: int) -> _Kept:
    import numpy as np

    numbers, pieces, ids, texts = [], [], [], []
    scales, steps, done = np.empty(count, np.float32), np.empty((0, 0), np.int16), 0
    for batch in batches:
        batch = batch.slice(0, count - done)  # what was added meanwhile is not kept
        if not len(batch):
            continue
        flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
        vectors = flat.reshape(len(batch), -1)
        if not done:
            steps = np.empty((count, vectors.shape[1]), np.int16)
        here = slice(done, done + len(batch))
        scales[here] = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / STEPS
        steps[here] = np.rint(vectors / scales[here, None])
        numbers.append(batch.column("_rowid").to_numpy().copy())
        # Copied: a column that came from Lance keeps all columns of its batch in memory.
        every = np.arange(len(batch))
        ids.append(batch.column("id").take(every))
        texts.append(batch.column("text").take(every))
        pieces.append(done)
        done += len(batch)
    ordered = np.concatenate(numbers)
    places = np.argsort(ordered)
    return _Kept(ordered[places], places, np.array(pieces), ids, texts, steps, scales)
