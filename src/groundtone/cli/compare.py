"""``groundtone compare``: the same questions with and without documents and tuning."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, LimitOption, SeedOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.evaluation.report import Report
    from groundtone.workspace import Workspace

KEPT = "The answers so far are kept; the same command goes on where this one stopped."


def compare(
    questions: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="Questions as JSONL.")
    ],
    arms: Annotated[
        str,
        typer.Option(
            "--arms",
            metavar="A,B,…",
            help="Any of base, few-shot, rag, few-shot+rag, tuned, both.",
        ),
    ] = "base,few-shot,rag,tuned,both",
    tuned: Annotated[
        str | None,
        typer.Option(
            "--tuned",
            metavar="MODEL",
            show_default=False,
            help="The tuned model; default: the one in use, else the newest.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            "--examples",
            metavar="FILE",
            show_default=False,
            help="Where the few-shot arms' examples come from; default: the tuned model's own.",
        ),
    ] = None,
    style: Annotated[
        Path | None,
        typer.Option(
            "--style",
            metavar="FILE",
            show_default=False,
            help="The declared house style; default: style.toml of the workspace.",
        ),
    ] = None,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="PATH",
            show_default=False,
            help="Where the report goes; default: a new file in .groundtone/reports.",
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="PATH", show_default=False, help="The table, too."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure base, RAG, tuned and both on the same questions, with 95% intervals.

    Writes a report as one HTML page that needs nothing else.
    """
    from groundtone.evaluation.style import Style
    from groundtone.workspace import Workspace

    out = Output(as_json)
    names = list(dict.fromkeys(name.strip() for name in arms.split(",") if name.strip()))
    if not names:
        raise WrongUse("--arms names no arm.", "For instance: --arms base,rag,both")
    with Workspace.open(workspace) as opened, out.keeping(KEPT):
        report = measured(
            opened,
            questions,
            out,
            arms=names,
            tuned=tuned,
            examples=examples,
            style=Style.load(style) if style else None,
            limit=limit,
            seed=seed,
        )
        paths = written(opened, report, questions, html, markdown)
    out.document({**report.to_json(), "html": paths[0], "markdown": markdown})
    if not as_json:
        out.show(report.table(), *(f"Written: {path}" for path in paths))


def measured(workspace: Workspace, questions: Path, out: Output, **options: Any) -> Report:
    """Compare with a progress bar."""
    with out.bar("Comparing") as bar:

        def tell(done: int, total: int, outcome: Any) -> None:
            bar(done, total, f"answers · {outcome.arm}")

        return workspace.compare(questions, progress=tell, **options)


def written(
    workspace: Workspace,
    report: Report,
    questions: Path,
    html: Path | None,
    markdown: Path | None,
) -> list[Path]:
    """Write the HTML report, and the Markdown table where one is wanted."""
    stem = f"{questions.stem}-{time.strftime('%Y%m%d-%H%M%S')}.html"
    page = html or workspace.state / "reports" / stem
    try:
        paths = [report.to_html(page)]
        if markdown is not None:
            markdown.parent.mkdir(parents=True, exist_ok=True)
            markdown.write_text(report.markdown() + "\n", "utf-8")
            paths.append(markdown)
    except OSError as error:
        raise WrongUse(
            f"{error.filename or page} cannot be written: {error.strerror}.",
            "Name another path; all answers are kept, so this takes no time again.",
        ) from None
    return paths
