"""Fine-tuning jobs as OpenAI's API knows them, on top of jobs of the kind ``tune``.

Free of HTTP: what a request asks for is checked here, and a job is told here as the API tells it.
What a worker does with it is in `groundtone.jobs.tuning`.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from groundtone.catalog import JobEvent, StoredJob
from groundtone.errors import WrongUse
from groundtone.jobs.hyperparameters import AUTO, chosen
from groundtone.jobs.refusing import Refused
from groundtone.workspace.model_names import ORGANISATION, means

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

KIND, CHECKING, LANE = "tune", "checking", "tune"
PURPOSE = "fine-tune"
SUFFIX = 64
METHODS = ("supervised",)


def create(
    workspace: Workspace,
    *,
    model: str,
    training_file: str,
    validation_file: str | None = None,
    suffix: str | None = None,
    seed: int | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    method: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    integrations: Any = None,
    groundtone: Mapping[str, Any] | None = None,
    owner: str | None = None,
    limited: bool = False,
) -> StoredJob:
    """Create a job; a worker takes it from there.

    Args:
        model: the base, ``base``, or one of the settings' ``chat.aliases``.
        training_file, validation_file: ids of uploaded files.
        suffix: part of the model's name; what cannot stand there becomes ``-``.
        seed: None draws one.
        hyperparameters: ``n_epochs``, ``batch_size``, ``learning_rate_multiplier``; the older
            place, which `method` wins over.
        method: ``{"type": "supervised", "supervised": {"hyperparameters": …}}``.
        groundtone: what OpenAI's API has no place for; see `groundtone.jobs.hyperparameters`.
        owner: id of the key it comes with.
        limited: whether that key sees only some of the documents: then it trains without any.

    Raises:
        Refused: something in it cannot be used.
    """
    base = _base(workspace, model)
    for param, id in (("training_file", training_file), ("validation_file", validation_file)):
        if id is not None:
            _check_file(workspace, id, param, owner if limited else None)
    if integrations:
        raise Refused(
            "Integrations are not supported here: the metrics are in the job's events and in its "
            "result file.",
            param="integrations",
            code="unsupported_parameter",
        )
    given = dict(hyperparameters or {})
    if method is not None:
        given |= _of_method(method)
    seed = random.randint(0, 2**31 - 1) if seed is None else seed
    extras = dict(groundtone or {})
    if limited:
        if extras.get("documents") is True:
            raise Refused(
                "This key is limited to some of the documents, so it cannot train with them.",
                param="groundtone.documents",
                code="invalid_value",
            )
        extras["documents"] = False
    chosen(given, extras, seed)  # refused now rather than later
    payload = {
        "model": base,
        "training_file": training_file,
        "validation_file": validation_file,
        "suffix": suffix,
        "seed": seed,
        "hyperparameters": {name: given.get(name, "auto") for name in AUTO},
        "metadata": dict(metadata) if metadata is not None else None,
        "groundtone": extras,
    }
    id = f"ftjob-{secrets.token_hex(12)}"
    job = StoredJob(id, KIND, CHECKING, payload, owner=owner)
    checked = [JobEvent(f"Created fine-tuning job: {id}")]
    checked.append(JobEvent(f"Validating training file: {training_file}"))
    if validation_file:
        checked.append(JobEvent(f"Validating validation file: {validation_file}"))
    workspace.catalog.put_job(job, *checked)
    return job


def find(workspace: Workspace, id: str, owner: str | None = None) -> StoredJob:
    """The job of this id.

    Args:
        owner: only one of this key's; None: anybody's.

    Raises:
        Refused: there is none.
    """
    job = workspace.catalog.get_job(id, owner)
    if job is None or job.kind != KIND:
        raise Refused(
            f"Could not find fine tune: {id}", param="fine_tuning_job_id",
            code="fine_tune_not_found", missing=True,
        )  # fmt: skip
    return job


def cancel(workspace: Workspace, id: str, owner: str | None = None) -> StoredJob:
    """End a job for good; its model is not made.

    Raises:
        Refused: there is none, or it has ended.
    """
    job = find(workspace, id, owner)
    told = JobEvent("Fine-tuning job cancelled", level="warn")
    if not workspace.catalog.cancel_job(id, told):
        raise _not_now(workspace, job, "cancelled")
    return find(workspace, id)


def pause(workspace: Workspace, id: str, owner: str | None = None) -> StoredJob:
    """Have a job wait; what it has trained so far is kept.

    Raises:
        Refused: there is none, or it has ended or is paused.
    """
    job = find(workspace, id, owner)
    if not workspace.catalog.pause_job(id, JobEvent("Fine-tuning job paused")):
        raise _not_now(workspace, job, "paused")
    return find(workspace, id)


def resume(workspace: Workspace, id: str, owner: str | None = None) -> StoredJob:
    """Queue a paused job again.

    Raises:
        Refused: there is none, or it is not paused.
    """
    job = find(workspace, id, owner)
    if not workspace.catalog.resume_job(id, JobEvent("Fine-tuning job resumed")):
        raise _not_now(workspace, job, "resumed")
    return find(workspace, id)


def status(job: StoredJob) -> str:
    """The status in OpenAI's words: ``validating_files`` until its files are checked."""
    if job.lane == CHECKING and job.state in ("queued", "running"):
        return "validating_files"
    return job.state


def as_object(job: StoredJob) -> dict[str, Any]:
    """A job as the API tells it."""
    payload, progress = job.payload, job.progress
    hyperparameters = {**payload["hyperparameters"], **progress.get("hyperparameters", {})}
    finish = progress.get("estimated_finish") if job.state == "running" else None
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created_at),
        "finished_at": None if job.finished_at is None else int(job.finished_at),
        "model": payload["model"],
        "fine_tuned_model": progress.get("model") if job.state == "succeeded" else None,
        "organization_id": f"org-{ORGANISATION}",
        "status": status(job),
        "training_file": payload["training_file"],
        "validation_file": payload["validation_file"],
        "result_files": progress.get("result_files", []),
        "trained_tokens": progress.get("trained_tokens") if job.state == "succeeded" else None,
        "error": job.error,
        "seed": payload["seed"],
        "hyperparameters": hyperparameters,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        "user_provided_suffix": payload["suffix"],
        "estimated_finish": None if finish is None else int(finish),
        "integrations": [],
        "metadata": payload["metadata"],
        "groundtone": {
            **payload["groundtone"],
            **{
                name: progress[name]
                for name in ("documents", "run", "gate", "recipe")
                if progress.get(name) is not None
            },
        },
    }


def event_object(event: JobEvent) -> dict[str, Any]:
    """An event as the API tells it."""
    return {
        "id": f"ftevent-{event.number}",
        "object": "fine_tuning.job.event",
        "created_at": int(event.created_at),
        "level": event.level,
        "message": event.message,
        "type": event.kind,
        "data": dict(event.data),
    }


def event_number(id: str) -> int:
    """The number of the event that has this id.

    Raises:
        Refused: it is no event's.
    """
    number = id.removeprefix("ftevent-")
    if not number.isdecimal() or len(number) > 18:
        raise Refused(f"There is no event {id!r}.", param="after", code="invalid_value")
    return int(number)


def checkpoints(job: StoredJob) -> list[dict[str, Any]]:
    """The checkpoints that can be asked by their name, newest first.

    There is one, once the job has succeeded: the state that did best on the held-out examples,
    which is the one that the model has. Earlier states are only kept to go on from.
    """
    best = job.progress.get("best")
    if job.state != "succeeded" or not best:
        return []
    return [
        {
            "id": f"ftckpt-{job.id.removeprefix('ftjob-')}",
            "object": "fine_tuning.job.checkpoint",
            "created_at": int(job.finished_at or job.created_at),
            "fine_tuned_model_checkpoint": f"{job.progress['model']}:ckpt-step-{best['step']}",
            "fine_tuning_job_id": job.id,
            "step_number": best["step"],
            "metrics": best,
        }
    ]


def delete_model(workspace: Workspace, name: str) -> str:
    """Remove a tuned model, by its whole name in either spelling, and its adapter; its name.

    Raises:
        Refused: there is none, or it is in use.
    """
    for model in workspace.catalog.list_models():
        if name == model.name or (name.startswith("ft:") and means(name, model.name, model.base)):
            try:
                return workspace.delete_model(model.name)
            except WrongUse as error:
                raise Refused(str(error), param="model", code="model_in_use") from None
    raise Refused(
        f"The model {name!r} does not exist here, or is no tuned model.",
        param="model",
        code="model_not_found",
        missing=True,
    )


def available(workspace: Workspace) -> list[str]:
    """The names under which a model can be asked to be tuned."""
    return [workspace.settings.chat.model, *workspace.settings.chat.aliases]


def _base(workspace: Workspace, model: str) -> str:
    base = workspace.settings.chat.model
    if model in ("base", *available(workspace)):
        return base
    if model.startswith("ft:"):
        why = "a tuned model cannot be tuned further here: tune its base with all examples"
    else:
        why = (
            f"it does not exist here. Use {' or '.join(available(workspace))}, or name it in "
            'groundtone.toml as another name of that: [chat] aliases = ["…"]'
        )
    raise Refused(
        f"The model {model!r} is not available for fine-tuning: {why}.",
        param="model",
        code="model_not_available",
    )


def _check_file(workspace: Workspace, id: str, param: str, owner: str | None) -> None:
    file = workspace.catalog.get_file(id, owner)
    if file is None:
        raise Refused(f"The file {id} does not exist.", param=param, code="file_not_found")
    if file.purpose != PURPOSE:
        raise Refused(
            f"The file {id} was uploaded with the purpose {file.purpose!r}; it must be "
            f"{PURPOSE!r}.",
            param=param,
            code="invalid_file_purpose",
        )


def _of_method(method: Mapping[str, Any]) -> dict[str, Any]:
    kind = method.get("type")
    if kind not in METHODS:
        raise Refused(
            f"The method {kind!r} is not supported here; use 'supervised'.",
            param="method.type",
            code="unsupported_value",
        )
    return dict((method.get("supervised") or {}).get("hyperparameters") or {})


def _not_now(workspace: Workspace, job: StoredJob, asked: str) -> Refused:
    now = status(workspace.catalog.get_job(job.id) or job)
    return Refused(f"The job {job.id} is {now}: it cannot be {asked}.", code="invalid_job_status")
