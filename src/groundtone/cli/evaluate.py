"""``groundtone eval``: measurements of one part at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, LimitOption, WorkspaceOption
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.evaluation.retrieval import RetrievalReport
    from groundtone.evaluation.statistics import Interval

SHOWN = 5  # failures of one kind shown to people; --json has all

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
