"""``groundtone ask``: a question answered, every sentence with what supports it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundtone.cli.options import (
    CollectionOption,
    GroupOption,
    JsonOption,
    ModelOption,
    SinceOption,
    UntilOption,
    WhereOption,
    WorkspaceOption,
    limits,
)
from groundtone.cli.output import Output, console, duration
from groundtone.index.filters import EVERYTHING, Filter

if TYPE_CHECKING:
    from rich.text import Text

    from groundtone.answering.answer import Answer, Citation, Verdict
    from groundtone.workspace import Workspace

LINED = frozenset({"text/plain", "text/markdown"})
QUOTE = 240  # characters of a quote shown to people
STOPPED = "What the model had written is in the log: `groundtone log show last`."
UNWRITTEN = "It was not answered, and nothing is in the log."


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", show_default=False)],
    model: ModelOption = None,
    collection: CollectionOption = None,
    where: WhereOption = None,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE",
            show_default=False,
            help="Answer with JSON that follows this JSON schema, each value cited.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, with citations that open.

    Sentences that no passage supports are left out and listed. A question that the documents do
    not answer gets a plain refusal.
    """
    from groundtone.workspace import Workspace

    out = Output(as_json)
    log: list[str] = []
    keeping = out.keeping(lambda: STOPPED if log else UNWRITTEN)
    with Workspace.open(workspace) as opened, keeping:
        seen = limits(opened, where, group, since, until, collection)
        if schema is not None:
            answer = opened.ask(question, model=model, limits=seen, schema=schema)
        else:
            answer = answered(opened, question, model, out, seen=seen, logged=log.append)
        out.document(answer.to_json())
        if not as_json:
            out.show(*shown(opened, answer))


def answered(
    workspace: Workspace,
    question: str,
    model: str | None,
    out: Output,
    history: Sequence[dict[str, str]] = (),
    seen: Filter = EVERYTHING,
    logged: Callable[[str], None] | None = None,
) -> Answer:
    """Ask, with the model's words streaming by on a terminal until the answer replaces them.

    `logged` is told the answer's id in the log, that of one that is stopped too.
    """
    from groundtone.answering.answer import Answer

    verdicts: list[Verdict] = []
    events = workspace.stream(
        question,
        model=model,
        history=history,
        limits=seen,
        logged=logged,
        judged=verdicts.append,
    )
    with contextlib.closing(events):  # type: ignore[type-var]
        if out.as_json or not (sys.stdout.isatty() and sys.stderr.isatty()):
            return next(event for event in events if isinstance(event, Answer))
        from rich.live import Live

        draft = ""
        with Live(console=console(stderr=True), transient=True, refresh_per_second=12) as live:
            for event in events:
                if isinstance(event, Answer):
                    return event
                draft += event
                live.update(drafted(draft, verdicts))
    raise AssertionError("a stream ends with an answer")


def drafted(draft: str, verdicts: Sequence[Verdict]) -> Text:
    """What the model has written so far; sentences turn green or red once they are judged."""
    from rich.text import Text

    text = Text(draft, style="dim")
    for verdict in verdicts:
        start = draft.find(verdict.sentence)
        if start >= 0:
            style = "green" if verdict.supported else "red"
            text.stylize(style, start, start + len(verdict.sentence))
    return text


def shown(workspace: Workspace, answer: Answer) -> list[str]:
    """An answer as lines for people: text, citations, what was left out, what it took."""
    lines = _values(workspace, answer)
    if not lines:
        lines = [answer.text, ""]
        for citation in answer.citations:
            lines += _citation(workspace, answer, citation)
    if answer.unsupported:
        lines.append("Not supported by the passages:")
        lines += [f"  – {sentence}" for sentence in answer.unsupported]
    orders = "Left out" if workspace.settings.answer.orders == "cut" else "Beware"
    for document in dict.fromkeys(answer.passages[rank - 1].document for rank in answer.flagged):
        lines.append(f"{orders}: {document} holds text that gives orders to the model.")
    if answer.refused:
        lines += _searched(answer)
    lines.append(_cost(answer))
    return lines


def _values(workspace: Workspace, answer: Answer) -> list[str]:
    """A structured answer: the JSON, then each value with what holds it; else nothing."""
    from groundtone.answering.structured import StructuredAnswer

    if not isinstance(answer, StructuredAnswer):
        return []
    if answer.refused:
        return [answer.text, f"Because {answer.reason}.", ""]
    lines = [json.dumps(answer.value, ensure_ascii=False, indent=2), ""]
    for leaf in answer.leaves:
        if leaf.now is not None:
            lines.append(f"{leaf.now or '(all)'}: {json.dumps(leaf.value, ensure_ascii=False)}")
            for citation in leaf.citations:
                lines += _citation(workspace, answer, citation)
    return lines


def _searched(answer: Answer) -> list[str]:
    """What a refusal looked for, and what came nearest."""
    lines = [f"Searched for: {answer.searched}"] if answer.searched else []
    if answer.passages:
        lines.append("Nearest passages:")
    for passage in answer.passages:
        place = " · ".join(part for part in (passage.title, passage.section) if part)
        lines.append(f"  {passage.rank}. {place} ({passage.document})")
    return lines


def _citation(workspace: Workspace, answer: Answer, citation: Citation) -> list[str]:
    quote = " ".join(citation.quote.split())
    if len(quote) > QUOTE:
        quote = quote[:QUOTE].rstrip() + " …"
    parts = [citation.title, citation.section]
    if citation.page is not None:
        parts.append(f"page {citation.page}")
    marker = f"{citation.marker} " if citation.marker else ""
    return [
        f"  {marker}{' · '.join(part for part in parts if part)} · support {citation.score:.2f}",
        f"    “{quote}”",
        f"    {opens(workspace, answer, citation)}",
    ]


def opens(workspace: Workspace, answer: Answer, citation: Citation) -> str:
    """Where a citation's quote stands: ``path:line``, or the file with page or characters."""
    passage = answer.passages[citation.passage - 1]
    info = workspace.catalog.document(passage.version)
    if info is None:
        return f"{citation.document} (no longer in this workspace)"
    path = file_of(workspace, info.source, info.path)
    if isinstance(path, str):
        return path  # a page on the web, which opens as it is
    if info.media_type in LINED:
        line = workspace.catalog.text(passage.version, 0, citation.start).count("\n") + 1
        return f"{path}:{line}"
    page = f"page {citation.page}, " if citation.page is not None else ""
    return f"{path}, {page}characters {citation.start}–{citation.end}"


def file_of(workspace: Workspace, source: int, document: str) -> Path | str:
    """The file of a document: under the current folder relative to it, else in full.

    A page on the web is its own address.
    """
    from groundtone.syncing.web.addresses import is_address

    if is_address(document):
        return document
    known = {entry.id: entry.path for entry in workspace.catalog.sources()}
    root = workspace.folder.resolve() / known.get(source, "")
    path = root if root.is_file() else root / document
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _cost(answer: Answer) -> str:
    who = answer.model or "no model was asked"
    usage = answer.usage
    tokens = (
        f" · {usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens" if answer.model else ""
    )
    return f"{who}{tokens} · {duration(answer.timings.total / 1000)}"
