"""Citation recall and precision as ALCE defines them (Gao et al. 2023, arXiv 2305.14627, 3.3).

For each statement (sentence) of an answer: its **recall** is 1 when it is cited and its cited
passages, read together, support it, else 0. A citation's **precision** is 1 when the statement has
recall 1 and the citation is not irrelevant; it is irrelevant when its passage alone does not
support the statement and the other cited passages still do without it. An answer's recall is the
mean over its statements, its precision the mean over its citations; an answer without citations has
precision 0, as in ALCE's own script.

ALCE judges with a TRUE T5 model; here it is `groundtone.support`. A citation is a passage: several
quotes from one passage for one statement are one citation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundtone.answering.answer import Answer
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.support import score
from groundtone.answering.wording import figures
from groundtone.retrieval import Passage

MODEL = "groundtone.support"
SUPPORTED = 0.5  # where the calibrated score says "more likely than not"


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer's citations, judged.

    Attributes:
        recall: share of the statements that their cited passages together support, 0..1.
        precision: share of the citations that are needed for or prove their statement, 0..1.
        unsupported: the statements without recall.
    """

    recall: float
    precision: float
    unsupported: tuple[str, ...]


def judge(answer: Answer, embed: Embed | None) -> Cited | None:
    """Judge an answer's citations; None for a refusal or an answer without a sentence.

    Args:
        embed: makes the vectors of sentences; None compares words only.
    """
    if answer.refused or not answer.sentences:
        return None
    embed = _remembering(embed) if embed is not None else None
    by_rank = {passage.rank: passage for passage in answer.passages}
    right, unsupported = [], []
    for sentence in answer.sentences:
        own = [citation for citation in answer.citations if citation.sentence == sentence]
        ranks = list(dict.fromkeys(citation.passage for citation in own))
        # A quoted passage is judged by what is quoted, not by the words that introduce it.
        claim = own[0].quote if answer.rescued and own else sentence
        found = needed(claim, [by_rank[rank] for rank in ranks if rank in by_rank], embed)
        right += found or [False] * len(ranks)
        if found is None:
            unsupported.append(sentence)
    return Cited(
        recall=1 - len(unsupported) / len(answer.sentences),
        precision=sum(right) / len(right) if right else 0.0,
        unsupported=tuple(unsupported),
    )


def needed(
    statement: str, passages: Sequence[Passage | str], embed: Embed | None = None
) -> list[bool] | None:
    """Whether each cited passage is relevant; None where together they do not support it.

    >>> needed("The trash keeps boards for 30 days.", ["The trash keeps boards for 30 days."])
    [True]
    """
    if not passages or not _supports(statement, passages, embed):
        return None
    if len(passages) == 1:
        return [True]
    return [
        _supports(statement, [one], embed)
        or not _supports(statement, [*passages[:at], *passages[at + 1 :]], embed)
        for at, one in enumerate(passages)
    ]


def strays(answer: Answer) -> tuple[str, ...]:
    """Figures of an answer that stand in no passage it cites."""
    cited = {citation.passage for citation in answer.citations}
    known = {f for p in answer.passages if p.rank in cited for f in figures(p.text)}
    return () if answer.refused else tuple(sorted(figures(answer.bare_text) - known))


def _supports(statement: str, passages: Sequence[Passage | str], embed: Embed | None) -> bool:
    return score(statement, Evidence(passages, embed)) >= SUPPORTED


def _remembering(embed: Embed) -> Embed:
    """The same vectors, each made once: the subsets of the passages share their sentences."""
    known: dict[str, np.ndarray] = {}

    def remembered(texts: Sequence[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return remembered
