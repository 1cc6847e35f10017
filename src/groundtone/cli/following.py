"""A tuning run on the screen: its live line, its gate, and how it ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.cli.output import QUIET_S, Interrupted, Output, console, duration, table
from groundtone.errors import GateRefused, GroundtoneError

if TYPE_CHECKING:
    from groundtone.workspace import Workspace
    from groundtone.workspace.tune import Run

Event = dict[str, Any]
WORDS = {
    "loading": "loading the model",
    "resumed": "going on from the checkpoint",
    "changed": "the machine or its software has changed: the last bits may differ from before",
    "start": "training",
    "trained": "trained; loading the adapter beside the base",
}


def apart(workspace: Path, run: Run) -> None:
    """Have a process of its own follow the run, so that it is measured when it has trained."""
    command = [sys.executable, "-m", "groundtone.cli.main", "tune", "status", run.id, "--follow"]
    with (run.folder / "follow.log").open("ab") as log:
        subprocess.Popen(
            [*command, "--json", "--workspace", str(workspace.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def to_the_end(
    workspace: Workspace,
    run: Run,
    out: Output,
    *,
    use: bool = False,
    watching: bool = False,
    seen: int = 0,
) -> Event:
    """Follow a run until it is measured; returns its ``done`` event.

    Args:
        use: put the model to use if it passed.
        watching: Ctrl-C leaves the run at work.
        seen: events to skip, from the beginning.

    Raises:
        GateRefused: the model did not earn its place.
        GroundtoneError: the run failed.
        Interrupted: Ctrl-C, or the run was cancelled.
    """
    try:
        last = watch(workspace, run, out, seen=seen)
    except KeyboardInterrupt:
        raise _stopped(run, watching) from None
    if last["event"] in ("cancelled", "paused"):
        raise Interrupted(f"{run.id} was {last['event']}.", _go_on(run))
    if last["event"] != "done":
        raise GroundtoneError(
            f"{run.id} failed: {str(last.get('error')).rstrip('.')}.", _go_on(run)
        )
    out.show(*gate_shown(last))
    gate, model = last["gate"], last["model"]
    if not gate["passed"]:
        raise GateRefused(
            f"The gate refused {model}.",
            "Tune with more or better examples, or put it to use all the same: "
            f"groundtone models use {model} --force",
        )
    if use:
        workspace.use(model)
        out.show(f"\nIn use: {model}")
    else:
        out.show(
            "\nNext:\n"
            f"  groundtone models use {model}\n"
            "  groundtone compare QUESTIONS.jsonl --html report.html"
        )
    return last


def watch(workspace: Workspace, run: Run, out: Output, *, seen: int = 0) -> Event:
    """Follow with a live line, printing each event for ``--json``; returns the last event."""
    last: Event = {"event": "failed", "error": "the run told nothing"}
    with _live(out) as show:
        for last in _events(workspace, run, seen):
            show(last)
            out.line(last)
    return last


def _events(workspace: Workspace, run: Run, seen: int) -> Iterator[Event]:
    """The run's events. Of several processes that follow, one measures; the others wait for it."""
    from filelock import FileLock

    ended = _ended(workspace, run)
    if ended is not None:
        yield ended
        return
    events = run.events(seen=seen)
    for event in events:
        yield event
        if event["event"] == "trained":
            break
    else:
        return
    with FileLock(run.folder / "finish.lock"):
        ended = _ended(workspace, run)
        if ended is None:
            yield from events
        else:
            yield ended


def _ended(workspace: Workspace, run: Run) -> Event | None:
    """The last event of a run that is measured already, as the catalog knows it."""
    stored = workspace.catalog.get_run(run.id)
    if stored is None or stored.status not in ("succeeded", "failed"):
        return None
    if stored.status == "failed":
        return {"event": "failed", "error": stored.error}
    model = workspace.catalog.get_model(stored.model or "")
    metrics = model.metrics if model else {}
    return {
        "event": "done",
        "run": run.id,
        "model": stored.model,
        "gate": metrics.get("gate") or {"passed": False, "reasons": ["the model was deleted"]},
        "trained_tokens": metrics.get("trained_tokens"),
        "seconds": metrics.get("seconds"),
    }


def _stopped(run: Run, watching: bool) -> Interrupted:
    if watching:
        return Interrupted(
            f"Stopped watching; {run.id} goes on.", f"End it with: groundtone tune cancel {run.id}"
        )
    if run.status in ("trained", "succeeded"):
        return Interrupted(f"Interrupted; {run.id} is trained.", _go_on(run))
    run.cancel()
    return Interrupted(f"Interrupted; {run.id} was ended.", _go_on(run))


def _go_on(run: Run) -> str:
    return f"Its last checkpoint is kept. Go on with: groundtone tune resume {run.id}"


@contextmanager
def _live(out: Output) -> Iterator[Callable[[Event], None]]:
    """A line that changes in place on a terminal; elsewhere one every ten seconds."""
    if not sys.stderr.isatty():
        yield _plain_lines(out)
        return
    from rich.progress import BarColumn, Progress, TextColumn

    text = TextColumn("{task.description}", markup=False)
    with Progress(BarColumn(24), text, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def show(event: Event) -> None:
            if event["event"] in ("step", "gating"):
                done = event.get("step", event.get("question"))
                progress.update(task, completed=done, total=event["of"])
            progress.update(task, description=_line(event))

        yield _with_last_held_out(show)


def _plain_lines(out: Output) -> Callable[[Event], None]:
    told = 0.0

    def show(event: Event) -> None:
        nonlocal told
        is_step = event["event"] in ("step", "gating")
        last = event["event"] == "step" and event["step"] == event["of"]
        if out.as_json or (is_step and not last and time.monotonic() - told < QUIET_S):
            return
        if line := _line(event):
            out.note(line)
        if is_step:
            told = time.monotonic()

    return _with_last_held_out(show)


def _with_last_held_out(show: Callable[[Event], None]) -> Callable[[Event], None]:
    """The held-out loss is measured now and then; in between its last value stands."""
    known: float | None = None

    def shown(event: Event) -> None:
        nonlocal known
        if event.get("valid_loss") is not None:
            known = event["valid_loss"]
        show({**event, "valid_loss": known} if event["event"] == "step" else event)

    return shown


def _line(event: Event) -> str:
    if event["event"] == "gating":
        return f"gate: question {event['question'] + 1}/{event['of']}, with and without tuning"
    if event["event"] == "halved":
        return f"{event['why']}: batches are read in {event['parts']} parts"
    if event["event"] != "step":
        return WORDS.get(event["event"], "")
    parts = [f"step {event['step']}/{event['of']}"]
    if event["train_loss"] is not None:
        parts.append(f"loss {event['train_loss']:.3f}")
    if event["valid_loss"] is not None:
        parts.append(f"held-out {event['valid_loss']:.3f}")
    if event.get("tokens_per_s"):
        parts.append(f"{event['tokens_per_s']:,.0f} tokens/s")
    if event.get("left_s"):
        parts.append(f"{duration(event['left_s'])} left")
    return " · ".join(parts)


def gate_shown(done: Event) -> list[Any]:
    """What was trained and what the gate measured, for people."""
    gate = done["gate"]
    shown: list[Any] = [f"Trained {done['model']} in {duration(done.get('seconds') or 0)}."]
    if "form" not in gate:
        return [*shown, *gate.get("reasons", [])]
    rows = table("gate", "before", "tuned", "", right=("before", "tuned"))
    verdicts = [reason.rpartition(": ")[2] for reason in gate["reasons"]]
    rows.add_row(
        "house style kept", f"{gate['form_before']:.0%}", f"{gate['form']:.0%}", verdicts[0]
    )
    rows.add_row(
        "facts (token F1)", f"{gate['facts_before']:.3f}", f"{gate['facts']:.3f}", verdicts[1]
    )
    if gate.get("general") is not None:
        rows.add_row(
            "everyday questions",
            f"{gate['general_before']:.0%}",
            f"{gate['general']:.0%}",
            verdicts[2],
        )
    if gate.get("parity") is not None:
        rows.add_row("served as trained", "", f"{gate['parity']:.0%}", verdicts[-1])
    verdict = "passed" if gate["passed"] else "refused"
    return [*shown, rows, f"The gate {verdict} it, on {gate['questions']} held-out questions."]


def summary(run: Run) -> Event:
    """How a run is doing, as ``tune status --json`` prints it."""
    from groundtone.tuning import runs

    told = runs.events(run.folder)
    step: Event = next((e for e in reversed(told) if e["event"] == "step"), {})
    losses = [e["valid_loss"] for e in told if e.get("valid_loss") is not None]
    stored = run._stored()
    status = run.status
    return {
        "run": run.id,
        "status": status,
        "step": step.get("step"),
        "of": step.get("of"),
        "train_loss": step.get("train_loss"),
        "valid_loss": losses[-1] if losses else None,
        "tokens_per_s": step.get("tokens_per_s"),
        "left_s": step.get("left_s") if status == "running" else None,
        "suffix": stored.settings.get("suffix"),
        "examples": stored.settings.get("examples"),
        "model": stored.model,
        "error": stored.error,
        "created_at": stored.created_at,
        "finished_at": stored.finished_at,
        "folder": run.folder,
    }


def shown(row: Event) -> list[str]:
    """One run for people, with what can be done next."""
    lines = [f"{row['run']}: {row['status']}  (examples: {row['examples']})"]
    if row["step"]:
        lines.append(_line({**row, "event": "step"}))
    if row["error"]:
        lines.append(f"error: {row['error']}")
    run = row["run"]
    following = {
        "running": f"groundtone tune status {run} --follow",
        "trained": f"groundtone tune resume {run}    (only the gate is missing)",
        "succeeded": f"groundtone models use {row['model']}",
    }
    lines.append("Next: " + following.get(row["status"], f"groundtone tune resume {run}"))
    return lines
