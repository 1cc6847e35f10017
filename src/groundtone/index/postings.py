"""BM25 in memory, over some thousand windows: for each word where it stands, and what that counts.

Scores are those of the table on disk (k1 = 1.2, b = 0.75), so that a search is worth the same
whichever way it is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from groundtone.index.words import LONGEST

if TYPE_CHECKING:
    import numpy as np

K1, B = 1.2, 0.75
MOST_ROWS = 1 << 16  # a row's number has 16 bits
MOST_TIMES = 255
CLOSE = 0.005  # a mean length that moved by less does not change what is found


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Of the words of some windows.

    Attributes:
        words: their numbers in the vocabulary, ascending.
        starts: where each word's rows begin; one more at the end.
        rows, times: where a word stands, and how often.
        lengths: words of each window.
        impacts: what a word's standing there counts for, before the word's own weight (`weighed`).
        mean_length: that they were reckoned with.
    """

    words: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    times: np.ndarray
    lengths: np.ndarray
    impacts: np.ndarray
    mean_length: float = 0.0

    def spans(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the rows of each word begin and end; empty for one that stands nowhere.

        Args:
            words: numbers of words.
        """
        import numpy as np

        at = np.minimum(self.words.searchsorted(words), max(0, len(self.words) - 1))
        if not len(self.words):
            return at, at
        begins = self.starts[at]
        return begins, np.where(self.words[at] == words, self.starts[at + 1], begins)

    def weighed(self, mean_length: float) -> Postings:
        """The same, with impacts for windows that are so many words long in the mean.

        They are kept, for to reckon them in each search would take most of its time.
        """
        import numpy as np

        if abs(mean_length - self.mean_length) <= CLOSE * mean_length:
            return self
        long = np.float32(K1) * (1 - B + B * self.lengths / np.float32(mean_length))
        impacts = self.times.astype(np.float32)
        impacts /= impacts + long[self.rows]
        impacts *= np.float32(K1 + 1)
        return replace(self, impacts=impacts, mean_length=mean_length)

    def add_scores(
        self, spans: tuple[np.ndarray, np.ndarray], weights: np.ndarray, scores: np.ndarray
    ) -> None:
        """Add BM25 scores to those of the windows.

        Args:
            spans: of the words of the question.
            weights: how much each of them tells.
            scores: float32, one a window; changed.
        """
        import numpy as np

        for start, end, weight in zip(*spans, weights.astype(np.float32), strict=True):
            if start < end:
                np.add.at(scores, self.rows[start:end], self.impacts[start:end] * weight)

    def without(self, alive: np.ndarray) -> Postings:
        """Only those of the windows that are alive (bool, one a window)."""
        import numpy as np

        kept = alive[self.rows]
        before = np.concatenate([[0], np.cumsum(kept, dtype=np.int32)])
        lengths = np.where(alive, self.lengths, 0).astype(np.float32)
        return replace(
            self,
            starts=before[self.starts],
            rows=self.rows[kept],
            times=self.times[kept],
            impacts=self.impacts[kept],
            lengths=lengths,
        )


class Vocabulary:
    """Numbers of words. One thread at a time may add to it, while others look up.

    Args:
        words: known already, by number.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._numbers = {word: number for number, word in enumerate(words)}

    def words(self) -> list[str]:
        """All, by number."""
        return list(self._numbers)

    def number(self, word: str) -> int | None:
        """None: no window holds the word."""
        return self._numbers.get(word)

    def postings(self, texts: Iterable[Any]) -> Postings:
        """Of windows as `words.indexed` gives them, in Arrow arrays; at most `MOST_ROWS`. They are
        yet to be `weighed`."""
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
            impacts=np.zeros(len(keys), np.float32),
        )

    def _numbers_of(self, words: list[str]) -> np.ndarray:
        """-1 for what is no word."""
        import numpy as np

        known = self._numbers
        return np.array(
            [known.setdefault(w, len(known)) if 0 < len(w) <= LONGEST else -1 for w in words],
            np.int64,
        )
