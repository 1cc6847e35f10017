"""The report as one self-contained HTML page; the template is ``report.html.j2`` beside this."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from typing import Any

from groundtone.evaluation import charts
from groundtone.evaluation.figures import show, show_difference, show_p, show_range, show_reach
from groundtone.evaluation.measures import KINDS, MEASURES
from groundtone.evaluation.report import ArmMeasures, Pair, Report, Result

_GROUPS = (
    ("Content", ("passed", "correct", "judge", "em", "f1", "contains", "all_words", "rouge_l")),
    ("Form", ("format", "style", "length_ratio", "function_words", "ngrams")),
    (
        "Citations and faithfulness",
        (
            "citation_resolvable",
            "citation_right",
            "citation_section",
            "citation_precision",
            "citation_recall",
            "cited_gold",
            "gold_cited",
            "faithfulness",
        ),
    ),
    ("Refusals", ("refusal", "refusal_right", "refusal_wrong")),
    (
        "Cost and time",
        (
            "cost",
            "cost_passing",
            "tokens",
            "prompt_tokens",
            "completion_tokens",
            "first_token_ms",
            "total_ms",
        ),
    ),
)
_COLOURS = {"base": 0, "few-shot": 1, "rag": 2, "tuned": 3, "both": 4}
_TOKENS = ("prompt", "completion")
_NO_CITATION = dict.fromkeys(
    [
        "document",
        "title",
        "section",
        "page",
        "start",
        "end",
        "quote",
        "resolvable",
        "before",
        "after",
    ]
)
_FRAGMENT = re.compile(r"\s*\([^()]*\)|“[^”]*”")


def render(report: Report) -> str:
    """The page's HTML. Everything that came from outside is escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    source = resources.files("groundtone.evaluation").joinpath("report.html.j2")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    colours = _palette(list(report.arms))
    environment.filters["svg"] = Markup
    environment.globals.update(
        glyph=lambda name: Markup(charts.glyph(colours[name])), colours=colours
    )
    template = environment.from_string(source.read_text(encoding="utf-8"))
    notes = dict(report.notes)
    return template.render(
        report=report,
        title=report.verdict,
        command=notes.pop("Command", ""),
        notes=notes,
        tiles=[_tile(arm, report) for arm in report.arms.values()],
        quality=_quality(report, colours),
        worth=_worth(report, colours),
        costs=_costs(report, colours),
        remarks=report.remarks(),
        missing=_missing(report),
        seeded=any(arm.seeds > 1 for arm in report.arms.values()),
        label=_label,
        groups=_groups(report),
        key_pairs=_pairs(report, report.key_measures(), colours),
        more_pairs=_pairs(
            report, [m for m in report.shown_measures() if m not in report.key_measures()], colours
        ),
        kinds=[(kind, title) for kind, title in KINDS.items() if _any(report, kind)],
        often={name: _often(report, name) for name in report.arms},
        rows=[_row(report, place) for place in range(len(report.rows))],
        about=[MEASURES[name] for name in report.shown_measures()],
    )


def _palette(names: Sequence[str]) -> dict[str, int]:
    free = [number for number in range(8) if number not in {_COLOURS.get(n) for n in names}]
    found: dict[str, int] = {}
    for name in names:
        found[name] = _COLOURS[name] if name in _COLOURS else free.pop(0) if free else 7
    return found


def _any(report: Report, kind: str) -> bool:
    return any(arm.failures.get(kind) for arm in report.arms.values())


def _tile(arm: ArmMeasures, report: Report) -> dict[str, Any]:
    first = report.content if report.content == "f1" else "passed"
    interval = arm.measures.get(first) or arm.measures.get("format")
    name = first if arm.measures.get(first) else "format"
    facts = [
        (label, show(found.value, MEASURES[measure].unit))
        for label, measure in (
            (
                {"correct": "correct", "judge": "right"}.get(report.content, "all gold words"),
                "all_words" if report.content == "f1" else report.content,
            ),
            ("in style", "format"),
            ("faithful", "faithfulness"),
            ("tokens", "tokens"),
            ("total", "total_ms"),
            ("cost", "cost"),
        )
        if measure != name and (found := arm.measures.get(measure))
    ]
    return {
        "name": arm.name,
        "label": MEASURES[name].title,
        "value": show(interval.value, MEASURES[name].unit) if interval else "–",
        "range": show_range(interval, MEASURES[name].unit) if interval else "not measured",
        "facts": facts,
    }


def _quality(report: Report, colours: dict[str, int]) -> dict[str, str] | None:
    measure = MEASURES[report.content]
    both, single = [], []
    for name, arm in report.arms.items():
        content, form = arm.measures.get(report.content), arm.measures.get("format")
        if content:
            single.append((charts.Mark(name, colours[name]), content))
            if form:
                both.append((charts.Mark(name, colours[name]), content, form))
    if both:
        title = f"{measure.title} and house style"
        return {
            "title": title,
            "tall": "yes",
            "note": "Upper right is best. Lines are 95% intervals.",
            "svg": charts.scatter(
                both,
                x_title=measure.title,
                y_title="House style kept",
                x_unit=measure.unit,
                y_unit="share",
                title=title,
            ),
        }
    if single:
        return {
            "title": measure.title,
            "tall": "",
            "note": "Lines are 95% intervals.",
            "svg": charts.dots(
                single, x_title=measure.title, unit=measure.unit, title=measure.title
            ),
        }
    return None


def _worth(report: Report, colours: dict[str, int]) -> dict[str, str] | None:
    """Content against what it costs: dollars where all arms have a price, else tokens or time."""
    content = MEASURES[report.content]
    arms = [arm for arm in report.arms.values() if arm.measures.get(report.content)]
    for name in ("cost", "tokens", "total_ms"):
        points = [
            (charts.Mark(arm.name, colours[arm.name]), spent, good)
            for arm in arms
            if (spent := arm.measures.get(name)) and (good := arm.measures.get(report.content))
        ]
        if len(points) < max(2, len(arms)):
            continue
        title = f"{content.title} and {_label(MEASURES[name].title)}"
        why = " No price is known for these models." if name == "tokens" else ""
        return {
            "title": title,
            "note": f"Upper left is best. Lines are 95% intervals.{why}",
            "svg": charts.scatter(
                points,
                x_title=MEASURES[name].title,
                y_title=content.title,
                x_unit=MEASURES[name].unit,
                y_unit=content.unit,
                title=title,
            ),
        }
    return None


def _missing(report: Report) -> list[str]:
    """Titles of the measures that no arm has a number for."""
    shown = set(report.shown_measures())
    return [measure.title for name, measure in MEASURES.items() if name not in shown]


def _label(title: str) -> str:
    """A title inside a sentence: lower case, unless it begins with an abbreviation."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def _costs(report: Report, colours: dict[str, int]) -> list[dict[str, str]]:
    found = []
    tokens, times = [], []
    for name, arm in report.arms.items():
        mark = charts.Mark(name, colours[name])
        prompt, completion = (arm.measures.get(f"{part}_tokens") for part in _TOKENS)
        if prompt:
            more = completion.value if completion else 0.0
            label = show(prompt.value, "tokens")
            label += f" + {show(more, 'tokens')}" if completion else ""
            tokens.append(charts.Bar(mark, prompt.value, prompt.value + more, label))
        first, total = arm.measures.get("first_token_ms"), arm.measures.get("total_ms")
        if total:
            start = min(first.value, total.value) if first else 0.0
            times.append(charts.Bar(mark, start, total.value, show(total.value, "ms"), total))
    if tokens:
        found.append(
            {
                "title": "Tokens a question",
                "note": "Prompt (full) and completion (light), means.",
                "svg": charts.bars(tokens, title="Tokens a question"),
            }
        )
    if times:
        found.append(
            {
                "title": "Latency",
                "note": "To the first token (full) and to the last (light), means; "
                "the line is the 95% interval of the total.",
                "svg": charts.bars(times, title="Latency"),
            }
        )
    return found


def _groups(report: Report) -> list[dict[str, Any]]:
    shown = set(report.shown_measures())
    groups = []
    for title, names in _GROUPS:
        rows = [_measure_row(report, name) for name in names if name in shown]
        if rows:
            groups.append({"title": title, "rows": rows})
    return groups


def _measure_row(report: Report, name: str) -> dict[str, Any]:
    measure = MEASURES[name]
    values = [arm.measures.get(name) for arm in report.arms.values()]
    known = [interval.value for interval in values if interval]
    best = (max if measure.higher_is_better else min)(known)
    differ = len(set(known)) > 1 and measure.higher_is_better is not None
    return {
        "title": measure.title,
        "about": measure.about,
        "cells": [
            {
                "value": show(interval.value, measure.unit) if interval else "–",
                "range": show_range(interval, measure.unit) if interval else "",
                "n": interval.n if interval else 0,
                "best": bool(interval)
                and differ
                and interval is not None
                and interval.value == best,
            }
            for interval in values
        ],
    }


def _pairs(
    report: Report, measures: Sequence[str], colours: dict[str, int]
) -> list[dict[str, Any]]:
    groups = []
    for name in measures:
        pairs = [pair for pair in report.pairs if pair.measure == name]
        if not pairs:
            continue
        ends = [max(abs(p.difference.low), abs(p.difference.high)) for p in pairs]
        reach = max(ends) or 1.0
        groups.append(
            {
                "title": MEASURES[name].title,
                "rows": [_pair_row(pair, reach, colours) for pair in pairs],
            }
        )
    return groups


def _pair_row(pair: Pair, reach: float, colours: dict[str, int]) -> dict[str, Any]:
    value, _, interval = show_difference(pair.difference, MEASURES[pair.measure].unit).partition(
        " ["
    )
    return {
        "a": pair.a,
        "b": pair.b,
        "value": value,
        "range": f"[{interval}",
        "n": pair.difference.n,
        "p": show_p(pair.p_adjusted),
        "verdict": pair.verdict,
        "reach": show_reach(pair),
        "more": _more(pair),
        "svg": charts.strip(pair.difference, reach, colours[pair.a]),
    }


def _more(pair: Pair) -> str:
    """How many further questions would settle it, in words for a cell; "" where nothing is open."""
    return f"{pair.more_questions:,} more questions" if pair.more_questions else ""


def _often(report: Report, name: str) -> list[tuple[str, int]]:
    """The three faults that an arm shows most, their particulars left out."""
    counts = Counter(
        _FRAGMENT.sub("", fault.text).rstrip(".: ")
        for row in report.rows
        if name in row.results
        for fault in row.results[name].score.faults
    )
    return [(text[:90], count) for text, count in counts.most_common(3)]


def _row(report: Report, place: int) -> dict[str, Any]:
    row = report.rows[place]
    return {
        "anchor": f"q{place + 1}",
        "number": place + 1,
        "question": row.question,
        "results": [
            _result(name, row.results[name]) for name in report.arms if name in row.results
        ],
    }


def _result(name: str, result: Result) -> dict[str, Any]:
    passed = result.score.passed
    outcome = result.outcome
    spent = []
    if outcome.prompt_tokens is not None:
        done = "" if outcome.completion_tokens is None else f" + {outcome.completion_tokens:,}"
        spent.append(f"{outcome.prompt_tokens:,}{done} tokens")
    if outcome.total_ms is not None:
        spent.append(show(outcome.total_ms, "ms"))
    f1 = result.score.values["f1"]
    return {
        "name": name,
        "passed": passed,
        "state": "not judged" if passed is None else "passed" if passed else "failed",
        "sign": "–" if passed is None else "✓" if passed else "✕",
        "kinds": sorted({fault.kind for fault in result.score.faults}),
        "faults": [fault.text for fault in result.score.faults],
        "reason": result.score.reason,
        "seeds": _seeds(result),
        "text": outcome.text,
        "refused": outcome.refused,
        "citations": [{**_NO_CITATION, **citation} for citation in outcome.citations],
        "f1": None if f1 is None else show(f1, "score"),
        "spent": " · ".join(spent),
    }


def _seeds(result: Result) -> str:
    """How the answers of models with other training seeds did, in words; "" for one model."""
    if not result.others:
        return ""
    passed = [one.score.passed for one in result.all]
    if None in passed:
        return f"{len(result.all)} training seeds; the first one's answer is shown."
    count = sum(bool(one) for one in passed)
    return f"Passed with {count} of {len(passed)} training seeds; the first one's answer is shown."
