"""An answer → an outcome: everything about it that can be told without its gold answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from groundtone.answering.answer import Answer, Citation
from groundtone.answering.checking import check
from groundtone.answering.evidence import Embed, Evidence
from groundtone.answering.pipeline import Answerer
from groundtone.answering.refusal import is_refusal
from groundtone.evaluation import answers_citing
from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.questions import Question
from groundtone.settings import Answering

AROUND = 240
"""Characters of the passage that are kept on either side of a quote."""


def outcome(
    arm: str, question_id: str, answer: Answer, resolves: Callable[[Answer, Citation], bool]
) -> Outcome:
    """One answer as the evaluation sees it, its citations and faithfulness not judged."""
    return Outcome(
        arm=arm,
        question_id=question_id,
        text=answer.text,
        bare_text=answer.bare_text,
        refused=answer.refused,
        citations=[
            {
                **asdict(citation),
                "resolvable": resolves(answer, citation),
                **_around(answer, citation),
            }
            for citation in answer.citations
        ],
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        first_token_ms=answer.timings.first_token,
        total_ms=answer.timings.total,
        model=answer.model,
        passages=[passage.document for passage in answer.passages],
    )


def _around(answer: Answer, citation: Citation) -> dict[str, Any]:
    """The text before and after a quote in its passage, so that it can be read in place."""
    passage = next((p for p in answer.passages if p.rank == citation.passage), None)
    if passage is None:
        return {"before": "", "after": ""}
    start, end = citation.start - passage.start, citation.end - passage.start
    if not 0 <= start <= end <= len(passage.text):
        return {"before": "", "after": ""}
    before, after = passage.text[:start], passage.text[end:]
    if len(before) > AROUND:
        before = "… " + before[-AROUND:].partition(" ")[2]
    if len(after) > AROUND:
        after = after[:AROUND].rpartition(" ")[0] + " …"
    return {"before": before, "after": after}


class Observer:
    """Judges the citations and the faithfulness of answers, each arm's by the same measure.

    An arm that sees no documents is held against the passages that the documents give for the
    question all the same: what it says from memory may stand in them or not.

    Args:
        answerer: finds those passages.
        settings: of the check.
        embed: makes the vectors of sentences; None compares words only.
        resolves: whether a citation's quote stands in the stored document at its place.
    """

    def __init__(
        self,
        answerer: Answerer,
        settings: Answering,
        embed: Embed | None,
        resolves: Callable[[Answer, Citation], bool],
    ) -> None:
        self._answerer = answerer
        self._settings = settings
        self._embed = embed
        self._resolves = resolves

    def __call__(self, arm: str, question: Question, answer: Answer, documents: bool) -> Outcome:
        """The outcome of one answer; `documents` says whether the arm had seen any."""
        cited = answers_citing.judge(answer, self._embed) if documents else None
        # Without documents nothing looks for the refusal while answering: here every arm's counts.
        refused = answer.refused or is_refusal(answer.bare_text, self._settings.refusal)
        return replace(
            outcome(arm, question.id, answer, self._resolves),
            refused=refused,
            citation_recall=cited.recall if cited else None,
            citation_precision=cited.precision if cited else None,
            faithfulness=self._faithful(question, answer, documents),
        )

    def _faithful(self, question: Question, answer: Answer, documents: bool) -> float | None:
        if documents:
            verdicts = answer.verdicts
        else:
            passages = self._answerer.retrieve(question.question)
            evidence = Evidence(passages, self._embed)
            verdicts = check(answer.bare_text, evidence, self._settings).verdicts
        if not verdicts:
            return None
        return sum(verdict.supported for verdict in verdicts) / len(verdicts)
