"""Questions that are nearly the same, found by MinHash and then compared exactly.

Two questions are near when they ask the same thing in nearly the same words: other case, signs,
endings, small words, a slip of the pen. "What does ERR-1101 mean?" and "What does ERR-1104 mean?"
are not: figures and codes must agree, and so must negations and opposites ("import", "export").
One other content word in place of another ("delete a board", "delete a ticket") parts them too.

Each text becomes a set of hashed shingles (its content words by stem, and the groups of four
letters in them), each set a signature of `SIZE` minima. Signatures that agree in one of `BANDS`
bands are candidates, and only these are compared: time grows with the texts, not their pairs.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from groundtone.answering.wording import Wording, turned, wording

SIZE, BANDS = 128, 32
NEAR = 0.75
"""Similarity from which two texts that pass the rules above count as near."""
_COURTESY = frozenset({"hi", "hello", "hey", "dear", "thank", "thanks", "kindly", "regards"})
_SLIPS = 2  # misspelt words in one question
_ASKS = re.compile(
    r"\W*(how\s+(?:many|much|long|often|old|large|big|far|fast|high)|where|when|why|who(?:se)?)\b"
)
_CROWD = 200  # so many of one band are all compared with each other
_BESIDE = 3  # of more, each is compared with the next ones: those that say most alike stand there


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that are near: their places, and how like they are, 0 to 1."""

    one: int
    other: int
    similarity: float


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    wording: Wording
    asks: str
    words: Counter[str]
    key: str
    shingles: frozenset[int]


def near_pairs(texts: Sequence[str]) -> list[Pair]:
    """All pairs of near texts, in order of their places; equal ones are among them."""
    read = [_read(text) for text in texts]
    found = []
    for one, other in sorted(_candidates(read)):
        likeness = _likeness(read[one], read[other])
        if likeness >= NEAR:
            found.append(Pair(one, other, round(likeness, 3)))
    return found


def near(one: str, other: str) -> float:
    """How like two texts are, 0 to 1; from `NEAR` on they are near.

    >>> near("How do I delete a board?", "how can I delete a board") >= NEAR
    True
    >>> near("How do I delete a board?", "How do I delete a ticket?") >= NEAR
    False
    """
    return _likeness(_read(one), _read(other))


def clusters(size: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The places 0 to `size` joined by pairs into clusters, each sorted, by their first place."""
    parent = list(range(size))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    found: dict[int, list[int]] = {}
    for place in range(size):
        found.setdefault(root(place), []).append(place)
    return list(found.values())


def _read(text: str) -> _Said:
    said = wording(text)
    folded = " ".join(text.casefold().split())
    told = [word for word in said.words if word not in _COURTESY]
    words = Counter(told or folded.split())
    shingles = {_hash(word) for word in words}
    for word in words:
        marked = f"^{word}$"
        shingles |= {_hash(marked[at : at + 4]) for at in range(max(1, len(marked) - 3))}
    return _Said(folded, said, _asks(folded), words, " ".join(sorted(words)), frozenset(shingles))


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


def _candidates(read: Sequence[_Said]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for members in _bands([said.shingles for said in read]):
        if len(members) <= _CROWD:
            found |= set(combinations(members, 2))
            continue
        # Thousands of one pattern ("How do I reset password number 7?"): by figures, then by words.
        members.sort(key=lambda place: (sorted(read[place].wording.values), read[place].key, place))
        for at, one in enumerate(members):
            found |= {(min(one, b), max(one, b)) for b in members[at + 1 : at + 1 + _BESIDE]}
    return found


def _bands(sets: Sequence[frozenset[int]]) -> Iterator[list[int]]:
    draw = np.random.default_rng(0)
    factors = draw.integers(1, 1 << 32, SIZE, dtype=np.uint64) | np.uint64(1)
    offsets = draw.integers(0, 1 << 32, SIZE, dtype=np.uint64)
    rows = SIZE // BANDS
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, shingles in enumerate(sets):
        if not shingles:
            continue
        values = np.fromiter(shingles, np.uint64, len(shingles))
        # Multiply-shift hashing; the high half of each product is what is compared.
        mixed = (values[:, None] * factors + offsets) >> np.uint64(32)
        signature = mixed.min(0).astype(np.uint32).reshape(BANDS, rows)
        for band in range(BANDS):
            buckets[band, signature[band].tobytes()].append(place)
    yield from (members for members in buckets.values() if len(members) > 1)


def _likeness(one: _Said, other: _Said) -> float:
    if one.text == other.text:
        return 1.0
    a, b = one.wording, other.wording
    if a.values != b.values or a.negated != b.negated or turned(a, b) or turned(b, a):
        return 0.0
    if one.asks != other.asks and one.asks and other.asks:
        return 0.0
    only_a, only_b = one.words - other.words, other.words - one.words
    fewer, more = sorted((only_a.total(), only_b.total()))
    if fewer > _SLIPS or more > one.words.total():
        return 0.0
    # What stands in place of something else asks for something else; a word more is a detail.
    if fewer and _slips(only_a, only_b) < fewer:
        return 0.0
    both = (one.words & other.words).total() + fewer
    return both / max(1, both + more - fewer)


def _slips(only_a: Counter[str], only_b: Counter[str]) -> int:
    """How many words of one side are words of the other, misspelt."""
    free = list(only_b.elements())
    count = 0
    for word in only_a.elements():
        same = next((other for other in free if _slip(word, other)), None)
        if same is not None:
            free.remove(same)
            count += 1
    return count


def _slip(one: str, other: str) -> bool:
    """Whether two words differ by a letter, or two in long ones; figures and codes never do."""
    if not (one.isalpha() and other.isalpha()) or one[0] != other[0]:
        return False
    allowed = 1 if max(len(one), len(other)) < 8 else 2
    if min(len(one), len(other)) < 4 or abs(len(one) - len(other)) > allowed:
        return False
    return sorted(one) == sorted(other) or _distance(one, other) <= allowed


def _distance(one: str, other: str) -> int:
    """Letters to change, add or remove, to make one word the other."""
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, against in enumerate(other, 1):
            now.append(
                min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != against))
            )
        before = now
    return before[-1]


def _asks(text: str) -> str:
    """What kind of thing a question asks for; "" where its first words do not say."""
    match = _ASKS.match(text)
    return " ".join(match.group(1).split()) if match else ""
