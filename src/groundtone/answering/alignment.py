"""A sentence laid beside the passage sentences it was made of: what stands in whose place.

A small model mixes up what stands side by side: "The Pro plan costs 5 euros" where Basic costs 5
and Pro costs 9. Every word of it is in the passages, and the wrong sentence says nearly the same.
Laid word by word beside the passage sentences that cover it best, it differs from each in one
place, and what stands there stands in another sentence. On ClapNQ (`bench/support.py`) two thirds
of the sentences in which a name or a figure was changed for another of the passage are found so,
and one in three hundred true ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from groundtone.answering.wording import Kind, tokens, wording

if TYPE_CHECKING:
    from groundtone.answering.evidence import Evidence

_COVERED = 0.6  # share of a sentence that a passage sentence has to cover, to be laid beside it
_NEAREST = 0.8  # share of the best one's coverage from which on others count as well
_LONGEST = 4  # words that can stand in the place of others


def swapped(sentence: str, evidence: Evidence) -> bool:
    """Whether each passage sentence that says nearly the same has something else in some place.

    That is a figure where the passage has another figure, a name for a name, or one word for
    another between the same words, where the passages hold what is said elsewhere. Rows of tables
    are not laid beside a sentence: their order is another.
    """
    said = wording(sentence)
    shares = [evidence.coverage(said.content, reach) for reach in evidence.reaches]
    best = max(shares, default=0.0)
    if best < _COVERED:
        return False
    beside = [index for index, share in enumerate(shares) if share >= _NEAREST * best]
    if any(evidence.units[index].header for index in beside):
        return False
    names = said.names | evidence.names
    words = _tokens(sentence, names)
    return all(
        any(
            kind == "figure" or word in evidence.known - evidence.about[passage]
            for word, kind in _differing(words, _tokens(evidence.context(index), names))
        )
        for index, passage in ((index, evidence.units[index].passage) for index in beside)
    )


def _tokens(text: str, names: frozenset[str]) -> list[tuple[str, Kind]]:
    """Words and what they are; a word that is a name somewhere is one at the beginning, too."""
    return [(w, "name" if kind == "word" and w in names else kind) for w, kind in tokens(text)]


def _differing(
    said: list[tuple[str, Kind]], held: list[tuple[str, Kind]]
) -> Iterator[tuple[str, Kind]]:
    """What is said in a place where something else of its kind, that is not said, is held."""
    ours, theirs = [word for word, _ in said], [word for word, _ in held]
    found = SequenceMatcher(None, ours, theirs, autojunk=False)
    for what, a, b, c, d in found.get_opcodes():
        if what != "replace" or b - a > _LONGEST or d - c > _LONGEST:
            continue
        one = b - a == d - c == 1
        others = [(word, kind) for word, kind in held[c:d] if word not in ours]
        for word, kind in said[a:b]:
            alike = any(kind == other and not _years(word, it) for it, other in others)
            alike &= kind in ("figure", "name") or (one and kind == "word")
            if alike and (one or word not in theirs):
                yield word, kind


def _years(one: str, other: str) -> bool:
    """Whether two figures can be one year: 2019 and the 19 of 2018-19."""
    short, long = sorted((one, other), key=len)
    return len(short) == 2 and len(long) == 4 and short.isdigit() and long.endswith(short)
