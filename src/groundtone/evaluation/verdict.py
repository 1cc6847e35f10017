"""The comparison in one or two sentences that claim no more than was proven."""

from __future__ import annotations

from groundtone.evaluation.figures import show, show_reach, show_signed
from groundtone.evaluation.measures import MEASURES, Unit
from groundtone.evaluation.report import (
    ArmMeasures,
    Pair,
    Report,
)
from groundtone.evaluation.statistics import Interval

_COSTS: tuple[tuple[tuple[str, ...], str, Unit], ...] = (
    (("cost_passing",), "for each answer that passes", "usd"),
    (("prompt_tokens", "completion_tokens"), "tokens a question", "tokens"),
    (("total_ms",), "a question", "ms"),
)


def sentence(report: Report) -> str:
    """The verdict of a report: the best arm against the one that the others are held against.

    The best arm is the one that passes most questions (content and form); without a style, the
    one with the best content. It is only said to be better where that is proven.
    """
    measured = [arm for arm in report.arms.values() if arm.measures.get(report.content)]
    if not measured:
        return _form_only(report)
    if len(measured) == 1 or report.versus not in report.arms:
        best = max(measured, key=lambda arm: _rank(arm, report))
        tail = "" if len(measured) == 1 else f" “{report.versus}” was not measured beside it."
        return f"{_quoted(best)}: {_alone(best, report)}.{tail}"
    base = report.arms[report.versus]
    others = [arm for arm in measured if arm.name != base.name]
    best = max(others, key=lambda arm: _rank(arm, report))
    content = report.pair(best.name, base.name, report.content)
    if content is None:
        return f"{_quoted(best)} and {_quoted(base)} have no question in common to compare."
    return _compare(report, best, base, content, report.pair(best.name, base.name, "format"))


def reach(report: Report) -> str:
    """How large a difference the questions could show, and how many more it would take; or ""."""
    pairs = [pair for pair in report.pairs if pair.measure == report.content]
    open_ = [pair for pair in pairs if pair.verdict == "no proven difference"]
    if not open_:
        return ""
    pair = max(open_, key=lambda pair: abs(pair.difference.value))
    unit = MEASURES[report.content].unit
    size = show_reach(pair).replace(" pp", " points")
    seen = show_signed(abs(pair.difference.value), unit).lstrip("+±")
    title = MEASURES[report.content].title
    title = title[:1].lower() + title[1:]
    few = f"With {pair.difference.n} question{'' if pair.difference.n == 1 else 's'}"
    text = f"{few} a difference of {size} in {title} would be proven four times in five"
    if pair.detectable is None:
        text = f"{few} no difference in {title} is large enough to be proven four times in five"
        if pair.difference.low == pair.difference.high:  # many that are all equal
            text = f"{few} that came out alike nobody can say what difference would be proven"
    if pair.more_questions:
        noun = "question" if pair.more_questions == 1 else "questions"
        text += (
            f"; to prove one of {seen}{' points' if unit == 'share' else ''}, as seen between "
            f"“{pair.a}” and “{pair.b}”, it would take {pair.more_questions:,} more {noun}"
        )
    return text + "."


def _quoted(arm: ArmMeasures) -> str:
    return f"“{arm.name}”"


def _compare(
    report: Report, best: ArmMeasures, base: ArmMeasures, content: Pair, form: Pair | None
) -> str:
    a, b = _quoted(best), _quoted(base)
    in_form = form.verdict if form else "no proven difference"
    facts = _facts(report, best, base, content)
    style = _style(best, base)
    match content.verdict, in_form:
        case "better", "better":
            return f"{a} beats {b} in content and in form: {facts}; {style}."
        case "better", "worse":
            return f"A trade-off: {a} is better in content, {facts}, but worse in form: {style}."
        case "better", _:
            return f"{a} beats {b} in content: {facts}{_same_form(form)}."
        case "worse", "better":
            return f"A trade-off: {a} is better in form, {style}, but worse in content: {facts}."
        case "worse", _:
            return f"{b} stays ahead: the best of the others, {a}, has {facts}."
        case _, "better":
            return f"{a} wins in form: {style}. In content, no difference is proven: {facts}."
        case _, "worse":
            return f"{b} stays ahead in form: {style}. In content, none is proven: {facts}."
    return f"No proven difference between {a} and {b}: {facts}. {_cheaper(best, base)}".strip()


def _facts(report: Report, best: ArmMeasures, base: ArmMeasures, pair: Pair) -> str:
    measure = MEASURES[report.content]
    mine, other = best.measures[report.content], base.measures[report.content]
    assert mine is not None and other is not None  # a pair exists, so both were measured
    low = show_signed(pair.difference.low, measure.unit)
    high = show_signed(pair.difference.high, measure.unit)
    words = (
        f"token F1 {show(mine.value, 'score')} against {show(other.value, 'score')}"
        if report.content == "f1"
        else f"{show(mine.value, 'share')} {_right(report)} against {show(other.value, 'share')}"
    )
    points = " points" if measure.unit == "share" else ""
    return f"{words} (95% interval of the difference {low} to {high}{points})"


def _right(report: Report) -> str:
    return "right by the judge" if report.content == "judge" else "correct"


def _style(best: ArmMeasures, base: ArmMeasures) -> str:
    mine, other = best.measures.get("format"), base.measures.get("format")
    if mine is None or other is None:
        return ""
    return f"house style kept in {show(mine.value, 'share')} against {show(other.value, 'share')}"


def _same_form(form: Pair | None) -> str:
    return "; in form no difference is proven" if form else ""


def _cheaper(best: ArmMeasures, base: ArmMeasures) -> str:
    for names, noun, unit in _COSTS:
        mine, other = _sum(best, names), _sum(base, names)
        if mine is None or other is None or mine == other:
            continue
        name = _quoted(best if mine < other else base)
        least, most = show(min(mine, other), unit), show(max(mine, other), unit)
        return f"Take the cheaper, {name}: {least} against {most} {noun}."
    return ""


def _sum(arm: ArmMeasures, names: tuple[str, ...]) -> float | None:
    found = [arm.measures.get(name) for name in names]
    return None if None in found else sum(item.value for item in found if item)


def _rank(arm: ArmMeasures, report: Report) -> tuple[float, float]:
    def value(interval: Interval | None) -> float:
        return -1.0 if interval is None else interval.value

    # Where gold answers are sentences nothing passes: content decides, then form.
    first = report.content if report.content == "f1" else "passed"
    return value(arm.measures.get(first)), value(arm.measures.get(report.content))


def _alone(arm: ArmMeasures, report: Report) -> str:
    interval = arm.measures[report.content]
    assert interval is not None
    unit = MEASURES[report.content].unit
    name = "token F1" if report.content == "f1" else _right(report)
    return f"{name} {show(interval.value, unit)} over {interval.n} answerable questions"


def _form_only(report: Report) -> str:
    kept = [
        f"{_quoted(arm)} {show(interval.value, 'share')}"
        for arm in report.arms.values()
        if (interval := arm.measures.get("format"))
    ]
    if kept:
        return f"No gold answers, so only form was measured: house style kept in {', '.join(kept)}."
    return "Nothing to compare: the questions hold no gold answers, and no house style was given."
