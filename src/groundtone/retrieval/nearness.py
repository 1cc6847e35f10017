"""Which words of a question stand together in passages.

All windows that a search found are looked at in one go, as bytes: word by word in Python it was a
fifth of a search's time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from groundtone.index.words import telling

if TYPE_CHECKING:
    import numpy as np

NEAR = 8  # words
LONG = 6  # words that tell something: in longer questions each pair says less
_KEY = 8  # bytes of a word that are compared at once


class Pairs:
    """The neighbouring words of a question, to be looked up in windows."""

    def __init__(self, question: str) -> None:
        said = telling(question)
        told = [word for word in said if word]
        self._numbers = {word: number for number, word in enumerate(dict.fromkeys(told))}
        self._neighbours = self._numbered(itertools.pairwise(told))
        self._side_by_side = self._numbered(
            (one, two) for one, two in itertools.pairwise(said) if one and two and one != two
        )
        self._share = min(1.0, LONG / max(1, len(self._numbers)))

    def __bool__(self) -> bool:
        return bool(self._neighbours)

    def within(self, passages: Sequence[Sequence[str]]) -> list[tuple[float, float]]:
        """For each passage the share of the pairs that stand side by side, and of those that stand
        near, in any order.

        Args:
            passages: the windows of each, as `words.indexed` gives them.
        """
        import numpy as np

        count = len(self._numbers)
        beside, near = np.zeros((2, len(passages), count, count), bool)
        passage, place, word = self._found(passages)
        pair = (passage * count + word) * count  # of the first word, and of none yet
        place = np.append(place, np.full(NEAR, place[-1:].sum() + 2 * NEAR))  # nothing is near
        first = np.arange(len(word))
        for ahead in range(1, NEAR + 1):
            apart = place[first + ahead] - place[first]
            first, apart = first[apart <= NEAR], apart[apart <= NEAR]
            if not len(first):
                break
            both = pair[first] + word[first + ahead]
            near.reshape(-1)[both] = True
            if ahead == 1:
                beside.reshape(-1)[both[apart == 1]] = True
        near |= near.transpose(0, 2, 1)
        phrases = _counted(beside, self._side_by_side)
        close = _counted(near, self._neighbours)
        return [
            (
                some / max(1, len(self._side_by_side)),
                self._share * many / max(1, len(self._neighbours)),
            )
            for some, many in zip(phrases, close, strict=True)
        ]

    def _found(
        self, passages: Sequence[Sequence[str]]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The question's words in the windows: of which passage, at which place, which word.

        Places of different windows are further apart than `NEAR`.
        """
        import numpy as np

        plain = [window.partition("\n")[0] for windows in passages for window in windows]
        text = "".join(f"{window}\n" for window in plain).encode()
        characters = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(characters <= ord(" "))
        begins = np.append(0, ends[:-1] + 1)[: len(ends)]
        keys = _keys(text, begins, ends)
        found = [_same(text, begins, ends, keys, word) for word in self._numbers]
        here = np.concatenate(found)
        order = np.argsort(here)
        word = np.repeat(np.arange(len(found)), list(map(len, found)))[order]
        here = here[order]
        window = np.flatnonzero(characters[ends] == ord("\n")).searchsorted(here)
        passage = np.repeat(np.arange(len(passages)), list(map(len, passages)))
        return passage[window], here + window * NEAR, word

    def _numbered(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
        return [(self._numbers[one], self._numbers[two]) for one, two in dict.fromkeys(pairs)]


def _keys(text: bytes, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The first bytes of each word as one number: uint64."""
    import numpy as np

    everywhere = np.ndarray(len(text), np.uint64, text + bytes(_KEY), strides=(1,))
    masks = np.array([b"\xff" * count for count in range(_KEY + 1)], f"S{_KEY}").view(np.uint64)
    keys: np.ndarray = everywhere[begins] & masks[np.minimum(ends - begins, _KEY)]
    return keys


def _same(
    text: bytes, begins: np.ndarray, ends: np.ndarray, keys: np.ndarray, word: str
) -> np.ndarray:
    """The numbers of the words of a text that are this word."""
    import numpy as np

    wanted = word.encode()
    here = np.flatnonzero(keys == np.frombuffer(wanted[:_KEY].ljust(_KEY, b"\0"), np.uint64))
    if len(wanted) >= _KEY:
        here = here[ends[here] - begins[here] == len(wanted)]
    if len(wanted) > _KEY and len(here):
        whole = np.ndarray(len(text) - len(wanted), f"S{len(wanted)}", text, strides=(1,))
        here = here[whole[begins[here]] == wanted]
    return here


def _counted(found: np.ndarray, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """How many of these pairs are found in each passage.

    Args:
        found: bool [passages, words, words].
    """
    one, two = [first for first, _ in pairs], [second for _, second in pairs]
    counts: list[int] = found[:, one, two].sum(axis=1).tolist()
    return counts
