"""Outcomes of all arms → a report: means, paired differences, one verdict."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from statistics import median

from groundtone.errors import WrongUse
from groundtone.evaluation import statistics
from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.metrics import tokens
from groundtone.evaluation.questions import Question
from groundtone.evaluation.report import ArmMeasures, Pair, Report, Result, Row
from groundtone.evaluation.scoring import KINDS, MEASURES, score
from groundtone.evaluation.style import Style

# Gold answers longer than this are sentences that no answer repeats word for word.
_SHORT_GOLD = 8
MARGIN = 0.05


def measure(
    outcomes: Iterable[Outcome],
    questions: Sequence[Question],
    style: Style | None = None,
    *,
    seed: int = 0,
    versus: str = "rag",
    notes: Mapping[str, str] | None = None,
) -> Report:
    """Judges every outcome and compares the arms.

    Means are over the questions where a measure has a meaning (scoring.MEASURES says which), each
    with a 95% interval. Pairs are over the questions where both arms have a number: every arm
    against ``versus``, and "both" against every other arm. For each measure, p-values are
    corrected over its pairs (Holm).

    Args:
        versus: the arm that the others are held against; no pairs with it when it is not there.
        seed: of the resampling; the same outcomes and seed give the same report to the last digit.
        notes: lines for the report's method section, such as ``{"Command": "groundtone compare
            questions.jsonl", "Model": "smollm2-135m-instruct, Q8_0"}``.

    Raises:
        WrongUse: an outcome of an unknown question, or two of one arm and question.
    """
    rows = _rows(outcomes, questions, style)
    names = list(dict.fromkeys(chain.from_iterable(row.results for row in rows)))
    columns = {name: _columns(rows, name) for name in names}
    report = Report(
        arms={name: _arm(rows, name, columns[name], seed) for name in names},
        pairs=_pairs(names, columns, versus, seed),
        rows=rows,
        content=_content(rows),
        versus=versus,
        seed=seed,
        style=None if style is None else style.name or "unnamed",
        notes=dict(notes or {}),
        versions=_versions(),
    )
    statistics.free()
    return report


def _rows(
    outcomes: Iterable[Outcome], questions: Sequence[Question], style: Style | None
) -> list[Row]:
    by_question: dict[str, dict[str, Outcome]] = {question.id: {} for question in questions}
    for outcome in outcomes:
        answers = by_question.get(outcome.question_id)
        if answers is None:
            raise WrongUse(
                f"Arm {outcome.arm} answered question {outcome.question_id}, which is not among "
                "the questions.",
                "Measure the outcomes with the questions they were made from.",
            )
        if outcome.arm in answers:
            raise WrongUse(f"Arm {outcome.arm} answered question {outcome.question_id} twice.")
        answers[outcome.arm] = outcome
    return [
        Row(
            question,
            {
                arm: Result(outcome, score(outcome, question, style))
                for arm, outcome in by_question[question.id].items()
            },
        )
        for question in questions
        if by_question[question.id]
    ]


def _columns(rows: Sequence[Row], arm: str) -> dict[str, dict[str, float]]:
    """Measure → question id → number, for one arm, where there is one."""
    found: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    cites = False
    for row in rows:
        result = row.results.get(arm)
        if result is None:
            continue
        cites |= bool(result.outcome.citations)
        for name, value in result.score.values.items():
            if value is not None:
                found[name][row.question.id] = value
    if not cites:  # an arm that never cites is not wrong in its citations, it has none
        for name in ("citation_right", "citation_section", "citation_recall"):
            found[name] = {}
    return found


def _arm(
    rows: Sequence[Row], arm: str, columns: Mapping[str, Mapping[str, float]], seed: int
) -> ArmMeasures:
    results = [row.results[arm] for row in rows if arm in row.results]
    return ArmMeasures(
        name=arm,
        model=", ".join(sorted({r.outcome.model for r in results if r.outcome.model})),
        questions=len(results),
        measures={
            name: statistics.mean_interval(list(column.values()), seed=seed)
            for name, column in columns.items()
        },
        failures={
            kind: sum(any(f.kind == kind for f in r.score.faults) for r in results)
            for kind in KINDS
        },
    )


def _pairs(
    names: Sequence[str],
    columns: Mapping[str, Mapping[str, Mapping[str, float]]],
    versus: str,
    seed: int,
) -> list[Pair]:
    wanted = [(name, versus) for name in names if name != versus and versus in names]
    wanted += [("both", name) for name in names if "both" in names and name not in ("both", versus)]
    return [
        pair for name in MEASURES for pair in _pairs_of(name, dict.fromkeys(wanted), columns, seed)
    ]


def _pairs_of(
    name: str,
    wanted: Iterable[tuple[str, str]],
    columns: Mapping[str, Mapping[str, Mapping[str, float]]],
    seed: int,
) -> list[Pair]:
    found: dict[tuple[str, str], statistics.Interval] = {}
    p_values: dict[tuple[str, str], float] = {}
    for a, b in wanted:
        left, right = columns[a][name], columns[b][name]
        common = [question for question in left if question in right]
        one, two = [left[q] for q in common], [right[q] for q in common]
        interval = statistics.paired_interval(one, two, seed=seed)
        p = statistics.paired_p(one, two, seed=seed)
        if interval is not None and p is not None:
            found[a, b], p_values[a, b] = interval, p
    adjusted = statistics.holm(p_values)
    kind = MEASURES[name]
    bounded = kind.unit in ("share", "score")
    return [
        Pair(
            a=a,
            b=b,
            measure=name,
            difference=interval,
            p=p_values[a, b],
            p_adjusted=adjusted[a, b],
            verdict=statistics.verdict(
                interval, adjusted[a, b], higher_is_better=kind.higher_is_better
            ),
            not_worse=_not_worse(interval, kind.higher_is_better) if bounded else None,
        )
        for (a, b), interval in found.items()
    ]


def _not_worse(difference: statistics.Interval, higher_is_better: bool) -> bool:
    return statistics.not_worse(difference.low if higher_is_better else -difference.high, MARGIN)


def _content(rows: Sequence[Row]) -> str:
    """The measure of content to judge by: "correct", or "f1" where gold answers are sentences."""
    lengths = [
        min(len(tokens(gold)) for gold in row.question.answers)
        for row in rows
        if row.question.answers
    ]
    return "f1" if lengths and median(lengths) > _SHORT_GOLD else "correct"


def _versions() -> dict[str, str]:
    from importlib import metadata

    found = {"Python": ".".join(str(part) for part in sys.version_info[:3])}
    for package in ("groundtone", "numpy", "xllamacpp", "lancedb", "onnxruntime"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
