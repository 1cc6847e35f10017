"""How good answers are: right, well cited, faithful, refused where they should be.

Every measure is a number from 0 to 1 for each question that can have it; a question that cannot
(no gold answer, a refusal without citations) does not count, and a measure that no question has is
"not measured". See docs/eval.md for what each means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from groundtone.evaluation.answers_asking import Observed
from groundtone.evaluation.answers_citing import MODEL, SUPPORTED
from groundtone.evaluation.answers_refusing import RefusalCurve, balanced, refusal_curve
from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.questions import Question
from groundtone.evaluation.retrieval import Difference
from groundtone.evaluation.scoring import Yardsticks, score
from groundtone.evaluation.statistics import (
    Interval,
    holm,
    mean_interval,
    paired_interval,
    paired_p,
    verdict,
)

Reason = Literal[
    "not retrieved",
    "refused wrongly",
    "unsupported",
    "wrong",
    "no citation",
    "wrong document",
    "does not resolve",
    "answered wrongly",
]
REASONS: dict[Reason, str] = {
    "not retrieved": "no passage of the right document was found",
    "refused wrongly": "refused, though nothing says that the right document was missed",
    "unsupported": "what was said is supported by nothing, or not by what it cites",
    "wrong": "the gold answer is not in it",
    "no citation": "answered without a citation",
    "wrong document": "cites none of the documents that hold the answer",
    "does not resolve": "a quote does not stand where its citation says",
    "answered wrongly": "answered, though the documents hold no answer",
}
MEASURES: dict[str, str] = {
    "correct": "correct",
    "em": "exact match",
    "f1": "token F1",
    "contains": "contains gold",
    "rouge_l": "ROUGE-L",
    "citation_recall": "citation recall",
    "citation_precision": "citation precision",
    "citation_resolvable": "citations resolvable",
    "citation_right": "right document cited",
    "citation_right_found": "the same, when found",
    "figures": "no stray figure",
    "faithful": "faithfulness",
    "retrieved": "right document found",
    "answered": "answerable answered",
    "refusal_recall": "refusal recall",
    "refusal_precision": "refusal precision",
    "refusal_balanced": "balanced accuracy",
}
_SCORED = (
    "correct", "em", "f1", "contains", "rouge_l", "citation_resolvable", "citation_right",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """One question's numbers.

    Attributes:
        values: by measure, only those that the question has.
        reason: why it failed; None where it did not.
        detail: what proves the reason, for people.
    """

    question: Question
    observed: Observed
    values: dict[str, float]
    reason: Reason | None = None
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """One line of ``answers`` in ``eval answers --json``."""
        said = self.observed.outcome
        return {
            "id": self.question.id,
            "question": self.question.question,
            "answer": said and said.text,
            "refused": self.observed.refused,
            "evidence": self.observed.evidence,
            "values": self.values,
            "failure": self.reason and {"reason": self.reason, "detail": self.detail},
        }


@dataclass(frozen=True, slots=True)
class AnswersReport:
    """All questions under one setting.

    Attributes:
        model: who answered; "" where no model was asked.
        threshold: ``evidence_below`` of that setting.
        changes: what was set otherwise than in the workspace, by SECTION.NAME.
        compared: the same questions under changed settings.
    """

    judged: tuple[Judged, ...]
    model: str
    threshold: float
    changes: dict[str, str] = field(default_factory=dict)
    compared: AnswersReport | None = None

    def values(self) -> dict[str, dict[str, float]]:
        """Each measure's numbers by question id."""
        return {
            name: {one.question.id: one.values[name] for one in self.judged if name in one.values}
            for name in MEASURES
        }

    def measures(self) -> dict[str, Interval | None]:
        """Each measure's mean with its 95% interval; None where no question has it."""
        values = self.values()
        found = {name: mean_interval(list(own.values())) for name, own in values.items()}
        found["refusal_balanced"] = balanced(
            list(values["answered"].values()), list(values["refusal_recall"].values())
        )
        return found

    def curve(self) -> RefusalCurve | None:
        """What every threshold of the gate would do."""
        return refusal_curve(
            [one.observed.evidence for one in self.judged],
            [one.question.answerable for one in self.judged],
            self.threshold,
        )

    def failures(self) -> dict[Reason, list[Judged]]:
        """Questions that failed, by why."""
        return {reason: [j for j in self.judged if j.reason == reason] for reason in REASONS}

    def against(self, other: AnswersReport) -> list[Difference]:
        """This setting minus another, over the questions that have the measure under both.

        p is McNemar's exact test where both are all 0 and 1, else sign flips; corrected for the
        number of measures by Holm's method.
        """
        mine, theirs = self.values(), other.values()
        pairs = {
            name: ([own[id] for id in shared], [theirs[name][id] for id in shared])
            for name, own in mine.items()
            # Which refusals are right is not asked of the same questions under both settings.
            if name != "refusal_precision" and (shared := [id for id in own if id in theirs[name]])
        }
        raw = {name: p for name, pair in pairs.items() if (p := paired_p(*pair)) is not None}
        corrected = holm(raw)
        differences = []
        for name, pair in pairs.items():
            interval, p = paired_interval(*pair), corrected.get(name)
            differences.append(Difference(name, interval, p, verdict(interval, p)))
        return differences

    def to_json(self) -> dict[str, Any]:
        """The shape of ``eval answers --json``."""
        made = {
            "questions": len(self.judged),
            "model": self.model or None,
            "support": {"model": MODEL, "threshold": SUPPORTED},
            "measures": self.measures(),
            "refusal": curve.to_json() if (curve := self.curve()) else None,
            "failures": {reason: len(found) for reason, found in self.failures().items()},
            "answers": [one.to_json() for one in self.judged],
        }
        if self.changes:
            return {"changes": self.changes, **made}
        other = self.compared
        compared = other and {**other.to_json(), "differences": other.against(self)}
        return {**made, "compared": compared}


def report(
    questions: Sequence[Question],
    observed: Sequence[Observed],
    *,
    model: str,
    threshold: float,
    changes: dict[str, str] | None = None,
    documents: frozenset[str] = frozenset(),
) -> AnswersReport:
    """Judge what was observed. ``documents``: paths of all that the workspace has."""
    by = Yardsticks(documents=documents)
    judged = [judge(q, seen, by) for q, seen in zip(questions, observed, strict=True)]
    return AnswersReport(tuple(judged), model, threshold, changes or {})


def judge(question: Question, seen: Observed, by: Yardsticks | None = None) -> Judged:
    """One question's numbers, and why it failed, if it did."""
    values: dict[str, float | None] = {}
    said = seen.outcome
    if said is not None:
        scored = score(said, question, by).values
        values = {name: scored[name] for name in _SCORED}
        values["citation_recall"], values["citation_precision"] = seen.recall, seen.precision
        if seen.written:
            values["faithful"] = seen.supported / seen.written
        if not seen.refused:
            values["figures"] = float(not seen.strays)
    values["retrieved"] = _retrieved(question, seen, by)
    if values["retrieved"]:
        values["citation_right_found"] = values.get("citation_right")
    values["answered" if question.answerable else "refusal_recall"] = float(
        seen.refused != question.answerable
    )
    if seen.refused:
        values["refusal_precision"] = float(not question.answerable)
    known = {name: value for name, value in values.items() if value is not None}
    judged = Judged(question, seen, known)
    failure = _failure(question, seen, known)
    return replace(judged, reason=failure[0], detail=failure[1]) if failure else judged


def _retrieved(question: Question, seen: Observed, by: Yardsticks | None) -> float | None:
    """Whether a passage of a right document was found; None where the question names none."""
    if not question.answerable:
        return None
    found = [{"document": document} for document in seen.passages]
    # The same question that is asked of citations, asked of all that was found.
    scored = score(Outcome("", question.id, "", "", citations=found), question, by)
    return scored.values["citation_right"]


def _failure(
    question: Question, seen: Observed, values: dict[str, float]
) -> tuple[Reason, str] | None:
    said = seen.outcome
    if not question.answerable:
        shown = f": {said.text}" if said else ", by the gate"
        return (
            None if seen.refused else ("answered wrongly", f"evidence {seen.evidence:.2f}{shown}")
        )
    wrong = values.get("correct") == 0.0
    missed = values.get("retrieved") == 0.0
    if missed and (seen.refused or wrong or said is None):
        found = ", ".join(dict.fromkeys(seen.passages)) or "nothing"
        return "not retrieved", f"found: {found}"
    if seen.refused and seen.written and not seen.supported:
        return "unsupported", f"none of {seen.written} sentences written is supported: refused"
    if seen.refused:
        return "refused wrongly", f"evidence {seen.evidence:.2f}"
    if said is None:
        return None
    if wrong:
        return "wrong", f"{said.bare_text} (gold: {question.answers[0]})"
    if not said.citations:
        return "no citation", said.text
    if values.get("citation_resolvable", 1.0) < 1.0:
        return "does not resolve", said.text
    if seen.unsupported:
        return "unsupported", seen.unsupported[0]
    if values.get("citation_right") == 0.0:
        cited = dict.fromkeys(str(citation["document"]) for citation in said.citations)
        return "wrong document", f"cites {', '.join(cited)}"
    return None
