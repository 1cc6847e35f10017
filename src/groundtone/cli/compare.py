"""``groundtone compare``: the same questions with and without documents and tuning."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from groundtone.cli.options import (
    BesideOption,
    DraftCountOption,
    DraftFileOption,
    DraftModelOption,
    JsonOption,
    LimitOption,
    SeedOption,
    WorkspaceOption,
    must_be_new,
)
from groundtone.cli.output import Output, dump
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.evaluation.report import Report
    from groundtone.workspace import Workspace

KEPT = "The answers so far are kept; the same command goes on where this one stopped."


class _OrRun(typer.core.TyperGroup):
    """``compare FILE`` is ``compare run FILE``; a word that names a command is that command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_OrRun, rich_markup_mode=None, add_completion=False)


@app.command(
    "run",
    epilog="`compare FILE` is short for `compare run FILE`. `compare draft --out FILE` drafts "
    "questions from the documents.",
)
def compare(
    questions: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", show_default=False, help="Questions as JSONL."),
    ] = None,
    arms: Annotated[
        str,
        typer.Option(
            "--arms",
            metavar="A,B,…",
            help="Any of base, few-shot, rag, few-shot+rag, tuned, tuned-without-documents+rag, "
            "both.",
        ),
    ] = "base,few-shot,rag,tuned,both",
    further: Annotated[
        list[str] | None,
        typer.Option(
            "--arm",
            metavar="NAME=MODEL[+docs][+shots]",
            show_default=False,
            help="A further arm with any model and provider, such as "
            "gpt=openai:gpt-4o-mini+docs or mine=http://host/v1#model (may be given several "
            "times).",
        ),
    ] = None,
    tuned: Annotated[
        str | None,
        typer.Option(
            "--tuned",
            metavar="MODEL[,…]",
            show_default=False,
            help="The tuned model; several are of one recipe with different training seeds. "
            "Default: the one in use, else the newest.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            metavar="N",
            min=1,
            show_default=False,
            help="Take N models of the tuned one's recipe, each with another training seed.",
        ),
    ] = None,
    without_documents: Annotated[
        str | None,
        typer.Option(
            "--without-documents",
            metavar="MODEL",
            show_default=False,
            help="The model that was tuned without documents, for that arm.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            "--examples",
            metavar="FILE",
            show_default=False,
            help="Whose answers show the style, and where few-shot examples come from; default: "
            "the tuned model's own.",
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
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge",
            metavar="MODEL",
            show_default=False,
            help="A chat model that judges correctness; default: none, words are compared.",
        ),
    ] = None,
    from_log: Annotated[
        bool,
        typer.Option("--from-log", help="Ask the questions whose answers were rated good."),
    ] = False,
    skip_leaks: Annotated[
        bool,
        typer.Option(
            "--skip-leaks",
            help="Leave out questions that the examples give away, in place of refusing them.",
        ),
    ] = False,
    limit: LimitOption = None,
    parallel: Annotated[
        int | None,
        typer.Option(
            "--parallel",
            metavar="N",
            min=1,
            max=64,
            show_default=False,
            help="Questions at once; default: 1, and what a remote model allows. More than 1 on "
            "this machine makes every answer slower, and its time no measure.",
        ),
    ] = None,
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
        typer.Option("--markdown", metavar="PATH", show_default=False, help="The tables, too."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--export", metavar="PATH", show_default=False, help="All of it as a JSON file, too."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure base, RAG, tuned and both on the same questions, with 95% intervals.

    Writes a report as one HTML page that needs nothing else.
    """
    from groundtone.workspace import Workspace

    out = Output(as_json)
    names = list(dict.fromkeys(name.strip() for name in arms.split(",") if name.strip()))
    if not names and not further:
        raise WrongUse("--arms names no arm.", "For instance: --arms base,rag,both")
    if (questions is None) != from_log:
        raise WrongUse(
            "Name a question file, or say --from-log.",
            "For instance: groundtone compare questions.jsonl",
        )
    with Workspace.open(workspace) as opened, out.keeping(KEPT):
        report = measured(
            opened,
            questions,
            out,
            arms=names,
            further=further or (),
            tuned=_listed(tuned),
            seeds=seeds,
            without_documents=without_documents,
            examples=examples,
            style=style,
            judge=judge,
            limit=limit,
            parallel=parallel,
            skip_leaks=skip_leaks,
            seed=seed,
        )
        stem = questions.stem if questions is not None else "log"
        paths = written(opened, report, stem, html, markdown, data)
    out.document({**report.to_json(), "html": paths[0], "markdown": markdown})
    if not as_json:
        out.show(report.table(), *report.remarks(), *(f"Written: {path}" for path in paths))


@app.command("draft")
def draft(
    file: DraftFileOption,
    count: DraftCountOption = 50,
    model: DraftModelOption = None,
    beside: BesideOption = None,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft questions from the documents, each with its answer and where that stands.

    What the tuned models here learned from is never asked. Look at the questions before you
    measure: a question file decides what a comparison says.
    """
    from groundtone.workspace import Workspace, compared_questions, drafting

    must_be_new(file)
    out = Output(as_json)
    with (
        Workspace.open(workspace) as opened,
        out.keeping("Nothing was written."),
        out.bar("Drafting") as bar,
    ):
        rows = compared_questions.draft(
            opened,
            count=count,
            model=model,
            beside=beside or (),
            seed=seed,
            progress=lambda done, of: bar(done, of, "questions"),
        )
    drafting.write(rows, file)
    out.document({"file": file, "count": len(rows), "questions": rows})
    for row in rows[:5]:
        out.show(f"Q: {row['question']}", f"A: {row['answers'][0]}", "")
    out.show(f"{len(rows)} questions: {file}")


def _listed(names: str | None) -> list[str] | None:
    return [name.strip() for name in names.split(",") if name.strip()] if names else None


def measured(workspace: Workspace, questions: Path | None, out: Output, **options: Any) -> Report:
    """Compare with a progress bar."""
    with out.bar("Comparing") as bar:

        def tell(done: int, total: int, outcome: Any) -> None:
            bar(done, total, f"answers · {outcome.arm}")

        def judging(done: int, total: int) -> None:
            bar(done, total, "answers judged")

        return workspace.compare(questions, progress=tell, judging=judging, **options)


def written(
    workspace: Workspace,
    report: Report,
    stem: str,
    html: Path | None,
    markdown: Path | None = None,
    data: Path | None = None,
) -> list[Path]:
    """Write the HTML report, and its tables and data where they are wanted."""
    page = html or workspace.state / "reports" / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}.html"
    try:
        paths = [report.to_html(page)]
        for path, text in (
            (markdown, report.markdown() if markdown else ""),
            (data, dump(report.to_json(), indent=1) if data else ""),
        ):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text + "\n", "utf-8")
                paths.append(path)
    except OSError as error:
        raise WrongUse(
            f"{error.filename or page} cannot be written: {error.strerror}.",
            "Name another path; all answers are kept, so this takes no time again.",
        ) from None
    return paths
