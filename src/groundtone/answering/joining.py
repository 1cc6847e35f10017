"""Whether what a sentence says together stands together somewhere.

A small model joins what is near in the prompt: "The Pro plan includes 100 seats" where those are
the Team plan's, "The Basic plan services Pump B". Each word stands in the passages, and beside
words that are said with it. But no place holds the sentence: neither a window, of a few adjacent
sentences with the first of their paragraph and the headings above, its names and figures; nor,
where it is cut between "plan" and "services", a passage sentence anything of both halves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from groundtone.answering.wording import tokens

if TYPE_CHECKING:
    from groundtone.answering.evidence import Evidence

_CLAUSE = re.compile(r";\s+|,?\s+(?:and|but|while|whereas)\s+")
_ABSENT = 0.4  # weighed share of its other words that a window may lack
_HALF = 0.1  # share of either half that a passage sentence has to hold, wherever it is cut


def joined(sentence: str, evidence: Evidence) -> bool:
    """Whether a sentence holds together: as a whole, or clause by clause, each with the names of
    the one before if it has none. Words that stand nowhere in the passages do not count."""
    whole = _words(sentence, evidence)
    clauses = list(_clauses(sentence, evidence))
    return all(
        together(whole, evidence) or (clauses and all(together(one, evidence) for one in clauses))
        for together in (_in_a_window, _at_every_cut)
    )


def _clauses(sentence: str, evidence: Evidence) -> Iterator[list[str]]:
    """The words of each clause; none where one of them says too little."""
    found = [_words(clause, evidence) for clause in _CLAUSE.split(sentence)]
    if any(len(clause) < 2 for clause in found):
        return
    for before, clause in pairwise(found):
        if not evidence.names.intersection(clause):
            clause[:0] = [word for word in before if word in evidence.names]
    yield from found


def _words(text: str, evidence: Evidence) -> list[str]:
    return [word for word, kind in tokens(text) if kind != "plain" and word in evidence.known]


def _in_a_window(words: Sequence[str], evidence: Evidence) -> bool:
    """Whether a window holds every name and figure, and most of the other words."""
    marked = {word for word in words if word in evidence.names or word[-1].isdigit()}
    other = frozenset(words) - marked
    return not words or any(
        marked <= window and (not other or evidence.coverage(other, window) > 1 - _ABSENT)
        for window in evidence.windows
    )


def _at_every_cut(words: Sequence[str], evidence: Evidence) -> bool:
    """Whether, wherever the words are cut, one passage sentence holds something of both halves."""
    if len(words) < 2:
        return True
    weights = np.array([evidence.weights.get(word, evidence.unseen) for word in words])
    held = np.array([[word in reach for word in words] for reach in evidence.reaches])
    left = np.cumsum(held * weights, axis=1)
    right = left[:, -1:] - left
    all_left = np.cumsum(weights)
    all_right = all_left[-1] - all_left
    shares = np.minimum(left[:, :-1] / all_left[:-1], right[:, :-1] / all_right[:-1])
    return bool(shares.max(axis=0).min() >= _HALF)
