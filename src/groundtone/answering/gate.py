"""Whether the passages answer the question at all: a calibrated score, by evidence.

Being about the same thing is not the same as holding the answer. So beside how near the best
passage lies it is looked at whether words and vectors agree on it, how near its single sentences
lie, how much of the likeness is its title's alone, and whether the question's figures and names
stand there at all. Fitted by bench/refusal.py on the development half of ClapNQ and the questions
in ``examples/``; the weights stand in ``fitted.json``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundtone.answering.attribution import likeness
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.support import AHEAD, chance, score
from groundtone.answering.wording import wording
from groundtone.retrieval import Passage


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
    "near", "agreed", "titled", "figures", "names", "missing", "sentences", "subject"
)  # fmt: skip
WORDS_ONLY = tuple(name for name in NAMES if name not in ("sentences", "subject"))


def features(question: str, read: Evidence) -> dict[str, float]:
    """The signs, by name; the last two only with an embedder.

    near: cosine of the best passage.
    agreed: 1 where words and vectors find the same passage best.
    titled: share of the words of the first passage's title that stand in the question.
    figures, names, missing: how many of the question's figures, names and words stand in no
        passage.
    sentences: mean cosine of the two nearest passage sentences.
    subject: cosine of the first passage's title.
    """
    said = wording(question)
    passages = [p for p in read.passages if isinstance(p, Passage)]
    cosines = [-1.0 if p.dense is None else p.dense for p in passages]
    lexical = [p.lexical or 0.0 for p in passages]
    title = passages[0].title if passages else ""
    called = wording(title).content
    anywhere = frozenset().union(*read.about, *(unit.wording.content for unit in read.units))
    near = max(cosines, default=0.0)
    signs = {
        "near": near,
        "agreed": float(bool(cosines) and int(np.argmax(cosines)) == int(np.argmax(lexical))),
        "titled": len(called & said.content) / max(1, len(called)),
        "figures": float(len(said.values - anywhere)),
        "names": float(len(said.names - anywhere)),
        "missing": float(len(said.content - anywhere)),
    }
    if read.embed is not None and read.units:
        order = np.argsort(-likeness(question, said, read), kind="stable")[:AHEAD]
        texts = [read.spoken(read.units[int(index)]) for index in order]
        vectors = read.vectors([question, title or question, *texts])
        assert vectors is not None
        found = np.sort(vectors[2:] @ vectors[0])
        signs |= {
            "sentences": float(found[-2:].mean()),
            "subject": float(vectors[1] @ vectors[0]) if title else 0.0,
        }
    elif read.embed is not None:
        signs |= {"sentences": 0.0, "subject": 0.0}
    return signs
