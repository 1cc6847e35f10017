"""Outcomes of all arms → a report: means, paired differences, one verdict."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from groundtone.errors import WrongUse
from groundtone.evaluation import planning, seeds, statistics
from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.measures import KINDS, MEASURES
from groundtone.evaluation.metrics import tokens
from groundtone.evaluation.planning import ALPHA
from groundtone.evaluation.questions import Question
from groundtone.evaluation.report import ArmMeasures, Pair, Report, Result, Row
from groundtone.evaluation.scoring import Yardsticks, score
from groundtone.evaluation.style import Style

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

# Gold answers longer than this are sentences that no answer repeats word for word.
_SHORT_GOLD = 8
MARGIN = 0.05
_OF_CITING = (
    "citation_right",
    "citation_section",
    "citation_precision",
    "citation_recall",
    "gold_cited",
)

Columns = dict[str, dict[str, list[float]]]
"""Measure → question id → one number for each replica."""


def measure(
    outcomes: Iterable[Outcome],
    questions: Sequence[Question],
    style: Style | Yardsticks | None = None,
    *,
    seed: int = 0,
    versus: str = "rag",
    notes: Mapping[str, str] | None = None,
) -> Report:
    """Judges every outcome and compares the arms.

    Means are over the questions where a measure has a meaning (measures.MEASURES says which), each
    with a 95% interval. Pairs are over the questions where both arms have a number: every arm
    against ``versus``, and "both" against every other arm. For each measure, p-values are
    corrected over its pairs (Holm).

    An arm may have several replicas (models of one recipe with different training seeds): then a
    question's number is the mean over them, and intervals and p-values leave the seeds to chance
    as well as the questions (see `seeds`). Two arms with equally many replicas are paired replica
    by replica; of two with several, but not equally many, the second counts by its mean.

    Args:
        style: the house style, or all that answers are held against.
        versus: the arm that the others are held against; no pairs with it when it is not there.
        seed: of the resampling; the same outcomes and seed give the same report to the last digit.
        notes: lines for the report's method section, such as ``{"Command": "groundtone compare
            questions.jsonl", "Model": "smollm2-135m-instruct, Q8_0"}``.

    Raises:
        WrongUse: an outcome of an unknown question, or two of one arm, replica and question.
    """
    by = style if isinstance(style, Yardsticks) else Yardsticks(style)
    rows = _rows(outcomes, questions, by)
    names = list(dict.fromkeys(chain.from_iterable(row.results for row in rows)))
    columns = {name: _columns(rows, name) for name in names}
    report = Report(
        arms={name: _arm(rows, name, columns[name], seed) for name in names},
        pairs=_pairs(names, columns, versus, seed),
        rows=rows,
        content=_content(rows),
        versus=versus,
        seed=seed,
        style=None if by.style is None else by.style.name or "unnamed",
        notes=dict(notes or {}),
        versions=_versions(),
    )
    statistics.free()
    return report


def _rows(outcomes: Iterable[Outcome], questions: Sequence[Question], by: Yardsticks) -> list[Row]:
    by_question: dict[str, dict[str, dict[int, Outcome]]] = {q.id: {} for q in questions}
    for outcome in outcomes:
        answers = by_question.get(outcome.question_id)
        if answers is None:
            raise WrongUse(
                f"Arm {outcome.arm} answered question {outcome.question_id}, which is not among "
                "the questions.",
                "Measure the outcomes with the questions they were made from.",
            )
        replicas = answers.setdefault(outcome.arm, {})
        if outcome.replica in replicas:
            raise WrongUse(f"Arm {outcome.arm} answered question {outcome.question_id} twice.")
        replicas[outcome.replica] = outcome
    return [
        Row(
            question,
            {
                arm: _result([replicas[number] for number in sorted(replicas)], question, by)
                for arm, replicas in by_question[question.id].items()
            },
        )
        for question in questions
        if by_question[question.id]
    ]


def _result(outcomes: Sequence[Outcome], question: Question, by: Yardsticks) -> Result:
    first, *others = (Result(one, score(one, question, by)) for one in outcomes)
    return replace(first, others=tuple(others))


def _columns(rows: Sequence[Row], arm: str) -> Columns:
    """Measure → question id → a number for each replica, where every replica has one."""
    found: Columns = {name: {} for name in MEASURES}
    cites = False
    for row in rows:
        result = row.results.get(arm)
        if result is None:
            continue
        cites |= any(one.outcome.citations for one in result.all)
        for name in MEASURES:
            numbers = [one.score.values[name] for one in result.all]
            known = [number for number in numbers if number is not None]
            if known and len(known) == len(numbers):
                found[name][row.question.id] = known
    if not cites:  # an arm that never cites is not wrong in its citations, it has none
        for name in _OF_CITING:
            found[name] = {}
    most = max((len(v) for column in found.values() for v in column.values()), default=1)
    for name, column in found.items():  # a seed that was not asked everything is no replica yet
        found[name] = {question: v for question, v in column.items() if len(v) == most}
    return found


def _arm(rows: Sequence[Row], arm: str, columns: Columns, seed: int) -> ArmMeasures:
    results = [row.results[arm] for row in rows if arm in row.results]
    everyone = [one for result in results for one in result.all]
    measures = {name: _mean(name, list(column.values()), seed) for name, column in columns.items()}
    measures["cost_passing"] = _cost_passing(columns, seed)
    models = sorted({(one.outcome.replica, one.outcome.model) for one in everyone})
    return ArmMeasures(
        name=arm,
        model=", ".join(dict.fromkeys(model for _, model in models if model)),
        questions=len(results),
        measures=measures,
        failures={
            kind: sum(any(f.kind == kind for f in r.score.faults) for r in results)
            for kind in KINDS
        },
        seeds=max((len(result.all) for result in results), default=1),
    )


def _mean(name: str, values: Sequence[Sequence[float]], seed: int) -> statistics.Interval | None:
    if not values or len(values[0]) == 1:
        return statistics.mean_interval([value[0] for value in values], seed=seed)
    import numpy as np

    found = seeds.crossed_interval(np.asarray(values, dtype=np.float64), seed=seed)
    assert found is not None
    low, high = max(0.0, found.low), found.high
    if MEASURES[name].unit in ("share", "score"):
        high = min(1.0, high)
    if all(x in (0, 1) for value in values for x in value):
        ends = statistics.wilson(found.value, found.n)
        low, high = min(low, ends[0]), max(high, ends[1])
    return statistics.Interval(found.value, low, high, found.n)


def _cost_passing(columns: Columns, seed: int) -> statistics.Interval | None:
    """What all answers cost over how many passed; the replicas' answers count alike."""
    cost, passed = columns["cost"], columns["passed"]
    common = [question for question in passed if question in cost]
    if len(common) < len(passed):  # an answer without a price: the whole has none
        return None
    return statistics.ratio_interval(
        [fmean(cost[q]) for q in common], [fmean(passed[q]) for q in common], seed=seed
    )


def _pairs(
    names: Sequence[str],
    columns: Mapping[str, Columns],
    versus: str,
    seed: int,
) -> list[Pair]:
    wanted = [(name, versus) for name in names if name != versus and versus in names]
    if "both" in names and versus != "both":  # else each pair would be there twice, turned round
        wanted += [("both", name) for name in names if name not in ("both", versus)]
    return [
        pair
        for name, kind in MEASURES.items()
        if kind.higher_is_better is not None
        for pair in _pairs_of(name, wanted, columns, seed)
    ]


def _pairs_of(
    name: str,
    wanted: Iterable[tuple[str, str]],
    columns: Mapping[str, Columns],
    seed: int,
) -> list[Pair]:
    found: dict[tuple[str, str], _Tested] = {}
    kind = MEASURES[name]
    bounded = kind.unit in ("share", "score")
    most = 1.0 if bounded else math.inf
    for a, b in wanted:
        tested = _tested(columns[a][name], columns[b][name], most, seed)
        if tested is not None:
            found[a, b] = tested
    adjusted = statistics.holm({pair: tested.p for pair, tested in found.items()})
    higher = bool(kind.higher_is_better)
    pairs = []
    for (a, b), tested in found.items():
        reach = planning.plan(tested.table, alpha=ALPHA / len(found), pass_fail=tested.pass_fail)
        word = statistics.verdict(
            tested.interval, adjusted[a, b], higher_is_better=higher, alpha=ALPHA
        )
        proven = word != "no proven difference"
        pairs.append(
            Pair(
                a=a,
                b=b,
                measure=name,
                difference=tested.interval,
                p=tested.p,
                p_adjusted=adjusted[a, b],
                verdict=word,
                not_worse=_not_worse(tested.interval, higher) if bounded else None,
                detectable=None if (reach.detectable or 0) > most else reach.detectable,
                more_questions=0 if proven else reach.more_questions or None,
                test=tested.test,
            )
        )
    return pairs


@dataclass(frozen=True, slots=True)
class _Tested:
    """One pair's differences (questions x replicas), tested."""

    table: Array
    interval: statistics.Interval
    p: float
    test: str
    pass_fail: bool


def _tested(
    left: Mapping[str, Sequence[float]],
    right: Mapping[str, Sequence[float]],
    most: float,
    seed: int,
) -> _Tested | None:
    """The pair tested over the questions that both have; `most`: as large as a number can be."""
    common = [question for question in left if question in right]
    if not common:
        return None
    import numpy as np

    one, two = [left[q] for q in common], [right[q] for q in common]
    pass_fail = all(x in (0, 1) for values in (*one, *two) for x in values)
    mine, theirs = np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64)
    if len(one[0]) != len(two[0]) and len(one[0]) > 1:  # no replica has a partner
        theirs = theirs.mean(axis=1, keepdims=True)
    table = mine - theirs
    if table.shape[1] == 1:
        a, b = [v[0] for v in one], [v[0] for v in two]
        interval = statistics.paired_interval(a, b, seed=seed)
        p = statistics.paired_p(a, b, seed=seed)
        test = "McNemar's exact test" if pass_fail else "sign flips"
    else:
        interval = seeds.crossed_interval(table, pass_fail=pass_fail, most=most, seed=seed)
        p = seeds.crossed_p(table, seed=seed)
        test = "analysis of variance over questions and seeds"
    assert interval is not None and p is not None
    return _Tested(table, interval, p, test, pass_fail)


def _not_worse(difference: statistics.Interval, higher_is_better: bool) -> bool:
    return statistics.not_worse(difference.low if higher_is_better else -difference.high, MARGIN)


def _content(rows: Sequence[Row]) -> str:
    """The measure that content is judged by.

    The judge where there is one; else "correct", or "f1" where gold answers are sentences.
    """
    judged = [
        one.score.values["judge"] is not None or one.score.values["correct"] is None
        for row in rows
        for result in row.results.values()
        for one in result.all
    ]
    if all(judged) and any(
        result.score.values["judge"] is not None for row in rows for result in row.results.values()
    ):
        return "judge"
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
