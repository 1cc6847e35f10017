"""Whether the passages answer the question at all: a calibrated score, by evidence.

Being about the same thing is not the same as holding the answer. So beside how near the best
passage lies, it is looked at whether the question's own words stand together in it, whether its
figures and names stand there at all, and whether there is something of the kind that was asked for:
a figure for "how many", a date for "when", a name for "who". Fitted by bench/refusal.py on the
development half of ClapNQ and the questions in ``examples/``; the weights stand in ``fitted.json``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from groundtone.answering.attribution import Source, likeness
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.support import chance, score
from groundtone.answering.wording import Wording, wording
from groundtone.retrieval import Passage

_KINDS = {
    "when": re.compile(r"\b(?:when|what\s+(?:year|date|day|time)|which\s+(?:year|date|day))\b"),
    "number": re.compile(
        r"\bhow\s+(?:many|much|long|often|far|old|large|big|tall|high|fast|late|soon|small)\b"
    ),
    "who": re.compile(r"\b(?:who|whom|whose)\b"),
    "where": re.compile(r"\bwhere\b"),
}
_DATED = re.compile(
    r"\b(?:1\d|20)\d\d\b|\b\d{1,2}:\d\d\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"after|before|during|daily|weekly|monthly|yearly|night|morning|evening)\b"
)


def evidence(
    question: str,
    passages: Sequence[Passage],
    answer: Sequence[str] | None = None,
    *,
    embed: Embed | None = None,
) -> float:
    """How far the passages answer the question.

    Args:
        question: as it was searched.
        passages: best first.
        answer: sentences of an answer, if there is one: what the passages do not support lowers
            the evidence.
        embed: makes the vectors of sentences; None compares words only.

    Returns:
        0..1; 0 without passages.
    """
    if not passages or not wording(question).content:
        return 0.0
    read = Evidence(passages, embed)
    found = chance("gate" if embed else "gate_words", features(question, read))
    if answer:
        found *= max(score(sentence, read) for sentence in answer)
    return round(found, 4)


NAMES = (
    "near", "margin", "sentence", "covered", "missing", "figures", "names", "kind", "length"
)  # fmt: skip
WORDS_ONLY = tuple(name for name in NAMES if name != "sentence")


def features(question: str, read: Evidence) -> dict[str, float]:
    """The signs, by name; "sentence" only with an embedder.

    near, margin: cosine of the best passage, and how far it stands out from the mean of the rest.
    sentence: cosine of the nearest passage sentence.
    covered: share, weighted by rarity, of the question's words in the best passage.
    missing: how many of its words stand in no passage.
    figures, names: how many of its figures and names stand in no passage.
    kind: 1 where a sentence near the question holds something new of the kind asked for; 0.5 where
        no kind is asked for.
    length: content words of the question.
    """
    said = wording(question)
    cosines = [p.dense for p in read.passages if isinstance(p, Passage) and p.dense is not None]
    known = [
        about.union(*(u.wording.content for u in read.units if u.passage == index))
        for index, about in enumerate(read.about)
    ]
    anywhere = frozenset().union(*known)
    ranked: list[int] = []
    if read.units:
        ranked = list(np.argsort(-likeness(question, said, read), kind="stable")[:3])
    near = max(cosines, default=0.0)
    signs = {
        "near": near,
        "margin": near - float(np.mean(sorted(cosines)[:-1])) if len(cosines) > 1 else 0.0,
        "covered": max((read.coverage(said.content, words) for words in known), default=0.0),
        "missing": float(len(said.content - anywhere)),
        "figures": float(len(said.values - anywhere)),
        "names": float(len(said.names - anywhere)),
        "kind": _kind(question, said, [read.unit_text(read.units[i]) for i in ranked]),
        "length": float(len(said.content)),
    }
    if read.embed is not None:
        texts = [read.unit_text(read.units[index]) for index in ranked]
        vectors = read.vectors([question, *texts])
        assert vectors is not None
        signs["sentence"] = float((vectors[1:] @ vectors[0]).max()) if texts else 0.0
    return signs


def _kind(question: str, said: Wording, nearest: Sequence[str]) -> float:
    asked = question.lower()
    for name, pattern in _KINDS.items():
        if pattern.search(asked):
            return float(any(_holds(name, said, text) for text in nearest))
    return 0.5


def _holds(kind: str, said: Wording, text: str) -> bool:
    found = wording(text)
    if kind == "when":
        return bool(found.values - said.values) or _DATED.search(text.lower()) is not None
    if kind == "number":
        return bool(found.values - said.values)
    return bool(found.names - said.content)


def telling(question: str, read: Evidence) -> Source | None:
    """The passage sentence that speaks most of what is asked; None where none does.

    It must share more than a word with the question and say something that the question does not.
    """
    said = wording(question)
    if not read.units:
        return None
    for index in np.argsort(-likeness(question, said, read), kind="stable")[:5]:
        unit = read.units[int(index)]
        words = unit.wording.content
        if len(words & said.content) > 1 and len(words - said.content) > 1:
            return Source(unit.passage, unit.start, unit.end)
    return None
