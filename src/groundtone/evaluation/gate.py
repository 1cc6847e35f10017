"""Whether a tuned model earns its place: form up, facts not significantly down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundtone.evaluation.report import Report
from groundtone.evaluation.style import Style

FORM_GOAL = 0.95
"""A tuned model that keeps the style this often passes even where the base did as well."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The decision and its numbers.

    Attributes:
        passed: whether the model may be put to use.
        form, form_before: share of held-out answers in the house style, tuned and base.
        facts, facts_before: token F1 against the held-out answers.
        facts_low: lower end of the 95% interval of the paired difference in facts.
        questions: held-out questions asked.
        reasons: one sentence per check.
    """

    passed: bool
    form: float
    form_before: float
    facts: float
    facts_before: float
    facts_low: float
    questions: int
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the shape kept with the model and printed by ``--json``."""
        return asdict(self)


def decide(report: Report, *, tuned: str = "both", base: str = "rag") -> Gate:
    """Judge a comparison of the two arms on held-out examples.

    Form must rise, or stand at :data:`FORM_GOAL`. Facts (token F1 with the same passages) must
    not have fallen significantly: the 95% interval of the paired difference must reach 0.
    """
    form, before = _value(report, tuned, "format"), _value(report, base, "format")
    facts, facts_before = _value(report, tuned, "f1"), _value(report, base, "f1")
    pair = report.pair(tuned, base, "f1")
    low = pair.difference.low if pair else 0.0
    high = pair.difference.high if pair else 0.0
    form_ok = form > before or form >= FORM_GOAL
    facts_ok = high >= 0
    reasons = (
        f"house style kept in {form:.0%} of held-out answers, {before:.0%} without tuning: "
        + ("passed" if form_ok else "refused, it must rise"),
        f"token F1 {facts:.3f}, {facts_before:.3f} without tuning: "
        + ("passed" if facts_ok else "refused, facts were significantly lost"),
    )
    return Gate(
        passed=form_ok and facts_ok,
        form=form,
        form_before=before,
        facts=facts,
        facts_before=facts_before,
        facts_low=low,
        questions=len(report.rows),
        reasons=reasons,
    )


def infer_style(answers: Sequence[str], *, label: str, refusal: str) -> Style:
    """A style for those who declared none: as long as their examples are, labelled, no longer."""
    from groundtone import sentences

    bare = [Style.of({"label": label}).bare(answer) if label else answer for answer in answers]
    words = sorted(len(text.split()) for text in bare)
    counts = sorted(len(sentences.split(text)) for text in bare)
    values: dict[str, Any] = {
        "name": "inferred from the examples",
        "refusal": refusal,
        "max_words": max(5, round(1.25 * words[int(0.98 * (len(words) - 1))])),
        "max_sentences": max(1, counts[int(0.98 * (len(counts) - 1))]),
    }
    if label:
        values["label"] = label
    return Style.of(values)


def _value(report: Report, arm: str, measure: str) -> float:
    interval = report.arms[arm].measures.get(measure)
    return interval.value if interval is not None else 0.0
