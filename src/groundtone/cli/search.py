"""``groundtone search``: the passages for one question, or for a file of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.cli.options import (
    CollectionOption,
    GroupOption,
    JsonOption,
    SinceOption,
    UntilOption,
    WhereOption,
    WorkspaceOption,
    limits,
)
from groundtone.cli.output import Output, duration
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.retrieval import Passage, Retriever
    from groundtone.workspace import Workspace

FIELDS = (
    "rank", "document", "title", "section", "page", "start", "end", "text", "shown", "score",
)  # fmt: skip
PREVIEW = 280  # characters of a passage shown to people


def search(
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", show_default=False)
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "-k", metavar="N", min=1, max=1000, show_default=False, help="How many passages."
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            show_default=False,
            help='Many questions: JSONL with "question" and, if you like, "id".',
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="Where the passages for --queries go, one question a line.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show where each score comes from.")
    ] = False,
    collection: CollectionOption = None,
    where: WhereOption = None,
    group: GroupOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find passages by meaning and by words, best first."""
    from groundtone.workspace import Workspace

    if (question is None) == (queries is None):
        raise WrongUse(
            "Either a question or --queries FILE is needed.",
            'For instance: groundtone search "reset my password"',
        )
    if (queries is None) != (output is None):
        raise WrongUse("--queries and --out go together.", "Name both files.")
    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        retriever = opened.retriever.limited(limits(opened, where, group, since, until, collection))
        if queries is not None and output is not None:
            _many(retriever, queries, output, k, out, explain)
        elif question is not None:
            _one(opened, retriever, question, k, out, explain)


def _one(
    workspace: Workspace,
    retriever: Retriever,
    question: str,
    k: int | None,
    out: Output,
    explain: bool,
) -> None:
    if not question.strip():
        raise WrongUse("The question is empty.", "Write a question.")
    passages = retriever.search(question, k)
    if explain and (off := retriever.tuned()[1]):
        out.note(off)
    out.document([as_row(passage, explain) for passage in passages])
    for passage in passages:
        out.show(f"{passage.rank}. {where(passage)}   score {passage.score:.3f}")
        if explain:
            out.show(f"   {explained(passage)}")
        text = " ".join(passage.excerpt.split())
        out.show("   " + (text if len(text) <= PREVIEW else text[:PREVIEW].rstrip() + " …") + "\n")
    if not passages:
        documents, _ = workspace.catalog.counts()
        out.show(
            "Nothing was found."
            if documents
            else "This workspace holds no documents yet: run `groundtone sync FOLDER`."
        )


def _many(
    retriever: Retriever, queries: Path, output: Path, k: int | None, out: Output, explain: bool
) -> None:
    rows = _read(queries)
    began = time.perf_counter()
    draft = output.with_name(output.name + ".part")
    keeping = out.keeping(f"{output} was not written.")
    with keeping, _opened(draft) as file, out.bar("Searching") as bar:
        answers = retriever.search_many([row["question"] for row in rows], k)
        for number, (row, passages) in enumerate(zip(rows, answers, strict=True), 1):
            found = [as_row(passage, explain) for passage in passages]
            line = {"id": row["id"], "question": row["question"], "passages": found}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            bar(number, len(rows), "questions")
    draft.replace(output)
    seconds = time.perf_counter() - began
    out.document({"questions": len(rows), "out": output, "seconds": round(seconds, 3)})
    out.show(f"{len(rows):,} questions answered in {duration(seconds)}: {output}")


def _read(path: Path) -> list[dict[str, Any]]:
    """Questions with ids; a file with faults is refused with all of them."""
    from groundtone.evaluation.questions import load_questions

    return [{"id": row.id, "question": row.question} for row in load_questions(path)]


def _opened(path: Path) -> Any:
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be written: {error.strerror}.", "Name another --out FILE."
        ) from None


def as_row(passage: Passage, explain: bool = False) -> dict[str, Any]:
    """The shape that ``search --json`` prints for one passage."""
    row = {name: getattr(passage, name) for name in FIELDS}
    if explain:
        row |= {"dense": passage.dense, "lexical": passage.lexical}
        row["origin"] = passage.origin and passage.origin.to_json()
    return row


def explained(passage: Passage) -> str:
    """Where a score comes from, for people: both searches, then what fusion made of them."""
    origin = passage.origin
    if origin is None:
        return ""
    told = []
    for name, score, rank in (
        ("cosine", passage.dense, origin.dense_rank),
        ("BM25", passage.lexical, origin.lexical_rank),
    ):
        value = "none" if score is None else f"{score:.3f}"
        told.append(f"{name} {value} ({'not among the candidates' if rank is None else rank})")
    parts = " ".join(f"{value:+.3f} {name}" for name, value in origin.parts.items())
    told.append(f"fused {origin.fused:.3f}" + (f" = {parts}" if parts else ""))
    if origin.reranked is not None:
        told.append(f"re-ranked {origin.reranked:.3f}")
    if origin.tuned is not None:
        told.append(f"found by {origin.tuned}")
    return ", ".join(told)


def where(passage: Any) -> str:
    """Title, section, page and file of a passage or citation, for people."""
    parts = [passage.title or passage.document]
    if passage.section:
        parts.append(
            f"Section {passage.section}" if passage.section[:1].isdigit() else passage.section
        )
    if passage.page is not None:
        parts.append(f"page {passage.page}")
    if passage.title:
        parts.append(passage.document)
    return " · ".join(parts)
