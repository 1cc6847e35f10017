"""Whether a tuned model earns its place: form up, facts and general knowledge not lost, and what is
served is what was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundtone.evaluation.everyday import Probe
from groundtone.evaluation.report import Report
from groundtone.evaluation.style import Style

FORM_GOAL = 0.95
"""A tuned model that keeps the style this often passes even where the base did as well."""


PARITY_GOAL = 0.75
"""Share of answers that must be PEFT's or leave it at a near tie. A wrongly written adapter gives
four of ten, the base none."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Answers that the served adapter gives as PEFT did, those that leave it where PEFT's two
    likeliest tokens are nearly tied, and how many were compared."""

    equal: int
    near: int
    of: int

    @property
    def holds(self) -> bool:
        """Whether the served model is the trained one."""
        return self.equal + self.near >= PARITY_GOAL * self.of


@dataclass(frozen=True, slots=True)
class Gate:
    """The decision and its numbers.

    Attributes:
        passed: whether the model may be put to use.
        form, form_before: share of held-out answers in the house style, tuned and base.
        facts, facts_before: token F1 against the held-out answers.
        facts_low: lower end of the 95% interval of the paired difference in facts.
        questions: held-out questions asked.
        general, general_before: share of everyday questions answered rightly; None: not asked.
        general_p: of a McNemar test between the two.
        parity: share of answers equal to PEFT's, or leaving them at a near tie; None: not compared.
        applied: the adapter changes the probabilities of the first token; the engine refuses to
            load one that does not, so a gate that was reached says True.
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
    general: float | None = None
    general_before: float | None = None
    general_p: float | None = None
    parity: float | None = None
    applied: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the shape kept with the model and printed by ``--json``."""
        return asdict(self)


def decide(
    report: Report,
    *,
    tuned: str = "both",
    base: str = "rag",
    general: Probe | None = None,
    parity: Parity | None = None,
) -> Gate:
    """Judge a comparison of the two arms on held-out examples.

    Form must rise, or stand at :data:`FORM_GOAL`. Facts (token F1 with the same passages) must
    not be proven worse: the pair's verdict says so only where its interval and its p agree, so that
    a handful of answers, which can prove nothing, refuse nobody. Everyday questions must not be
    answered significantly worse, and what is served must be what was trained.
    """
    form, before = _value(report, tuned, "format"), _value(report, base, "format")
    facts, facts_before = _value(report, tuned, "f1"), _value(report, base, "f1")
    pair = report.pair(tuned, base, "f1")
    low = pair.difference.low if pair else 0.0
    form_ok = form > before or form >= FORM_GOAL
    facts_ok = pair is None or pair.verdict != "worse"
    reasons = [
        f"house style kept in {form:.0%} of held-out answers, {before:.0%} without tuning: "
        + ("passed" if form_ok else "refused, it must rise"),
        f"token F1 {facts:.3f}, {facts_before:.3f} without tuning: "
        + ("passed" if facts_ok else "refused, facts were significantly lost"),
    ]
    if general is not None:
        reasons.append(
            f"{general.after:.0%} of {general.questions} everyday questions answered rightly, "
            f"{general.before:.0%} without tuning: "
            + ("refused, knowledge was significantly lost" if general.lost else "passed")
        )
    if parity is not None:
        reasons.append(
            f"{parity.equal} of {parity.of} answers are those of training, {parity.near} leave "
            "them at a near tie: "
            + ("passed" if parity.holds else "refused, what is served is not what was trained")
        )
    checks = (
        form_ok,
        facts_ok,
        general is None or not general.lost,
        parity is None or parity.holds,
    )
    return Gate(
        passed=all(checks),
        form=form,
        form_before=before,
        facts=facts,
        facts_before=facts_before,
        facts_low=low,
        questions=len(report.rows),
        reasons=tuple(reasons),
        general=None if general is None else general.after,
        general_before=None if general is None else general.before,
        general_p=None if general is None else general.p,
        parity=None if parity is None else (parity.equal + parity.near) / max(1, parity.of),
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
