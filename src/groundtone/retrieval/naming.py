"""Names in a question, and the documents that know them.

A report speaks of "the Company" on every page but one: its passages are found for the question
about another company as well. So a passage counts for less when its document never mentions a name
of the question that the documents of other candidates do. What has digits ("Q3", "2023", "EC2") is
in any text, so it tells documents apart by their paths alone. A short document is left as it is:
its passages are all of it, and the search by words has looked there. Measured in docs/retrieval.md,
by bench/named.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

SHARE = 0.2  # of a passage's score, where its document knows none of the names
SHORT = 4  # passages of a document
FEWEST = 3  # letters of a name
MOST = 6  # names of one question that are looked for

_SENTENCE = re.compile(r"(?<=[.?!:])\s+")
_WORD = re.compile(r"[^\W\d_][\w&-]*")
_NUMBERED = re.compile(r"[^\W_]*\d[^\W_]*")


def names(question: str) -> tuple[str, ...]:
    """The question's names, case folded, each once.

    A name has a capital. The first word of a sentence has one anyway: it counts only with another
    capital ("NVIDIA") or as an owner ("Apple's").
    """
    found: dict[str, None] = {}
    for sentence in _SENTENCE.split(question):
        for match in _WORD.finditer(sentence):
            word, first = match.group(), match.start() == 0
            owner = sentence[match.end() : match.end() + 2] in ("'s", "’s")
            capital = word[0].isupper() and (not first or owner)
            if len(word) >= FEWEST and (capital or any(map(str.isupper, word[1:]))):
                found[word.casefold()] = None
    return tuple(found)[:MOST]


def numbered(text: str) -> tuple[str, ...]:
    """Words of a question or a path that have digits, case folded, each once."""
    return tuple(dict.fromkeys(_NUMBERED.findall(text.casefold())))


def strangers(
    question: str, documents: Mapping[str, str], mentioning: Callable[[str], Collection[str]]
) -> dict[str, float]:
    """Documents that do not know the names which others do: the share of those names, by version.

    Args:
        documents: path of the documents of all candidates, by version.
        mentioning: gives those whose text or path holds a name.
    """
    if len(documents) < 2:
        return {}
    knowing = [set(mentioning(name)) for name in names(question) if not numbered(name)]
    if asked := numbered(question):
        told = {version: set(numbered(text)) for version, text in documents.items()}
        knowing += [{v for v, words in told.items() if word in words} for word in asked]
    telling = [found for found in knowing if 0 < len(found) < len(documents)]
    versions = documents.keys()
    missing = {v: sum(v not in found for found in telling) for v in versions}
    return {v: count / len(telling) for v, count in missing.items() if count}


def lowered(score: float, share: float) -> float:
    """What to add to the score of a passage whose document misses such a share of the names."""
    return -SHARE * share * score
