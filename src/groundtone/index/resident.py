"""A table of windows in memory, where a process searches one large table often.

All vectors are scanned (the directions in which they differ most, in 8 bits; the best are
compared again in full, in 16), the words are looked up in postings. Kept are about 1,900 bytes a
window of 384 dimensions, in files that all processes map (`resident_files`) where they can be
written. When the table has changed, what is new is read; searches wait a moment for that, and are
made on disk if it takes longer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from groundtone.index.held import Held
from groundtone.index.memory import give_back
from groundtone.index.postings import MOST_ROWS, Vocabulary
from groundtone.index.resident_files import ResidentFiles, Writing
from groundtone.index.segment import Kinds, segment, vectors

if TYPE_CHECKING:
    import numpy as np

FIRST_SEARCHES = 3  # a command that asks once need not read everything
WAIT = 0.3  # seconds for what has changed to be read, before a search goes to disk
WARM = 10.0  # seconds for what is in files
LATER = 200  # searches, until a table of another size is looked at again
ROWS = (10_000, 220_000)  # fewer are quick anyway; more would take over 400 MB
PIECE = 2_048
SMALL_SEGMENTS = 6  # read together into one when there are more
DIRECTIONS = 160  # of the scan: .9999 of the hundred nearest are found (bench/directions.py)
SAMPLE = 2_048
CHANGED = 0.05  # of the rows: then the files are written anew


class Snapshot(Protocol):
    """A table as it is at one moment."""

    version: int

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of all rows, and in which version each was written last: uint64."""

    def read(self, numbers: Sequence[int]) -> Iterable[Any]:
        """``_rowid`` and `segment.COLUMNS` of these rows, as Arrow batches."""


class Resident:
    """The table in memory, once it is searched often; safe from many threads.

    Args:
        snapshot: gives the table as it is.
        fresh: whether a version of the table is still the last one.
        first_searches: how many may be asked for before the rows are read.
        rows: the fewest and the most rows that are kept.
        files: where other processes find what one has read; None: nowhere.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        fresh: Callable[[int], bool],
        *,
        first_searches: int = FIRST_SEARCHES,
        rows: tuple[int, int] = ROWS,
        files: ResidentFiles | None = None,
    ) -> None:
        self._snapshot, self._fresh, self._files = snapshot, fresh, files
        self._before, self._limits = first_searches, rows
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None
        self._writing: threading.Thread | None = None
        self._held: Held | None = None
        self._filed: Held | None = None

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

    def warm(self) -> None:
        """Many searches are going to come: read the table now. Waits for what is in files, which a
        moment is enough for; what has to be read is read in the background."""
        self._before = 0
        reading = self._begin()
        if self._files is not None and self._files.any():
            reading.join(WARM)

    def wait(self) -> None:
        """Until what was begun is done: a reading, and what it read written to files."""
        if (reading := self._reading) is not None:
            reading.join()
        if (writing := self._writing) is not None:
            writing.join()

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
                before = self._held or self._found(snapshot.version)
                if before is None:
                    held = self._first()
                else:
                    held = _held(snapshot, numbers, written, before)
                with self._lock:
                    self._held = held
                self._refile(numbers, written)
            else:
                self._held, self._before = None, LATER
                self._filed = None
                if self._files is not None:
                    self._files.clear()
            give_back()

    def _found(self, version: int) -> Held | None:
        """What is in files, by this process or by another."""
        self._filed = None if self._files is None else self._files.read(version)
        return self._filed

    def _first(self) -> Held:
        """All of it, read from the table; or what another process has read meanwhile."""
        if self._files is None:
            snapshot = self._snapshot()
            return Writing(None).finish(_held(snapshot, *snapshot.rows(), None))
        with self._files.alone() as alone:
            snapshot = self._snapshot()
            rows = snapshot.rows()
            before = self._found(snapshot.version)
            if before is not None:
                return _held(snapshot, *rows, before)
            count = len(rows[0])
            writing = self._files.writing(snapshot.version, count) if alone else Writing(None)
            try:
                held = writing.finish(_held(snapshot, *rows, None, writing))
            finally:
                writing.give_up()
            self._filed = held
            return held

    def _refile(self, numbers: np.ndarray, written: np.ndarray) -> None:
        """Have the table in files again, in the background, if much of it has changed since."""
        held, filed = self._held, self._filed
        if held is None or filed is None or held is filed:
            return
        unchanged = int((written <= filed.version).sum())
        changed = len(numbers) - unchanged + filed.count - unchanged
        if changed >= CHANGED * len(numbers) and not (self._writing and self._writing.is_alive()):
            self._writing = threading.Thread(target=self._file, args=[held], daemon=True)
            self._writing.start()

    def _file(self, held: Held) -> None:
        assert self._files is not None
        with suppress(OSError), self._files.alone() as alone:
            kept = self._files.read(held.version)
            if kept is None or kept.version != held.version:
                if not alone:
                    return
                kept = self._files.writing(held.version, held.count).finish(held)
            with self._lock:
                if self._held is held:
                    self._held = self._filed = kept
        give_back()


def _held(
    snapshot: Snapshot,
    numbers: np.ndarray,
    written: np.ndarray,
    before: Held | None,
    writing: Writing | None = None,
) -> Held:
    """The table, with what was kept before of what has not changed.

    Args:
        writing: writes what is read, segment by segment, so that memory need not hold it all.
    """
    import numpy as np

    if before is not None and before.version == snapshot.version:
        return before

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
        one = segment(batches, vocabulary, kinds, basis)
        segments.append(one if writing is None else writing.put(one))
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
    return widest(np.concatenate(read), DIRECTIONS)


def widest(rows: np.ndarray, count: int) -> np.ndarray:
    """The directions in which some vectors differ most: float32 [dimensions, at most ``count``]."""
    import numpy as np

    if rows.shape[1] <= count:
        return np.eye(rows.shape[1], dtype=np.float32)
    _, directions = np.linalg.eigh(rows.T @ rows)
    return np.ascontiguousarray(directions[:, -count:], np.float32)
