"""BM25 in memory, over some thousand windows: for each word where it stands, and how often.

Scores are those of the table on disk (k1 = 1.2, b = 0.75), so that a search is worth the same
whichever way it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundtone.index.words import LONGEST

if TYPE_CHECKING:
    import numpy as np

K1, B = 1.2, 0.75
MOST_ROWS = 1 << 14  # a row's number has 16 bits
MOST_TIMES = 255


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Of the words of some windows.

    Attributes:
        words: their numbers in the vocabulary, ascending.
        starts: where each word's rows begin; one more at the end.
        rows, times: where a word stands, and how often.
        lengths: words of each window.
    """

    words: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    times: np.ndarray
    lengths: np.ndarray

    def span(self, word: int) -> tuple[int, int]:
        """Where the rows of a word begin and end; empty if it stands nowhere."""
        at = int(self.words.searchsorted(word))
        if at == len(self.words) or self.words[at] != word:
            return 0, 0
        return int(self.starts[at]), int(self.starts[at + 1])

    def add_scores(
        self, weights: Mapping[int, float], mean_length: float, scores: np.ndarray
    ) -> None:
        """Add BM25 scores to those of the windows.

        Args:
            weights: how much each word of the question tells, by its number.
            mean_length: words of a window, in the mean of all that are searched.
            scores: float32, one a window; changed.
        """
        import numpy as np

        long = np.float32(K1) * (1 - B + B * self.lengths / np.float32(mean_length))
        for word, weight in weights.items():
            start, end = self.span(word)
            if start == end:
                continue
            rows = self.rows[start:end]
            times = self.times[start:end].astype(np.float32)
            times /= times + long[rows]
            times *= np.float32(weight * (K1 + 1))
            scores[rows] += times

    def without(self, alive: np.ndarray) -> Postings:
        """Only those of the windows that are alive (bool, one a window)."""
        import numpy as np

        kept = alive[self.rows]
        before = np.concatenate([[0], np.cumsum(kept, dtype=np.int32)])
        lengths = np.where(alive, self.lengths, 0).astype(np.float32)
        rows, times = self.rows[kept], self.times[kept]
        return replace(self, starts=before[self.starts], rows=rows, times=times, lengths=lengths)


class Vocabulary:
    """Numbers of words. One thread at a time may add to it, while others look up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, word: str) -> int | None:
        """None: no window holds the word."""
        return self._numbers.get(word)

    def postings(self, texts: Iterable[Any]) -> Postings:
        """Of windows as `words.indexed` gives them, in Arrow arrays; at most `MOST_ROWS`."""
        import numpy as np
        import pyarrow.compute as pc

        found, lengths, done = [], [], 0
        for some in texts:
            lists = pc.ascii_split_whitespace(some)
            coded = lists.flatten().dictionary_encode()
            numbers = self._numbers_of(coded.dictionary.to_pylist())[coded.indices.to_numpy()]
            counts = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
            rows = np.repeat(np.arange(done, done + len(some)), counts)
            rows, numbers = rows[numbers >= 0], numbers[numbers >= 0]
            lengths.append(np.bincount(rows - done, minlength=len(some)))
            keys, times = np.unique(numbers << 16 | rows, return_counts=True)
            found.append(keys << 8 | np.minimum(times, MOST_TIMES))
            done += len(some)
        keys = np.concatenate(found)
        keys.sort()
        numbers = (keys >> 24).astype(np.int32)
        words, starts = np.unique(numbers, return_index=True)
        return Postings(
            words=words,
            starts=np.append(starts, len(keys)).astype(np.int32),
            rows=(keys >> 8).astype(np.uint16),  # the word's number is cut off
            times=keys.astype(np.uint8),
            lengths=np.concatenate(lengths).astype(np.float32),
        )

    def _numbers_of(self, words: list[str]) -> np.ndarray:
        """-1 for what is no word."""
        import numpy as np

        known = self._numbers
        return np.array(
            [known.setdefault(w, len(known)) if 0 < len(w) <= LONGEST else -1 for w in words],
            np.int64,
        )
