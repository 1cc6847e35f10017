"""Which passage sentence supports which answer sentence, decided by code.

Support is how much of what a sentence says stands in the passage text: the share of its content
words found there, weighted by how telling each is, with numbers and negations that must agree.
It needs no model, and is the same whatever model wrote the answer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundtone import sentences
from groundtone.answering.wording import figures
from groundtone.retrieval import Passage

_TOKEN = re.compile(r"[^\W_]+(?:[._/:@#'-][^\W_]+)*|\d+(?:[.,]\d+)*")
_PARTS = re.compile(r"[^\W_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEGATION = _words("no not never none neither nor without cannot n't don't doesn't isn't")
_STOP = _words(
    "a an the and or but if then of to in on at by for from with as is are was were be been being "
    "it its this that these those there here you your i we they he she them his her our us me my "
    "do does did have has had will would can could should may might must shall so such than too "
    "very just also into onto over under out up down about which who whom whose what when where "
    "how why all any each both more most other some own same only"
)
_SUFFIX = re.compile(r"(?<=\w{3})(?:ies|ing|edly|ed|es|ly|s|e)$")


@dataclass(frozen=True, slots=True)
class Support:
    """The best support found for one sentence.

    Attributes:
        score: 0..1.
        passage: index into the passages given.
        start, end: span of the supporting sentence (or two adjacent ones) in the passage's text.
    """

    score: float
    passage: int
    start: int
    end: int


def support(sentence: str, passages: Sequence[Passage | str]) -> float:
    """How far the passages' text supports the sentence, in 0..1 (0 without passages)."""
    found = align([sentence], passages)[0]
    return found.score if found else 0.0


def align(answer: Sequence[str], passages: Sequence[Passage | str]) -> list[Support | None]:
    """Find, for each answer sentence, the passage sentence that supports it best.

    One sentence or two adjacent ones are considered. Equal scores go to the passage that already
    supports an earlier sentence, then to the better ranked one. None where nothing is shared.
    """
    units = [unit for i, passage in enumerate(passages) for unit in _units(i, passage)]
    weight = _weights(units)
    used: Counter[int] = Counter()
    result: list[Support | None] = []
    for sentence in answer:
        said = _Content.of(sentence)
        best: tuple[float, _Unit] | None = None
        for unit in units:
            score = _score(said, unit.content, weight)
            # A short unit that says it all beats a longer one that says it too.
            key = (
                score - 0.0005 * unit.passage - 0.001 * (unit.pair) + 0.02 * (unit.passage in used)
            )
            if score > 0 and (best is None or key > best[0]):
                best = (key, unit)
        if best is None:
            result.append(None)
            continue
        unit = best[1]
        used[unit.passage] += 1
        score = _score(said, unit.content, weight)
        result.append(Support(round(score, 4), unit.passage, unit.start, unit.end))
    return result


@dataclass(frozen=True, slots=True)
class _Content:
    words: frozenset[str]
    numbers: frozenset[str]
    negated: bool

    @classmethod
    def of(cls, text: str) -> _Content:
        tokens = [token.lower() for token in _TOKEN.findall(text)]
        words = {stem for token in tokens for stem in _stems(token)}
        return cls(frozenset(words), frozenset(figures(text)), any(t in _NEGATION for t in tokens))


@dataclass(frozen=True, slots=True)
class _Unit:
    passage: int
    start: int
    end: int
    pair: bool
    content: _Content


def _stems(token: str) -> Iterable[str]:
    for part in _PARTS.findall(token):
        if part not in _STOP and part not in _NEGATION:
            yield _SUFFIX.sub("", part) if part.isalpha() else part


def _units(index: int, passage: Passage | str) -> list[_Unit]:
    text = passage if isinstance(passage, str) else passage.text
    spans = sentences.split(text)
    singles = [
        _Unit(index, start, end, False, _Content.of(text[start:end])) for start, end in spans
    ]
    pairs = [
        _Unit(index, a.start, b.end, True, _Content.of(text[a.start : b.end]))
        for a, b in pairwise(singles)
        if b.end - a.start <= 600
    ]
    return singles + pairs


def _weights(units: Sequence[_Unit]) -> dict[str, float]:
    """Inverse document frequency over the passage sentences: rare words tell more."""
    singles = [unit for unit in units if not unit.pair]
    frequency = Counter(word for unit in singles for word in unit.content.words)
    total = len(singles)
    return {word: math.log(1 + total / count) for word, count in frequency.items()}


def _score(said: _Content, source: _Content, weight: dict[str, float]) -> float:
    if not said.words:
        return 0.0
    unseen = max(weight.values(), default=1.0)  # a word that stands nowhere weighs the most
    total = sum(weight.get(word, unseen) for word in said.words)
    shared = sum(weight.get(word, unseen) for word in said.words & source.words)
    score = shared / total
    if said.numbers - source.numbers:
        score *= 0.4  # a figure that does not stand there is not supported by it
    if said.negated != source.negated:
        score *= 0.85
    return score
