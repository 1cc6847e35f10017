"""Which passage sentences each answer sentence rests on.

The first is the sentence that shares most with it, in words and in meaning. Further ones are added
as long as each brings something that was said and not yet found: a list answer drawn from three
sentences is cited to all three. The model's own labels break ties; they decide nothing alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundtone.answering import support
from groundtone.answering.evidence import Evidence
from groundtone.answering.wording import Wording, wording

_BRINGS = 0.1  # share of the sentence that a further source must add: bench/support.py
_BRINGS_ELSEWHERE = 0.25  # the same from another passage, which costs the reader a second look
_MOST = 4
_HINTED = 0.1  # what a label of the model's own is worth
_KNOWN = 0.02  # what having supported an earlier sentence is worth to a passage
_RANK = 0.0005  # what a better rank is worth


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence of a passage: index of the passage, and its span in the passage's text."""

    passage: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """What supports one sentence.

    Attributes:
        score: calibrated support, 0..1.
        sources: the strongest first; none when the passages share nothing with it.
    """

    score: float
    sources: tuple[Source, ...]


def attribute(
    said: Sequence[str], evidence: Evidence, hints: frozenset[int] = frozenset()
) -> list[Attribution]:
    """Find what each sentence rests on.

    Args:
        said: answer sentences, without labels.
        evidence: the passages they were written from.
        hints: indexes of passages that the model's own labels name.
    """
    used: set[int] = set()
    result = []
    for sentence in said:
        chosen = _sources(sentence, evidence, hints, used)
        units = [evidence.units[index] for index in chosen]
        used |= {unit.passage for unit in units}
        sources = tuple(Source(unit.passage, unit.start, unit.end) for unit in units)
        result.append(Attribution(support.score(sentence, evidence) if sources else 0.0, sources))
    return result


def _sources(sentence: str, evidence: Evidence, hints: frozenset[int], used: set[int]) -> list[int]:
    words = wording(sentence)
    units = evidence.units
    if not words.content or not units:
        return []
    shares = likeness(sentence, words, evidence)
    bonus = [
        _HINTED * (unit.passage in hints) + _KNOWN * (unit.passage in used) - _RANK * unit.passage
        for unit in units
    ]
    best = int(np.argmax(shares + np.array(bonus)))
    if shares[best] <= 0:
        return []
    chosen, found = [best], units[best].wording.content
    covered = evidence.coverage(words.content, found)
    while len(chosen) < _MOST:
        gains = [
            (evidence.coverage(words.content, found | unit.wording.content) - covered, -index)
            for index, unit in enumerate(units)
            if index not in chosen
        ]
        gain, index = max(gains, default=(0.0, 0))
        here = units[-index].passage in {units[one].passage for one in chosen}
        if gain < (_BRINGS if here else _BRINGS_ELSEWHERE):
            break
        chosen.append(-index)
        found, covered = found | units[-index].wording.content, covered + gain
    return chosen


def likeness(sentence: str, words: Wording, evidence: Evidence) -> np.ndarray:
    """How much each unit shares with a text: covered share, plus cosine where words are shared."""
    shares = np.array([evidence.coverage(words.content, u.wording.content) for u in evidence.units])
    if evidence.embed is None:
        return shares
    ahead = np.argsort(-shares, kind="stable")[: support.AHEAD]
    texts = [evidence.spoken(evidence.units[index]) for index in ahead]
    vectors = evidence.vectors([sentence, *texts])
    assert vectors is not None
    near = vectors[1:] @ vectors[0]
    shares[ahead] += np.where(shares[ahead] > 0, near, np.where(near > 0.5, near, 0.0))
    return shares
