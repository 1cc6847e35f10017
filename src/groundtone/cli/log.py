"""``groundtone log``: what was asked and answered, rated, and put to use again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from groundtone.cli.options import JsonOption, WorkspaceOption, must_be_new
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="See, rate and export the answers given."
)
AnswerArgument = Annotated[
    str, typer.Argument(metavar="ID", help="An id of `log list`, or how it begins, or last.")
]
ID_SHOWN = 8


@app.command("list", short_help="Show the latest answers.")
def list_(
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="So many.")] = 20,
    rating: Annotated[
        str | None,
        typer.Option(
            "--rating", metavar="RATING", show_default=False, help="Only good, bad or unrated."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the latest answers, newest first."""
    from groundtone.workspace import Workspace, ledger

    out = Output(as_json)
    if rating not in (None, "good", "bad", "unrated"):
        raise WrongUse(f"--rating {rating} is unknown.", "Say good, bad or unrated.")
    with Workspace.open(workspace) as opened:
        found = opened.catalog.list_answers(limit, rating="" if rating == "unrated" else rating)
        out.document([ledger.record(stored) for stored in found])
    if not found:
        out.show("Nothing here yet: groundtone ask QUESTION")
        return
    rows = table("id", "when", "question", "answer", "cited", "rating", right=("cited",))
    for stored in found:
        rows.add_row(
            _short(stored.id),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.created_at)),
            _cut(stored.question, 40),
            _cut(stored.answer["answer"], 50),
            _outcome(stored.answer),
            stored.rating,
        )
    out.show(rows)


@app.command(short_help="Show one answer whole.")
def show(
    id: AnswerArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show one answer with its citations, tokens and timings."""
    from groundtone.workspace import Workspace, ledger

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        stored = ledger.find(opened, id)
    out.document(ledger.record(stored))
    answer = stored.answer
    out.show(
        f"{stored.id} · {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(stored.created_at))}",
        f"Question: {stored.question}",
        f"Answer:   {answer['answer']}",
    )
    if answer.get("stopped"):
        out.show("Stopped before it was finished; nothing of it was checked.")
    for citation in answer["citations"]:
        page = f", page {citation['page']}" if citation["page"] else ""
        place = f"characters {citation['start']}–{citation['end']}"
        out.show(f"  {citation['marker'] or '–'}  {citation['document']}{page}, {place}")
        out.show(f"      “{citation['quote']}” (support {citation['score']:.2f})")
    for sentence in answer["unsupported"]:
        out.show(f"  not supported: {sentence}")
    usage, timings = answer["usage"], answer["timings_ms"]
    out.show(
        f"{stored.model or 'no model'} · {usage['prompt_tokens']} + {usage['completion_tokens']} "
        f"tokens · {timings['total'] / 1000:.1f} s"
        + (f" · rated {stored.rating}" if stored.rating else "")
        + (f": {stored.note}" if stored.note else "")
    )


@app.command(short_help="Say whether an answer was good.")
def rate(
    id: AnswerArgument,
    rating: Annotated[str, typer.Argument(metavar="RATING", help="good, bad, or none.")],
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", show_default=False, help="Why.")
    ] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether an answer was good; answers rated good can be exported for use."""
    from groundtone.workspace import Workspace, ledger

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        stored = ledger.rate(opened, id, "" if rating == "none" else rating, note)
    out.document({"id": stored.id, "rating": stored.rating or None, "note": stored.note})
    out.show(f"{_short(stored.id)}: {stored.rating or 'not rated'}")


@app.command(short_help="Write answers to a JSONL file.")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; a file there is kept.")],
    form: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="FORM",
            help="records (everything), questions (for compare and eval) or examples (for tune); "
            "the last two take answers rated good.",
        ),
    ] = "records",
    rating: Annotated[
        str | None,
        typer.Option(
            "--rating", metavar="RATING", show_default=False, help="Records: only good or bad."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write answers to a JSONL file: to keep, to measure with, or to train on."""
    from groundtone.workspace import Workspace, ledger

    out = Output(as_json)
    must_be_new(file)
    with Workspace.open(workspace) as opened:
        rows = list(ledger.export(opened, form, rating=rating))
    if not rows:
        wanted = "" if form == "records" and not rating else f" rated {rating or 'good'}"
        raise WrongUse(
            f"There is no answer{wanted} to export.",
            "Rate some: `groundtone log rate ID good`." if wanted else "Ask a question first.",
        )
    part = file.with_name(file.name + ".part")
    with part.open("w", encoding="utf-8") as written:
        written.writelines(ledger.lines(iter(rows)))
    part.replace(file)
    out.document({"file": file, "form": form, "count": len(rows)})
    out.show(f"{len(rows)} {form} written to {file}")


def _outcome(answer: dict[str, Any]) -> str:
    """In how many citations an answer ended, or how else."""
    if answer.get("stopped"):
        return "stopped"
    return "refused" if answer["refused"] else str(len(answer["citations"]))


def _short(id: str) -> str:
    return id.removeprefix("answer-")[:ID_SHOWN]


def _cut(text: str, width: int) -> Any:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
