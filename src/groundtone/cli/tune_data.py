"""``groundtone tune split``, ``preview`` and ``draft``: examples before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from groundtone.cli.options import (
    BesideOption,
    ContextsOption,
    DraftCountOption,
    DraftFileOption,
    DraftModelOption,
    JsonOption,
    SeedOption,
    WorkspaceOption,
    must_be_new,
)
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", show_default=False, help="Examples: OpenAI's chat JSONL.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]


def split(
    file: FileArgument,
    folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", show_default=False, help="Where the parts go.")
    ],
    validation: Annotated[
        float, typer.Option("--validation", metavar="SHARE", min=0, max=0.9, help="Of the lines.")
    ] = 0.1,
    test: Annotated[
        float, typer.Option("--test", metavar="SHARE", min=0, max=0.9, help="Of the lines.")
    ] = 0.1,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="FIELD",
            show_default=False,
            help="Lines that share its value stay together; dots lead into objects. "
            "Default: group, where lines have it.",
        ),
    ] = None,
    seed: SeedOption = 0,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Part a file into train, validation and test files that share no question.

    Near duplicates stay on one side, and so do lines of one group.
    """
    from groundtone.tuning import splitting

    out = Output(as_json)
    found = splitting.split(file, validation=validation, test=test, group=group, seed=seed)
    files = splitting.write(found, folder, force=force)
    counts = {name: len(lines) for name, lines in found.parts.items()}
    out.document(
        {
            "file": file,
            "parts": {name: {"file": files.get(name), "examples": counts[name]} for name in counts},
            "groups": found.groups,
            "joined": found.joined,
            "largest": found.largest,
            "seed": seed,
        }
    )
    rows = table("part", "examples", "file", right=("examples",))
    for name, count in counts.items():
        rows.add_row(name, str(count), str(files.get(name, "–")))
    out.show(rows)
    if found.joined:
        out.show(
            f"{found.joined} lines stand in groups that were kept together; the largest has "
            f"{found.largest}."
        )


def preview(
    file: FileArgument,
    line: Annotated[
        int,
        typer.Option("--line", metavar="N", min=0, help="The line to show; 0: the first that is."),
    ] = 0,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="OUT", show_default=False, help="Write it as a page."),
    ] = None,
    contexts: ContextsOption = None,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the exact tokens of an example as training sees them, and which of them are learned.

    What the base reads is plain, the question is marked, the answer, which alone is learned, too.
    """
    from groundtone.cli import previewed
    from groundtone.workspace import Workspace, previewing

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        found = previewing.preview(opened, file, line=line, contexts=contexts, seed=seed)
    out.document(previewed.as_document(file, found))
    if not as_json:
        out.show(*previewed.shown(found))
    if html:
        previewed.write_page(file, found, html)
        out.show(f"The page: {html}")


def draft(
    file: DraftFileOption,
    count: DraftCountOption = 50,
    model: DraftModelOption = None,
    logged: Annotated[
        bool, typer.Option("--from-log", help="Take the answers that were rated good instead.")
    ] = False,
    beside: BesideOption = None,
    review: Annotated[
        bool, typer.Option("--review", help="Keep, edit or drop each before it is written.")
    ] = False,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft examples from the documents, each tied to its passage and supported by it.

    Look at them before you train: with --review here, or in the file.
    """
    from groundtone.cli import reviewing
    from groundtone.workspace import Workspace, drafting

    if logged and model:
        raise WrongUse("--from-log and --model exclude each other.", "Leave one of them out.")
    must_be_new(file)
    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        with out.keeping("Nothing was written."), out.bar("Drafting") as bar:
            if logged:
                found = drafting.from_log(opened, beside=beside or ())
            else:
                found = drafting.draft(
                    opened,
                    count=count,
                    model=model,
                    beside=beside or (),
                    seed=seed,
                    progress=lambda done, of: bar(done, of, "examples"),
                )
        kept = found.kept
        if review:
            kept = reviewing.review(kept, lambda each: drafting.doubts(opened, each))
            found.dropped["not kept in the review"] = len(found.kept) - len(kept)
        if not kept:
            raise WrongUse(
                "There is nothing to write: " + (reviewing.reasons(found) or "no drafts."),
                "Rate answers first: `groundtone log rate ID good`."
                if logged
                else "Sync more documents, or let a model write: --model.",
            )
        lines = [each.line(drafting.voice(opened)) for each in kept]
    drafting.write(lines, file)
    out.document(
        {
            "file": file,
            "examples": len(lines),
            "considered": found.considered,
            "dropped": found.dropped,
            "unread": found.unread,
            "drafts": lines,
        }
    )
    for each in kept[:10] if not review else ():
        out.show(f"Q: {each.question}", f"A: {each.shown}", "")
    out.show(f"{len(lines)} examples of {found.considered} drafts: {file}")
    if dropped := reviewing.reasons(found):
        out.show(f"Left out: {dropped}.")
    if found.unread:
        out.show(f"Not looked at: {found.unread}, for there were {count} already.")


def redact(file: Path, out: Path) -> dict[str, Any]:
    """Write a file of examples without what is private in it.

    Raises:
        WrongUse: `out` is `file`, or cannot be written.
    """
    from groundtone.tuning import private
    from groundtone.tuning.examples import lines_of

    if out.resolve() == file.resolve():
        raise WrongUse("--redact names the file itself.", "Name another file.")
    total, changed, written = 0, 0, []
    for text in lines_of(file):
        try:
            value, count = private.redact_value(json.loads(text))
        except (json.JSONDecodeError, RecursionError):
            value, count = None, 0  # what is no JSON is redacted as it stands
            text, count = private.redact(text)
        total += count
        changed += count > 0
        written.append(
            json.dumps(value, ensure_ascii=False) if count and value is not None else text
        )
    part = out.with_name(out.name + ".part")
    try:
        part.write_text("\n".join(written), "utf-8")
        part.replace(out)
    except OSError as error:
        raise WrongUse(f"{out} cannot be written: {error.strerror}.") from None
    return {"file": out, "places": total, "lines": changed}
