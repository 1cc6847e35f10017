"""``groundtone eval``: measurements of one part at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, LimitOption, ModelOption, WorkspaceOption
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.evaluation.answers import AnswersReport
    from groundtone.evaluation.answers_refusing import RefusalCurve
    from groundtone.evaluation.retrieval import RetrievalReport
    from groundtone.evaluation.statistics import Interval

SHOWN = 5  # failures of one kind shown to people; --json has all
KEPT = "The answers so far are kept; the same command goes on where this one stopped."

app = typer.Typer(rich_markup_mode=None, help="Measure one part at a time.")


@app.callback()
def _evaluate() -> None:
    """Measure one part at a time."""


@app.command()
def retrieval(
    questions: Annotated[
        Path,
        typer.Argument(metavar="QUESTIONS", show_default=False, help="Questions with evidence."),
    ],
    k: Annotated[
        int | None,
        typer.Option(
            "-k", metavar="N", min=1, max=1000, show_default=False, help="How many passages."
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare",
            metavar="SETTING=VALUE",
            show_default=False,
            help="Measure with this [retrieval] setting too and compare; may be given again, for "
            "settings that change together.",
        ),
    ] = None,
    limit: LimitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well questions find their documents, and why each failure failed."""
    from groundtone.evaluation.questions import load_questions
    from groundtone.workspace import Workspace
    from groundtone.workspace.retrieval import measure_retrieval

    out = Output(as_json)
    rows = load_questions(questions)[:limit]
    if not any(row.answerable and row.evidence for row in rows):
        raise WrongUse(
            f"{questions}: no question names the document that answers it.",
            'Add "evidence": [{"doc": "path under its source"}] to the questions.',
        )
    with Workspace.open(workspace) as opened:
        changes = [_setting(text) for text in compare or ()]
        with out.bar("Searching") as bar:

            def tell(done: int, total: int) -> None:
                bar(done, total, "questions")

            report = measure_retrieval(opened, rows, k=k, progress=tell)
            other = None
            if changes:
                other = measure_retrieval(opened, rows, k=k, changes=dict(changes), progress=tell)
    named = ", ".join(f"{name}={value}" for name, value in changes)
    out.document(_document(report, other, named))
    if not as_json:
        _show(report, other, named, out)


def _setting(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    name = name.strip().removeprefix("retrieval.")
    if not given or not name:
        raise WrongUse(
            f"--compare {text!r} is no SETTING=VALUE.", "For instance: --compare fusion=ranks"
        )
    return name, value.strip()


def _document(report: RetrievalReport, other: RetrievalReport | None, named: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "k": report.k,
        "questions": len(report.found),
        "skipped": report.skipped,
        "measures": report.measures(),
        "failures": {reason: len(found) for reason, found in report.failures().items()},
        "found": [found.to_json() for found in report.found],
        "compared": None,
    }
    if other is not None:
        made["compared"] = {
            "setting": named,
            "measures": other.measures(),
            "failures": {reason: len(found) for reason, found in other.failures().items()},
            "differences": other.against(report),
            "found": [found.to_json() for found in other.found],
        }
    return made


def _show(report: RetrievalReport, other: RetrievalReport | None, named: str, out: Output) -> None:
    note = f" ({report.skipped} without evidence left out)" if report.skipped else ""
    title = f"{len(report.found)} questions{note}, 95% intervals"
    if other is None:
        shown = table("measure", "value", title=title)
        for name, interval in report.measures().items():
            if interval is not None:
                shown.add_row(name, _interval(interval))
    else:
        shown = table("measure", "now", named, "difference", "p", "verdict", title=title)
        theirs = other.measures()
        for difference in other.against(report):
            name = difference.measure
            shown.add_row(
                name,
                _interval(report.measures()[name]),
                _interval(theirs[name]),
                _interval(difference.interval, sign=True),
                "" if difference.p is None else f"{difference.p:.3f}",
                difference.verdict,
            )
    out.show(shown)
    for reason, found in report.failures().items():
        if not found:
            continue
        out.show(f"{reason}: {len(found)}")
        for each in found[:SHOWN]:
            question = " ".join(each.question.split())
            out.show(f"  {each.id}  {question[:90]}")
            if each.failure is not None:
                out.show(f"      {each.failure.detail}")
        if len(found) > SHOWN:
            out.show(f"  … and {len(found) - SHOWN} more (--json lists all)")


def _interval(interval: Interval | None, *, sign: bool = False) -> str:
    if interval is None:
        return ""
    form = "+.3f" if sign else ".3f"
    return f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


@app.command()
def answers(
    questions: Annotated[
        Path,
        typer.Argument(metavar="QUESTIONS", show_default=False, help="Questions as JSONL."),
    ],
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare",
            metavar="SECTION.NAME=VALUE",
            show_default=False,
            help="Measure with this setting of [answer], [retrieval] or [chat] too and compare; "
            "may be given again, for settings that change together.",
        ),
    ] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: measure search and refusal alone.")
    ] = False,
    model: ModelOption = None,
    limit: LimitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how right answers are, how well cited, and what is refused.

    Prints what every threshold of evidence would keep and refuse, and names the best one.
    """
    from groundtone.workspace import Workspace

    out = Output(as_json)
    changes = dict(_placed(text) for text in compare or ())
    kept = "Nothing was changed." if no_model else KEPT
    with Workspace.open(workspace) as opened, out.keeping(kept):
        with out.bar("Searching" if no_model else "Answering") as bar:

            def tell(done: int, total: int) -> None:
                bar(done, total, "questions" if no_model else "answers")

            report = opened.eval_answers(
                questions,
                limit=limit,
                model=model,
                compare=changes,
                ask_model=not no_model,
                progress=tell,
            )
        out.document(report.to_json())
    if not as_json:
        _show_answers(report, out)


def _placed(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    section, dot, rest = name.strip().partition(".")
    if not (given and section and dot and rest):
        raise WrongUse(
            f"--compare {text!r} is no SECTION.NAME=VALUE.",
            "For instance: --compare answer.check=mark",
        )
    return name.strip(), value.strip()


def _show_answers(report: AnswersReport, out: Output) -> None:
    from groundtone.evaluation.answers import MEASURES, REASONS

    other = report.compared
    title = f"{len(report.judged)} questions · {report.model or 'no model'} · 95% intervals"
    measures = report.measures()
    named = ", ".join(f"{name}={value}" for name, value in other.changes.items()) if other else ""
    if other:
        title = f"{title}\nchanged: {named}"
    columns = ("now", "changed", "difference", "p", "verdict") if other else ("value", "questions")
    shown = table("measure", *columns, title=title, right=("questions",))
    theirs = other.measures() if other else {}
    tested = {d.measure: d for d in other.against(report)} if other else {}
    for name, words in MEASURES.items():
        found, test = measures[name], tested.get(name)
        if found is None and not report.model:
            continue  # what only answers have
        cells = [_share(found)]
        if other is None:
            cells.append(str(found.n if found else 0))
        else:
            cells.append(_share(theirs[name]))
        if test is not None:
            p = "" if test.p is None else f"{test.p:.3f}"
            cells += [
                _share(test.interval, sign=True),
                p,
                test.verdict.replace("no proven difference", "unproven"),
            ]
        shown.add_row(words, *cells)
    out.show(shown)
    for reason, failed in report.failures().items():
        if not failed:
            continue
        out.show(f"{reason}: {len(failed)} ({REASONS[reason]})")
        for each in failed[:SHOWN]:
            out.show(f"  {each.question.id}  {' '.join(each.question.question.split())[:90]}")
            out.show(f"      {' '.join(each.detail.split())[:160]}")
        if len(failed) > SHOWN:
            out.show(f"  … and {len(failed) - SHOWN} more (--json lists all)")
    if (curve := report.curve()) is not None:
        _show_curve(curve, out)


def _show_curve(curve: RefusalCurve, out: Output) -> None:
    columns = ("evidence_below", "kept", "refused", "right refusals", "balanced")
    shown = table(*columns, title="The gate alone, by threshold", right=columns)
    for point in curve.points[::2]:
        row = curve.row(point)
        names = ("kept", "refused", "precision", "balanced")
        cells = ["–" if (share := row[name]) is None else f"{share:.0%}" for name in names]
        shown.add_row(f"{point.threshold:.1f}", *cells)
    out.show(shown)
    best = curve.recommended
    if best is None:
        missing = "unanswerable" if curve.answerable else "answerable"
        out.show(f"No threshold is recommended: the file has no {missing} questions.")
        return
    out.show(
        f"Recommended here: evidence_below = {best.threshold:.2f} (balanced accuracy "
        f"{best.balanced:.1%}; now {curve.now.threshold:.2f}: {curve.now.balanced:.1%})."
    )
    if curve.few:
        out.show(
            f"With {curve.answerable} answerable and {curve.unanswerable} unanswerable questions "
            "this is a hint, no more."
        )


def _share(interval: Interval | None, *, sign: bool = False) -> str:
    if interval is None:
        return "not measured"
    form = "+.2f" if sign else ".2f"
    return f"{interval.value:{form}} [{interval.low:{form}},{interval.high:{form}}]"
