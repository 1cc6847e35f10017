"""Some thousand windows in memory, complete: what a search compares and what it tells."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundtone.index.filters import Filter
from groundtone.index.postings import Postings, Vocabulary
from groundtone.index.product import Product

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("id", "text", "labels", "modified", "vector")
STEPS = 32_767  # of a 16-bit number
FILTERS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Windows, each at a place of its own.

    Attributes:
        numbers: row ids of the table, uint64.
        alive, living: which of them are still in it, and how many.
        ids, texts: Arrow arrays of strings.
        kinds: the kind of each, see `Kinds`.
        steps, scales: vectors in 16 bits, right to the fifth digit.
        product: the same along the directions of the scan, in 8 bits.
        postings: of the windows that are alive.
    """

    numbers: np.ndarray
    alive: np.ndarray
    living: int
    ids: Any
    texts: Any
    kinds: np.ndarray
    steps: np.ndarray
    scales: np.ndarray
    product: Product
    postings: Postings

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def whole(self) -> bool:
        """Whether all of them are alive."""
        return len(self) == self.living

    def only(self, alive: np.ndarray) -> Segment:
        """The same segment with these windows alive."""
        if (alive == self.alive).all():
            return self
        postings = self.postings.without(alive)
        return replace(self, alive=alive, living=int(alive.sum()), postings=postings)

    def cosines(self, places: np.ndarray, vector: np.ndarray) -> np.ndarray:
        """Of these windows with a vector of length 1."""
        cosines: np.ndarray = (self.steps[places] @ vector) * self.scales[places]
        return cosines


class Kinds:
    """What filters ask for, each different set of it once: labels and the time of the last change.

    One thread at a time may add to it, while others compare.

    Args:
        kinds: known already, by number.
    """

    def __init__(self, kinds: Iterable[tuple[tuple[str, ...], int]] = ()) -> None:
        self._kinds = list(kinds)
        self._numbers = {kind: number for number, kind in enumerate(self._kinds)}
        self._passing: dict[Filter, np.ndarray] = {}

    def all(self) -> list[tuple[tuple[str, ...], int]]:
        """Labels and time of each, by number."""
        return list(self._kinds)

    def of(self, labels: Any, modified: Any) -> np.ndarray:
        """The numbers of the kinds of some windows.

        Args:
            labels: an Arrow array of lists of strings.
            modified: an Arrow array of numbers.
        """
        import numpy as np
        import pyarrow.compute as pc

        # Windows of a document are alike: a list is made into Python's only once for all of them.
        joined = pc.fill_null(pc.binary_join(labels, "\0"), "").dictionary_encode().indices
        held = pc.fill_null(pc.list_value_length(labels), 0)
        times = pc.fill_null(modified, 0)
        found: dict[tuple[int, int, int], int] = {}
        numbers = np.empty(len(labels), np.int32)
        told = zip(joined.to_pylist(), held.to_pylist(), times.to_pylist(), strict=True)
        for at, alike in enumerate(told):
            number = found.get(alike)
            if number is None:
                some = tuple(sys.intern(label) for label in labels[at].as_py() or ())
                number = found[alike] = self._number(some, alike[2])
            numbers[at] = number
        return numbers

    def passing(self, where: Filter) -> np.ndarray:
        """Whether windows of each kind pass: bool, one a kind."""
        import numpy as np

        known = self._passing.get(where)
        have = 0 if known is None else len(known)
        if known is None or have < len(self._kinds):
            new = [where.allows(*kind) for kind in self._kinds[have:]]
            known = np.concatenate([known[:have] if known is not None else [], new]).astype(bool)
            if len(self._passing) >= FILTERS:
                self._passing = {}
            self._passing[where] = known
        return known

    def _number(self, labels: tuple[str, ...], modified: int) -> int:
        kind = (labels, modified)
        number = self._numbers.get(kind)
        if number is None:
            self._kinds.append(kind)
            number = self._numbers[kind] = len(self._kinds) - 1
        return number


def segment(
    batches: Iterable[Any], vocabulary: Vocabulary, kinds: Kinds, basis: np.ndarray
) -> Segment:
    """Read windows into memory.

    Args:
        batches: ``_rowid`` and `COLUMNS`; not empty, at most `postings.MOST_ROWS` rows in all.
        basis: the directions of the scan, [dimensions, directions].
    """
    import numpy as np
    import pyarrow as pa

    numbers, ids, texts, kind, steps, scales = [], [], [], [], [], []
    scanned = []
    for batch in batches:
        rows = vectors(batch)
        scale = np.maximum(np.abs(rows).max(axis=1), 1e-12) / np.float32(STEPS)
        scales.append(scale)
        steps.append(np.rint(rows / scale[:, None]).astype(np.int16))
        scanned.append(rows @ basis)
        numbers.append(batch.column("_rowid").to_numpy().astype(np.uint64))
        kind.append(kinds.of(batch.column("labels"), batch.column("modified")))
        # Copied: a column that came from Lance keeps all columns of its batch in memory.
        every = np.arange(len(batch))
        ids.append(batch.column("id").take(every))
        texts.append(batch.column("text").take(every))
    product = Product.of(np.concatenate(scanned))
    scanned.clear()
    postings = vocabulary.postings(texts)
    count = sum(map(len, numbers))
    return Segment(
        numbers=np.concatenate(numbers),
        alive=np.ones(count, bool),
        living=count,
        ids=pa.concat_arrays(ids),
        texts=pa.concat_arrays(texts),
        kinds=np.concatenate(kind),
        steps=np.concatenate(steps),
        scales=np.concatenate(scales),
        product=product,
        postings=postings,
    )


def vectors(batch: Any) -> np.ndarray:
    """The vectors of an Arrow batch: float32 [rows, dimensions]."""
    flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
    rows: np.ndarray = flat.reshape(len(batch), -1)
    return rows


def strings(column: Any, places: np.ndarray) -> list[str]:
    """The texts at these places of an Arrow array."""
    found: list[str] = column.take(places).to_pylist()
    return found
