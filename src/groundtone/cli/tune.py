"""``groundtone tune``: check examples, train on them, follow, pause and resume runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from groundtone.cli import checked, fitted, following, recipes, remote_tuning, sweeping, tune_data
from groundtone.cli.options import (
    ContextsOption,
    EpochsOption,
    HeldOutOption,
    JsonLinesOption,
    JsonOption,
    LimitOption,
    SeedOption,
    WithoutDocumentsOption,
    WorkspaceOption,
)
from groundtone.cli.output import Output, table
from groundtone.errors import WrongUse

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Teach the model your style.")

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", show_default=False, help="Examples: OpenAI's chat JSONL.")
]
RunArgument = Annotated[
    str | None, typer.Argument(metavar="[RUN]", show_default=False, help="Default: the newest.")
]


@app.command(short_help="Name every fault of an examples file.")
def check(
    file: FileArgument,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(
            "--held-out",
            metavar="FILE",
            show_default=False,
            help="Examples or questions that must share nothing with FILE; may be given again.",
        ),
    ] = None,
    style: Annotated[
        Path | None,
        typer.Option(
            "--style",
            metavar="TOML",
            show_default=False,
            help="The style that answers must keep. Default: the workspace's, else inferred.",
        ),
    ] = None,
    redact: Annotated[
        Path | None,
        typer.Option(
            "--redact",
            metavar="OUT",
            show_default=False,
            help="Write FILE there without its secrets and personal data.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="OUT", show_default=False, help="Write the check as a page."
        ),
    ] = None,
    learning_curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="Train on half of the examples and on all, to see whether more would help.",
        ),
    ] = False,
    epochs: EpochsOption = None,
    contexts: ContextsOption = None,
    without_documents: WithoutDocumentsOption = False,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name every fault of an examples file, and what training on it would take.

    In a workspace the examples are also rendered with its documents, as training would. Ends
    with exit code 2 when there are faults.
    """
    recipe, varied = recipes.made(
        epochs=epochs, contexts=contexts, seed=seed, without_documents=without_documents
    )
    out = Output(as_json)
    with out.keeping("Nothing was changed."):
        result = checked.look(
            file,
            workspace,
            out,
            held_out=held_out or (),
            style=style,
            recipe=recipe,
            contexts=varied,
            limit=limit,
            epochs=epochs,
        )
        redacted = tune_data.redact(file, redact) if redact else None
        measured = None
        if learning_curve and not result.faults:
            measured = checked.learn(file, workspace, out, recipe, varied)
        if html:
            checked.write_page(result, html)
    told = checked.as_document(result)
    told |= {"redacted": redacted} if redact else {}
    out.document({**told, "learning_curve": measured} if learning_curve else told)
    if not as_json:
        out.show(*checked.shown(result))
        if redacted is not None:
            out.show(f"{redacted['places']} private places were taken out: {redact}")
        if measured is not None:
            out.show(*checked.learned(measured))
        if html:
            out.show(f"The page: {html}")
    if result.faults:
        raise typer.Exit(2)


app.command(short_help="Part examples to train on from those to measure on.")(tune_data.split)
app.command(short_help="See examples as training sees them.")(tune_data.preview)
app.command(short_help="Draft examples from the documents.")(tune_data.draft)


@app.command(short_help="Train on examples.")
def run(
    file: FileArgument,
    suffix: Annotated[
        str,
        typer.Option("--suffix", metavar="NAME", show_default=False, help="Part of its name."),
    ],
    held_out: HeldOutOption = None,
    epochs: EpochsOption = None,
    kind: recipes.KindOption = None,
    rank: recipes.RankOption = None,
    alpha: recipes.AlphaOption = None,
    targets: recipes.TargetsOption = None,
    learning_rate: recipes.RateOption = None,
    warmup: recipes.WarmupOption = None,
    schedule: recipes.ScheduleOption = None,
    batch_size: recipes.BatchSizeOption = None,
    batch_tokens: recipes.BatchTokensOption = None,
    accumulate: recipes.AccumulateOption = None,
    dropout: recipes.DropoutOption = None,
    patience: recipes.PatienceOption = None,
    stop_on: recipes.StopOption = None,
    threads: recipes.ThreadsOption = None,
    processes: recipes.ProcessesOption = None,
    device: recipes.DeviceOption = None,
    qlora: recipes.QloraOption = False,
    contexts: ContextsOption = None,
    without_documents: WithoutDocumentsOption = False,
    limit: LimitOption = None,
    seed: SeedOption = 0,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; the run goes on by itself.")
    ] = False,
    use: Annotated[
        bool, typer.Option("--use", help="Put the model to use if it passes its gate.")
    ] = False,
    provider: remote_tuning.ProviderOption = None,
    base_url: remote_tuning.BaseUrlOption = None,
    model: remote_tuning.BaseModelOption = None,
    job: remote_tuning.JobOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Train on examples, measure the result, and keep it as a model of this workspace.

    Ctrl-C ends the run; `groundtone tune resume` goes on from its last checkpoint. Ends with
    exit code 4 if the gate refused the model.
    """
    from groundtone.workspace import Workspace

    recipe, varied = recipes.made(
        epochs=epochs,
        contexts=contexts,
        seed=seed,
        without_documents=without_documents,
        kind=kind,
        rank=rank,
        alpha=alpha,
        targets=targets,
        learning_rate=learning_rate,
        warmup=warmup,
        schedule=schedule,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        accumulate=accumulate,
        dropout=dropout,
        patience=patience,
        stop_on=stop_on,
        threads=threads,
        processes=processes,
        device=device,
        quantise=qlora,
    )
    if detach and use:
        raise WrongUse("--use and --detach exclude each other.", "Run `models use` afterwards.")
    out = Output(as_json)
    if provider is not None:
        remote_tuning.train(
            workspace, file, out, suffix=suffix, base_url=base_url, model=model, job=job, seed=seed,
            chosen={
                "epochs": epochs, "batch_size": batch_size, "kind": kind and kind.value,
                "rank": rank, "alpha": alpha, "learning_rate": learning_rate,
                "batch_tokens": batch_tokens, "accumulate": accumulate, "dropout": dropout,
                "warmup": warmup, "schedule": schedule, "targets": targets, "patience": patience,
                "held_out": held_out, "limit": limit, "contexts": contexts,
            },
        )  # fmt: skip
        return
    if base_url or model or job:
        raise WrongUse(
            "--base-url, --model and --job go with --provider.", "Add --provider openai."
        )
    with Workspace.open(workspace) as opened:
        with out.keeping("Nothing had been trained yet."), out.bar("Finding passages") as bar:
            made = opened.tune(
                file,
                suffix=suffix,
                recipe=recipe,
                contexts=varied,
                held_out=held_out,
                limit=limit,
                progress=lambda done, total: bar(done, total, "examples"),
            )
        out.line({"event": "started", "run": made.id})
        if detach:
            following.apart(opened.folder, made)
            out.show(
                f"{made.id} is at work. Follow it with: groundtone tune status {made.id} --follow"
            )
            return
        following.to_the_end(opened, made, out, use=use)


app.command(short_help="Search for learning rate, rank and epochs.")(sweeping.sweep)


@app.command(short_help="Show runs.")
def status(
    run: RunArgument = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Watch it to its end. Ctrl-C only stops watching.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all runs, or how one of them is doing."""
    from groundtone.workspace import Workspace
    from groundtone.workspace import tune as tuning

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        if run is None and not follow:
            rows = [
                following.summary(tuning.find(opened, r.id)) for r in opened.catalog.list_runs()
            ]
            out.document(rows)
            out.show(_runs(rows) if rows else "Nothing has been tuned here yet.")
            return
        found = tuning.find(opened, run)
        if follow:
            following.to_the_end(opened, found, out, watching=True)
            return
        row = following.summary(found)
        out.document(row)
        out.show(*following.shown(row))


@app.command(short_help="End a run.")
def cancel(
    run: RunArgument = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """End a run; what it had checkpointed is kept."""
    from groundtone.workspace import Workspace
    from groundtone.workspace import tune as tuning

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        found = tuning.find(opened, run)
        if found.status not in ("running", "paused"):
            raise WrongUse(f"{found.id} is not at work: it is {found.status}.")
        found.cancel()
        out.document(following.summary(found))
        out.show(f"{found.id} was cancelled. Go on with: groundtone tune resume {found.id}")


@app.command(short_help="Stop a run, to go on later.")
def pause(
    run: RunArgument = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Stop a run after the step at hand; `groundtone tune resume` goes on from there."""
    from groundtone.workspace import Workspace
    from groundtone.workspace import tune as tuning

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        found = tuning.find(opened, run)
        paused = found.pause()
        out.document(following.summary(found))
        if paused:
            out.show(f"{found.id} is paused. Go on with: groundtone tune resume {found.id}")
        else:
            out.show(f"{found.id} was not paused: it is {found.status}.")


@app.command(short_help="Go on with a run.")
def resume(
    run: RunArgument = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; the run goes on by itself.")
    ] = False,
    use: Annotated[
        bool, typer.Option("--use", help="Put the model to use if it passes its gate.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Go on with a run that was paused, cancelled, killed or not yet measured."""
    from groundtone.workspace import Workspace
    from groundtone.workspace import tune as tuning

    out = Output(as_json)
    with Workspace.open(workspace) as opened:
        found = tuning.find(opened, run)
        told = found.resume()
        out.line({"event": "started", "run": found.id})
        if detach:
            following.apart(opened.folder, found)
            out.show(
                f"{found.id} is at work. Follow it: groundtone tune status {found.id} --follow"
            )
            return
        following.to_the_end(opened, found, out, use=use, seen=told)


@app.command(short_help="Fit the search to your documents and questions.")
def retriever(
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="[QUESTIONS]",
            show_default=False,
            help="Questions with evidence. Default: texts cut out of the documents.",
        ),
    ] = None,
    off: Annotated[
        bool, typer.Option("--off", help="Remove the one in use: search as without it.")
    ] = False,
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the search's weights and the questions' vectors, and keep that if it is proven better.

    Measured on held-out questions, on documents that no other question asked for. Ends with exit
    code 4 if it is not proven better: then nothing is changed.
    """
    if off and questions is not None:
        raise WrongUse("--off and QUESTIONS exclude each other.", "Leave one of them out.")
    out = Output(as_json)
    if off:
        fitted.remove(workspace, out)
        return
    outcome = fitted.tune(workspace, questions, out, seed=seed)
    out.document(outcome.to_json())
    out.show(*fitted.shown(outcome))
    if not outcome.passed:
        raise typer.Exit(4)


def _runs(rows: list[dict[str, Any]]) -> Any:
    shown = table("run", "status", "step", "held-out loss", "started", "model")
    for row in rows:
        shown.add_row(
            row["run"],
            row["status"],
            f"{row['step']}/{row['of']}" if row["of"] else "–",
            "–" if row["valid_loss"] is None else f"{row['valid_loss']:.3f}",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(row["created_at"])),
            row["model"] or "–",
        )
    return shown
