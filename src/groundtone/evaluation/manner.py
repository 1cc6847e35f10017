"""How far an answer's manner is from that of the user's examples, whatever it says.

Three distances that need no model, the measures of authorship studies: length, function words
(Mosteller and Wallace 1963; as shares of all words, Burrows 2002) and character trigrams (Kešelj et
al. 2003). One answer is a short text, so even the user's own examples lie some way from what they
have in common: :attr:`Manner.own` says how far, and that is as near as an answer can be expected to
come.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,:]\d+)*")
# Words of grammar, not of subject. Pronouns, articles, prepositions, conjunctions, auxiliaries.
FUNCTION_WORDS = frozenset(
    word
    for line in (
        "a an the this that these those each every any all some no none both either neither other",
        "i me my we us our you your he him his she her it its they them their who whom whose which",
        "what when where why how there here of in on at by for from to into onto with without",
        "within under over after before between through during until since about against up down",
        "out off and or but nor so yet if then than as because while although unless whether not",
        "is are was were be been being am do does did done has have had having can could will",
        "would shall should may might must also only just very too more most much many few less",
        "least again ever never always still already",
    )
    for word in line.split()
)


@dataclass(frozen=True, slots=True)
class Distance:
    """How far one answer is from the examples.

    Attributes:
        length_ratio: its words over those of the middle example; 1 is the same length.
        function_words: half the sum of the differences between the shares of each function word,
            0 (the same) to 1.
        ngrams: 1 minus the cosine of the counts of character trigrams, 0 (the same) to 1.
    """

    length_ratio: float
    function_words: float
    ngrams: float

    @property
    def overall(self) -> float:
        """The mean of the two distances and of how far the length is off, 0 to 1."""
        ratio = self.length_ratio
        off = 1 - min(ratio, 1 / ratio) if ratio else 1.0
        return (off + self.function_words + self.ngrams) / 3


class Manner:
    """What the examples' answers have in common.

    Args:
        answers: at least two, without citation labels.

    Attributes:
        own: the mean overall distance of each example from all the others: what to hold an
            answer's distance against.

    >>> manner = Manner(["Open Settings.", "Open Billing.", "Open Members."])
    >>> manner.distance("Open Teams.").overall < manner.distance("Well, I think so.").overall
    True
    """

    def __init__(self, answers: Sequence[str]) -> None:
        texts = [text for text in answers if _WORD.search(text)]
        if len(texts) < 2:
            raise ValueError("the manner of fewer than two answers is none")
        self._lengths = [_length(text) for text in texts]
        self._length = float(median(self._lengths))
        self._shares = [_shares(text) for text in texts]
        self._grams = [_grams(text) for text in texts]
        self._function = _total(self._shares)
        self._trigrams = _total(self._grams)
        self._size = math.sqrt(sum(v * v for v in self._trigrams.values()))
        self._count = len(texts)
        self.own = fmean(self._left_out(place).overall for place in range(len(texts)))

    def distance(self, answer: str) -> Distance | None:
        """How far an answer is from the examples; None for one without words."""
        if not _WORD.search(answer):
            return None
        return Distance(
            _length(answer) / self._length,
            _apart(_shares(answer), self._function, self._count),
            _unlike(_grams(answer), self._trigrams, self._size),
        )

    def _left_out(self, place: int) -> Distance:
        shares, grams = self._shares[place], self._grams[place]
        others = {w: v - shares.get(w, 0.0) for w, v in self._function.items()}
        rest = {g: v - grams.get(g, 0.0) for g, v in self._trigrams.items()}
        # Only this example's own trigrams change the length of the sum.
        size = self._size**2 + sum(rest[g] ** 2 - self._trigrams[g] ** 2 for g in grams)
        return Distance(
            self._lengths[place] / self._length,
            _apart(shares, others, self._count - 1),
            _unlike(grams, rest, math.sqrt(max(size, 0.0))),
        )


def _length(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _shares(text: str) -> dict[str, float]:
    """Function word → its share of the text's words; "" is every other word."""
    words = [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]
    counts = Counter(word if word in FUNCTION_WORDS else "" for word in words)
    return {word: count / len(words) for word, count in counts.items()}


def _grams(text: str) -> dict[str, float]:
    """Trigram → its share; figures all read alike, since they are facts and no manner."""
    plain = f" {re.sub(r'[0-9]', '0', ' '.join(text.split()))} "
    counts = Counter(plain[at : at + 3] for at in range(len(plain) - 2))
    whole = sum(counts.values())
    return {gram: count / whole for gram, count in counts.items()}


def _total(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    whole: dict[str, float] = {}
    for part in parts:
        for key, value in part.items():
            whole[key] = whole.get(key, 0.0) + value
    return whole


def _apart(shares: dict[str, float], total: dict[str, float], count: int) -> float:
    keys = shares.keys() | total.keys()
    apart = sum(abs(shares.get(k, 0.0) - total.get(k, 0.0) / count) for k in sorted(keys)) / 2
    return min(1.0, max(0.0, apart))


def _unlike(grams: dict[str, float], total: dict[str, float], size: float) -> float:
    own = math.sqrt(sum(value * value for value in grams.values()))
    if not own or not size:
        return 1.0
    common = sum(value * total.get(gram, 0.0) for gram, value in grams.items())
    return min(1.0, max(0.0, 1 - common / (own * size)))
