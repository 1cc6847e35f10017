"""One outcome against its question: the numbers, pass or fail, and why.

A number is None where it has no meaning for that question: then the question does not count in
that measure's mean, and ``n`` in the report says how many did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.metrics import METRICS
from groundtone.evaluation.questions import Evidence, Question
from groundtone.evaluation.style import Style

Unit = Literal["share", "score", "tokens", "ms"]
Kind = Literal["wrong", "refused", "answered", "form", "citation"]

KINDS: dict[Kind, str] = {
    "wrong": "Wrong or incomplete",
    "refused": "Refused needlessly",
    "answered": "Answered the unanswerable",
    "form": "Broke the house style",
    "citation": "Cited the wrong place",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of numbers: what it is called, its unit, which way is better, what it means."""

    name: str
    title: str
    unit: Unit
    higher_is_better: bool
    about: str


_ANSWERABLE = "Over answerable questions with a gold answer; a refusal counts 0."

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "passed",
            "Passed",
            "share",
            True,
            "Answerable: correct and in the house style. Unanswerable: refused in the declared "
            "words. Over questions with a gold answer and unanswerable ones.",
        ),
        Measure(
            "correct",
            "Correct",
            "share",
            True,
            f"Exact match, or the shortest gold answer stands in it. {_ANSWERABLE}",
        ),
        Measure("em", "Exact match", "share", True, f"Normalised equality. {_ANSWERABLE}"),
        Measure("f1", "Token F1", "score", True, f"SQuAD's F1, best gold answer. {_ANSWERABLE}"),
        Measure("contains", "Contains gold", "share", True, f"Any gold answer. {_ANSWERABLE}"),
        Measure(
            "all_words",
            "All gold words",
            "share",
            True,
            f"All words of the first gold answer but stop words. {_ANSWERABLE}",
        ),
        Measure("rouge_l", "ROUGE-L", "score", True, f"F1, best gold answer. {_ANSWERABLE}"),
        Measure("format", "House style kept", "share", True, "Over all answers and refusals."),
        Measure(
            "citation_resolvable",
            "Citations resolvable",
            "share",
            True,
            "Share of an answer's citations whose quote stands at the cited place. Over answers "
            "with citations.",
        ),
        Measure(
            "citation_right",
            "Right document cited",
            "share",
            True,
            "A gold document is among the cited. Over answers, not refusals, to answerable "
            "questions with gold evidence; an answer without citations counts 0; not measured for "
            "an arm that never cites.",
        ),
        Measure(
            "citation_section",
            "Right section cited",
            "share",
            True,
            "The same where the evidence names a section: document and section are both right.",
        ),
        Measure(
            "citation_precision",
            "Citation precision",
            "share",
            True,
            "Share of the cited documents that are gold. Over answers with citations to "
            "answerable questions with gold evidence.",
        ),
        Measure(
            "citation_recall",
            "Citation recall",
            "share",
            True,
            "Share of the gold documents that are cited; counted over the same answers as the "
            "right document.",
        ),
        Measure(
            "refusal_right",
            "Unanswerable refused",
            "share",
            True,
            "Over unanswerable questions.",
        ),
        Measure(
            "refusal_wrong", "Answerable refused", "share", False, "Over answerable questions."
        ),
        Measure("prompt_tokens", "Prompt tokens", "tokens", False, "Over all questions."),
        Measure("completion_tokens", "Completion tokens", "tokens", False, "Over all questions."),
        Measure("first_token_ms", "Time to first token", "ms", False, "Over all questions."),
        Measure("total_ms", "Total time", "ms", False, "Over all questions."),
    )
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an answer: its kind (a key of KINDS) and a sentence."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """One outcome, judged.

    Attributes:
        values: by measure name, a number or None where the measure has no meaning here. Pass/fail
            measures give 1.0 or 0.0.
        faults: everything wrong with it; () is clean. Wrong citations are listed but do not fail
            an answer that is correct and in style.
    """

    values: Mapping[str, float | None]
    faults: tuple[Fault, ...]

    @property
    def passed(self) -> bool | None:
        """Content and form both right; None when the question gives nothing to judge by."""
        value = self.values["passed"]
        return None if value is None else bool(value)


def score(outcome: Outcome, question: Question, style: Style | None = None) -> Score:
    """Judges one outcome; see MEASURES for what each number means and when it is None."""
    values: dict[str, float | None] = dict.fromkeys(MEASURES)
    faults: list[Fault] = []
    content = _content(outcome, question, values, faults)
    form = True
    if style is not None:
        broken = style.check(outcome.text, outcome.refused)
        form = not broken
        values["format"] = float(form)
        faults.extend(Fault("form", f"Form: {fault}.") for fault in broken)
    if content is not None:
        values["passed"] = float(content and form)
    _citations(outcome, question, values, faults)
    for name in ("prompt_tokens", "completion_tokens", "first_token_ms", "total_ms"):
        value = getattr(outcome, name)
        values[name] = None if value is None else float(value)
    return Score(values, tuple(faults))


def _content(
    outcome: Outcome,
    question: Question,
    values: dict[str, float | None],
    faults: list[Fault],
) -> bool | None:
    """Fills the measures of content; whether the content is right, None when unknown."""
    refused = outcome.refused
    if not question.answerable:
        values["refusal_right"] = float(refused)
        if not refused:
            faults.append(Fault("answered", "Answered, though the documents hold no answer."))
        return refused
    values["refusal_wrong"] = float(refused)
    if refused:
        faults.append(Fault("refused", "Refused, though the documents hold the answer."))
    if not question.answers:
        return None
    for name, metric in METRICS.items():
        values[name] = 0.0 if refused else float(metric(outcome.bare_text, question.answers))
    right = values["correct"] == 1.0
    if not right and not refused:
        overlap = values["f1"] or 0.0
        faults.append(Fault("wrong", f"The gold answer is not in it (token F1 {overlap:.2f})."))
    return right


def _citations(
    outcome: Outcome,
    question: Question,
    values: dict[str, float | None],
    faults: list[Fault],
) -> None:
    cited = outcome.citations
    if cited:
        dead = sum(not citation.get("resolvable") for citation in cited)
        values["citation_resolvable"] = 1 - dead / len(cited)
        if dead:
            faults.append(Fault("citation", f"{dead} of {len(cited)} citations do not resolve."))
    if outcome.refused or not question.answerable or not question.evidence:
        return
    documents = {str(citation.get("document", "")) for citation in cited}
    gold = {evidence.doc for evidence in question.evidence}
    hit = {doc for doc in gold if any(_same_document(doc, other) for other in documents)}
    values["citation_right"] = float(bool(hit))
    values["citation_recall"] = len(hit) / len(gold)
    if documents:
        right = [doc for doc in documents if any(_same_document(one, doc) for one in gold)]
        values["citation_precision"] = len(right) / len(documents)
    sections = [evidence for evidence in question.evidence if evidence.section]
    if sections:
        found = any(_at(evidence, citation) for evidence in sections for citation in cited)
        values["citation_section"] = float(found)
    if cited and not hit:
        faults.append(Fault("citation", f"Cites {_some(documents)}; the gold is {_some(gold)}."))


def _at(evidence: Evidence, citation: Mapping[str, object]) -> bool:
    return _same_document(evidence.doc, str(citation.get("document", ""))) and _same_section(
        evidence.section or "", str(citation.get("section") or "")
    )


def _same_document(left: str, right: str) -> bool:
    """Equal paths, or one the tail of the other: a source may be a folder further in or out."""
    one, two = (path.replace("\\", "/").removeprefix("./").strip("/") for path in (left, right))
    return (
        bool(one)
        and bool(two)
        and (one == two or one.endswith("/" + two) or two.endswith("/" + one))
    )


def _same_section(left: str, right: str) -> bool:
    """Equal leading numbers ("2.1" and "2.1 Reset a password"), else equal titles."""
    one, two = (_section(text) for text in (left, right))
    if one[0] and two[0]:
        return one[0] == two[0]
    return bool(one[1]) and one[1] == two[1]


def _section(text: str) -> tuple[str, str]:
    plain = re.sub(r"^(?:section|sec\.|§)\s*", "", text.strip().casefold())
    number = re.match(r"(?:\d+(?:\.\d+)*|[a-z](?:\.\d+)+)(?=[.:)\s]|$)", plain)
    if number is None:
        return "", plain
    return number.group(), plain[number.end() :].strip(" .:)") or plain


def _some(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
