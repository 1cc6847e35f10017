"""``groundtone advise``: RAG, fine-tuning, both or neither, with reasons and money."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption
from groundtone.cli.output import Output
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.advice.report import Advice
    from groundtone.workspace import Workspace


def _answer(name: str, metavar: str, text: str) -> Any:
    return typer.Option(f"--{name}", metavar=metavar, show_default=False, help=text)


YES = "yes|no"


def advise(
    report: Annotated[
        Path | None,
        _answer("report", "FILE", "What compare --json printed; default: the last comparison."),
    ] = None,
    answers: Annotated[
        Path | None, _answer("answers", "FILE", "Answers to the questions below, TOML or JSON.")
    ] = None,
    facts: Annotated[
        str | None, _answer("facts", YES, "Answers need facts from your documents.")
    ] = None,
    changes: Annotated[
        str | None,
        _answer("changes", "RATE", "How often a document changes: never … daily, or 5% a month."),
    ] = None,
    citations: Annotated[
        str | None, _answer("citations", YES, "Answers must cite their sources.")
    ] = None,
    corpus_tokens: Annotated[
        str | None, _answer("corpus-tokens", "N", "Length of all documents.")
    ] = None,
    format: Annotated[
        str | None, _answer("format", YES, "A strict format or house style is needed.")
    ] = None,
    format_failures: Annotated[
        str | None,
        _answer("format-failures", "SHARE", "Answers that break it with the best prompt: 20%."),
    ] = None,
    long_prompts: Annotated[
        str | None, _answer("long-prompts", YES, "Instructions and examples are too long.")
    ] = None,
    volume: Annotated[str | None, _answer("volume", "N", "Questions a month.")] = None,
    examples: Annotated[str | None, _answer("examples", "N", "Good example answers.")] = None,
    hardware: Annotated[
        str | None, _answer("hardware", YES, "A machine, or a provider, can train.")
    ] = None,
    skill: Annotated[
        str | None, _answer("skill", YES, "Somebody can write examples and judge results.")
    ] = None,
    hours: Annotated[str | None, _answer("hours", "H", "Time for one training.")] = None,
    budget: Annotated[
        str | None, _answer("budget", "USD", "Money for training and examples.")
    ] = None,
    data_cost: Annotated[
        str | None, _answer("data-cost", "USD", "What writing the examples costs.")
    ] = None,
    cached: Annotated[
        str | None, _answer("cached", "SHARE", "Share of each prompt that a provider kept.")
    ] = None,
    tolerated: Annotated[
        str | None, _answer("tolerated", "SHARE", "Learnt facts that may be out of date.")
    ] = None,
    examples_file: Annotated[
        Path | None,
        _answer("examples-file", "FILE", "Examples to count; default: the tuned model's own."),
    ] = None,
    price_as: Annotated[
        str, _answer("price-as", "MODEL", "Price the measured tokens as this model's.")
    ] = "",
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Train a few steps now to measure the speed.")
    ] = False,
    html: Annotated[
        Path | None, _answer("html", "PATH", "Write the advice as one page, too.")
    ] = None,
    markdown: Annotated[
        Path | None, _answer("markdown", "PATH", "Write it as Markdown, too.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether to prompt, retrieve, train or both, from what the workspace shows.

    What it does not show can be answered by options or a file; at a terminal it is asked for. What
    was observed wins over what is said.
    """
    from groundtone.advice import questions as asking
    from groundtone.workspace import Workspace

    given = {
        "facts": facts,
        "changes": changes,
        "citations": citations,
        "corpus_tokens": corpus_tokens,
        "format": format,
        "format_failures": format_failures,
        "long_prompts": long_prompts,
        "volume": volume,
        "examples": examples,
        "hardware": hardware,
        "skill": skill,
        "hours": hours,
        "budget": budget,
        "data_cost": data_cost,
        "cached": cached,
        "tolerated": tolerated,
    }
    said: dict[str, Any] = asking.load(answers) if answers else {}
    said |= {key: asking.read(key, told) for key, told in given.items() if told is not None}
    options: dict[str, Any] = {
        "report": report,
        "examples": examples_file,
        "price_as": price_as,
        "calibrate": calibrate,
    }
    out = Output(as_json)
    with Workspace.open(workspace) as opened, out.keeping("Nothing was changed."):
        advice = opened.advise(answers=said, **options)
        if not as_json and _at_a_terminal():
            advice = _asked(opened, advice, said, options)
    paths = _written(advice, html, markdown)
    out.document({**advice.to_json(), "html": html, "markdown": markdown})
    if not as_json:
        out.show(*advice.shown(), *(f"Written: {path}" for path in paths))


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _asked(
    workspace: Workspace, advice: Advice, said: dict[str, Any], options: dict[str, Any]
) -> Advice:
    """Ask for what the verdict waits for, one at a time, until it stands or nobody knows more."""
    from groundtone.advice import questions as asking

    passed: set[str] = set()
    options = {**options, "calibrate": False}  # once is enough
    while True:
        left = [one.key for one in advice.questions if one.key and one.key not in passed]
        if not left:
            return advice
        key = min(left, key=lambda one: asking.ASKED.index(one) if one in asking.ASKED else 99)
        question = asking.QUESTIONS[key]
        typer.echo(f"{question.text} {asking.form(question)} Enter: not known.", err=True)
        told = typer.prompt(key, default="", show_default=False, err=True)
        if not str(told).strip():
            passed.add(key)
            continue
        try:
            said[key] = asking.read(key, told)
        except WrongUse as error:
            typer.echo(str(error), err=True)
            continue
        advice = workspace.advise(answers=said, **options)


def _written(advice: Advice, html: Path | None, markdown: Path | None) -> list[Path]:
    try:
        paths = [advice.to_html(html)] if html else []
        if markdown is not None:
            markdown.parent.mkdir(parents=True, exist_ok=True)
            markdown.write_text(advice.markdown() + "\n", "utf-8")
            paths.append(markdown)
    except OSError as error:
        raise WrongUse(
            f"{error.filename} cannot be written: {error.strerror}.", "Name another path."
        ) from None
    return paths
