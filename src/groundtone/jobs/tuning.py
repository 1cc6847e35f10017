"""A fine-tuning job in a worker's hands: its files checked, its run started and followed.

The training itself is a run as `groundtone tune run` starts it, in a process that outlives the
worker. The run's id is fixed by the job's, so a worker that takes up a job finds the run that the
one before it began, whatever moment that one was killed at, and goes on following it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from groundtone.catalog import JobEvent, StoredJob
from groundtone.errors import EngineError, GroundtoneError, UnusableExamples, WrongUse
from groundtone.jobs import results
from groundtone.jobs.fine_tuning import CHECKING, LANE
from groundtone.jobs.hyperparameters import Chosen, chosen
from groundtone.jobs.training_files import Bad, decide, prepare
from groundtone.tuning import runs
from groundtone.tuning.recipe import Contexts
from groundtone.workspace import tune
from groundtone.workspace.files import Files
from groundtone.workspace.model_names import ORGANISATION
from groundtone.workspace.tune import Run

if TYPE_CHECKING:
    from groundtone.jobs.holding import Hold
    from groundtone.workspace import Workspace

DEATHS = 3
"""Times that a training process may die without a word and without getting on."""


def carry_out(workspace: Workspace, hold: Hold) -> None:
    """Check the job's files, or train; which of them, its lane says."""
    try:
        if hold.job.lane == CHECKING:
            _check(workspace, hold)
        else:
            _train(workspace, hold)
    except Bad as bad:
        hold.fail(bad.to_json())


def clear(workspace: Workspace, job: StoredJob) -> None:
    """End what is at work on a job that was cancelled or paused; its last state is kept."""
    run = _run(workspace, job)
    if run is None:
        return
    if job.state == "paused" and runs.alive(run.folder):
        run.pause()
    if job.state == "cancelled" or runs.alive(run.folder):
        run.cancel()
    if job.state == "cancelled":  # after it was trained
        for model in workspace.catalog.list_models():
            if model.name.endswith(f":{run.id.removeprefix('run-')}"):
                workspace.catalog.delete_model(model.name)
        workspace.catalog.update_run(run.id, model=None)


def run_id(job: StoredJob) -> str:
    """The id of a job's run, which is also at the end of its model's name."""
    return f"run-{job.id.removeprefix('ftjob-')[:8]}"


def _check(workspace: Workspace, hold: Hold) -> None:
    payload = hold.job.payload
    how = _how(payload)
    folder = _folder(workspace, hold.job)
    told = prepare(workspace, payload, folder)
    hold.check()
    decision = decide(workspace, folder, how.documents, check=hold.check)
    if told.without_documents is not None and not decision.documents:
        raise told.without_documents
    hold.progress |= {"documents": decision.documents, "hyperparameters": how.resolved}
    hold.hand_over(
        LANE,
        *(JobEvent(warning, level="warn") for warning in told.warnings),
        JobEvent(decision.reason),
        JobEvent("Files validated, moving job to queued state"),
    )


def _train(workspace: Workspace, hold: Hold) -> None:
    run = _run(workspace, hold.job)
    if run is None:
        hold.note(JobEvent("Fine-tuning job started"))
        run = _begin(workspace, hold)
        hold.note(run=run.id)
    deaths = 0
    while run.model is None:
        seen = _taken_up(workspace, run)
        before = hold.progress.get("step", 0)
        ended = _follow(run, hold, seen)
        if ended in ("done", "stopped"):
            break
        deaths = 1 if hold.progress.get("step", 0) > before else deaths + 1
        if deaths > DEATHS:
            raise GroundtoneError("The training process died again and again.", _remedy(run))
        hold.note(
            JobEvent("The training process ended; going on from its checkpoint", level="warn")
        )
    if run.model is not None:
        _finish(workspace, hold, run, str(run.model))
    else:  # ended with `groundtone tune cancel`
        workspace.catalog.cancel_job(
            hold.job.id, JobEvent("Fine-tuning job cancelled", level="warn")
        )


def _begin(workspace: Workspace, hold: Hold) -> Run:
    payload = hold.job.payload
    how = _how(payload)
    folder = _folder(workspace, hold.job)
    documents = hold.progress["documents"]
    validation = folder / "validation.jsonl"
    try:
        return tune.start(
            workspace,
            folder / "training.jsonl",
            suffix=suffix_of(payload["suffix"]),
            recipe=how.recipe,
            contexts=how.contexts if documents else Contexts.none(seed=payload["seed"]),
            validation=validation if validation.exists() else None,
            organisation=ORGANISATION,
            id=run_id(hold.job),
            progress=lambda *_: hold.check(),
        )
    except UnusableExamples as error:
        param = "validation_file" if error.path == validation else "training_file"
        file = workspace.catalog.get_file(payload[param])
        name = file.name if file is not None else error.path.name
        message = str(error).replace(str(error.path), name)
        raise Bad(f"invalid_{param}", message, param) from None
    except WrongUse as error:
        raise Bad("invalid_training_file", str(error)) from None


def _taken_up(workspace: Workspace, run: Run) -> int:
    """See that the run is at work, or has trained; how many of its events to pass over."""
    told = runs.events(run.folder)
    if runs.alive(run.folder):
        return 0
    if told and told[-1]["event"] in ("trained", "failed"):
        workspace.catalog.update_run(run.id, status="running", error=None)
        return len(told) - 1
    return run.resume()


def _follow(run: Run, hold: Hold, seen: int) -> str:
    """Follow a run to its end, telling what is new.

    Returns:
        ``done``, ``died`` (it can go on), or ``stopped``: somebody ended it at the terminal.

    Raises:
        GroundtoneError: training failed, or its model cannot be used.
    """

    def look() -> None:
        hold.check()
        _tell(hold, run)

    trained = False
    with ExitStack() as stack:
        for event in run.events(seen=seen, meanwhile=look):
            look()
            kind = event["event"]
            if kind == "done":
                return "done"
            if kind == "failed" and (trained or _said_so(run)):
                raise GroundtoneError(str(event.get("error")))
            if kind in ("failed", "cancelled", "paused"):
                return _ended(run)
            if kind == "trained":
                trained = True
                _alone(run, hold, stack)
                if run.model is not None:
                    return "done"
    return "died"


def _alone(run: Run, hold: Hold, stack: ExitStack) -> None:
    """Of several that follow a run (somebody at the terminal), one measures; others wait for it."""
    lock = FileLock(run.folder / "finish.lock")
    while True:
        with suppress(Timeout):
            stack.enter_context(lock.acquire(timeout=0.5))
            return
        hold.check()


def _said_so(run: Run) -> bool:
    """Whether the training process itself said that it failed; else it was killed."""
    told = runs.events(run.folder)
    return bool(told) and told[-1]["event"] == "failed"


def _ended(run: Run) -> str:
    """Somebody at the terminal marks the run, within a moment; the system's own end does not."""
    time.sleep(0.5)
    stored = run._stored()
    return "stopped" if stored.status == "cancelled" else "died"


def _tell(hold: Hold, run: Run) -> None:
    """Tell what the run has told since the last time, and how many of its events that makes."""
    known = hold.progress.get("seen", 0)
    events: list[JobEvent] = []
    progress: dict[str, Any] = {}
    for event in runs.events(run.folder)[known:]:
        known += 1
        kind = event["event"]
        if kind == "step":
            events.append(results.step_event(event))
            progress |= {"step": event["step"], "of": event["of"]}
            if event.get("left_s") is not None:
                progress["estimated_finish"] = time.time() + event["left_s"]
        elif kind == "resumed":
            events.append(JobEvent(f"Going on from step {event['step']}"))
        elif kind == "halved":
            events.append(JobEvent(f"Batches are read in {event['parts']} parts: {event['why']}"))
        elif kind == "trained":
            events.append(JobEvent("Training finished; loading the model and measuring it"))
        progress["seen"] = known
    if progress:
        hold.note(*events, **progress)


def _finish(workspace: Workspace, hold: Hold, run: Run, model: str) -> None:
    """See that the model answers, keep the metrics as a file, and end the job."""
    stored = workspace.catalog.get_model(model)
    if stored is None:
        raise GroundtoneError(f"The model {model} was deleted before the job had ended.")
    _answers(workspace, model)
    told = runs.events(run.folder)
    if not hold.progress.get("result_files"):
        file = Files(workspace).add(
            [results.metrics_csv(told).encode()],
            "step_metrics.csv",
            "fine-tune-results",
            owner=hold.job.owner,
        )
        hold.note(result_files=[file.id])
    gate: Mapping[str, Any] = stored.metrics.get("gate") or {}
    verdict = "passed" if gate.get("passed") else "refused"
    reasons = "; ".join(gate.get("reasons", ()))
    events = [
        JobEvent(
            f"The gate {verdict} the model: {reasons}" if reasons else "The model was not measured",
            level="info" if gate.get("passed") else "warn",
            data={"gate": dict(gate)},
        ),
        JobEvent(f"New fine-tuned model created: {model}"),
        JobEvent("The job has successfully completed"),
    ]
    hold.succeed(
        *events,
        model=model,
        gate=dict(gate),
        trained_tokens=stored.metrics.get("trained_tokens"),
        recipe=stored.settings.get("recipe"),
        best=results.best(told),
    )


def _answers(workspace: Workspace, model: str) -> None:
    """Raise unless the model, loaded beside the base, answers."""
    from groundtone.chat import complete

    workspace.chat.load(workspace.adapters())
    greeting = [{"role": "user", "content": "Hello"}]
    done = complete(workspace.chat, greeting, model=model, max_tokens=8)
    if not done.completion_tokens:
        raise EngineError(f"{model} was loaded and does not answer.")


def _run(workspace: Workspace, job: StoredJob) -> Run | None:
    id = run_id(job)
    return Run(workspace, id) if workspace.catalog.get_run(id) is not None else None


def _folder(workspace: Workspace, job: StoredJob) -> Path:
    folder = workspace.state / "jobs" / job.id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _how(payload: Mapping[str, Any]) -> Chosen:
    return chosen(payload["hyperparameters"], payload["groundtone"], payload["seed"])


def suffix_of(given: str | None) -> str:
    """What of a suffix can stand in a model's name.

    >>> suffix_of("Support style: v2"), suffix_of(None)
    ('Support-style-v2', '')
    """
    kept = "".join(c if (c.isascii() and c.isalnum()) or c in "-_" else " " for c in given or "")
    return "-".join(kept.split())[:64]


def _remedy(run: Run) -> str:
    return f"Its last words are in {run.folder / 'stderr.log'}."
