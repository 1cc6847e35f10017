"""Names and times in a question, and the documents that know them.

A report speaks of "the Company" on every page but one: its passages are found for the question
about another company as well. So a passage counts for less when its document never mentions a name
of the question that the documents of other candidates do. What has digits ("Q3", "2023", "EC2") is
in any text, so it tells documents apart by their paths alone. Who asks for the latest of a series
wants the last of those that know the names. A short document is left as it is: its passages are all
of it, and the search by words has looked there. Measured in docs/retrieval.md, by bench/named.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set

from groundtone.retrieval.dating import End

SHARE = 0.2  # of a passage's score, where its document knows none of the names; or of the times
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
    question: str,
    documents: Mapping[str, str],
    mentioning: Callable[[str], Collection[str]],
    ends: Mapping[str, End] | None = None,
) -> dict[str, float]:
    """Documents that do not know what others do: the share of the names, and of the figures.

    Args:
        documents: path of the documents of all candidates, by version.
        mentioning: gives those whose text or path holds a name.
        ends: of a question for the latest: when what each document is of ends, where that is known.

    Returns:
        0 to 2 by version, without those that miss nothing: both shares, added up.
    """
    if len(documents) < 2:
        return {}
    versions = documents.keys()
    called = [name for name in names(question) if not numbered(name)]
    who = _missed([versions & set(mentioning(name)) for name in called], versions)
    told = {version: set(numbered(path)) for version, path in documents.items()}
    knowing = [{v for v, words in told.items() if word in words} for word in numbered(question)]
    if ends:
        knowing.append(_latest(ends, who, versions))
    when = _missed(knowing, versions)
    return {v: who.get(v, 0.0) + when.get(v, 0.0) for v in versions if v in who or v in when}


def _missed(knowing: Sequence[Set[str]], versions: Set[str]) -> dict[str, float]:
    """The share that each misses of what some know and some do not."""
    telling = [found for found in knowing if 0 < len(found) < len(versions)]
    counts = {v: sum(v not in found for found in telling) for v in versions}
    return {v: count / len(telling) for v, count in counts.items() if count}


def _latest(ends: Mapping[str, End], who: Mapping[str, float], versions: Set[str]) -> set[str]:
    """All that are not of an earlier time than the last of those that know most of the names."""
    fewest = min(who.get(version, 0.0) for version in versions)
    known = [end for version, end in ends.items() if who.get(version, 0.0) == fewest]
    last = max(known, default=None)
    return {v for v in versions if last is None or ends.get(v, last) >= last}


def lowered(score: float, share: float) -> float:
    """What to add to the score of a passage whose document misses so much; see `strangers`."""
    return -SHARE * share * score
