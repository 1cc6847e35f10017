"""``/v1/fine_tuning``: OpenAI's fine-tuning jobs, trained here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from groundtone.catalog import StoredJob
from groundtone.jobs import fine_tuning
from groundtone.jobs.refusing import Refused
from groundtone.server.auth import Principal, require
from groundtone.server.errors import ApiError, documented
from groundtone.server.routes.files import ID, seen_by
from groundtone.server.serving import Serving

router = APIRouter(tags=["fine-tuning"])
JOBS = "/v1/fine_tuning/jobs"
Tuner = Annotated[Principal, Depends(require("tune"))]
JobId = Annotated[str, Path(max_length=64, pattern=ID)]
FileId = Annotated[str, Field(max_length=64, pattern=ID)]
After = Annotated[str | None, Query(max_length=64, pattern=ID)]
Limit = Annotated[int, Query(ge=1, le=100)]
Auto = Literal["auto"]
T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _auto_or(kind: str, low: float, high: float) -> WithJsonSchema:
    """For the document; the values are checked, and their faults named, where jobs are made."""
    number = {"type": kind, "minimum": low, "maximum": high}
    return WithJsonSchema({"anyOf": [{"type": "string", "enum": ["auto"]}, number]})


class Hyperparameters(_Strict):
    """How to train; ``auto`` is what was measured to do well."""

    n_epochs: Annotated[Any, _auto_or("integer", 1, 50)] = None
    batch_size: Annotated[Any, _auto_or("integer", 1, 256)] = None
    learning_rate_multiplier: Annotated[Any, _auto_or("number", 0.001, 1000)] = None


class Supervised(_Strict):
    """The settings of the method ``supervised``."""

    hyperparameters: Hyperparameters | None = None


class Method(_Strict):
    """The way of training: ``supervised``."""

    type: str
    supervised: Supervised | None = None
    dpo: Any = None
    reinforcement: Any = None


class JobRequest(_Strict):
    """What is asked for."""

    model: str
    training_file: FileId
    validation_file: FileId | None = None
    suffix: Annotated[str, Field(min_length=1, max_length=fine_tuning.SUFFIX)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    hyperparameters: Hyperparameters | None = None
    method: Method | None = None
    metadata: (
        Annotated[
            dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
            Field(max_length=16),
        ]
        | None
    ) = None
    integrations: list[dict[str, Any]] | None = None
    groundtone: dict[str, Any] | None = Field(
        default=None,
        description="What OpenAI's API has no place for: kind, rank, alpha, targets, "
        "learning_rate, patience, contexts, absent, and documents: 'auto', true or false.",
    )


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    message: str
    param: str | None


class ToldHyperparameters(BaseModel):
    """How it is trained."""

    n_epochs: Auto | int
    batch_size: Auto | int
    learning_rate_multiplier: Auto | float


class ToldSupervised(BaseModel):
    """The settings of the method ``supervised``."""

    hyperparameters: ToldHyperparameters


class ToldMethod(BaseModel):
    """The way of training."""

    type: Literal["supervised"]
    supervised: ToldSupervised


class Job(BaseModel):
    """A fine-tuning job."""

    id: str
    object: Literal["fine_tuning.job"]
    created_at: int
    finished_at: int | None
    model: str
    fine_tuned_model: str | None
    organization_id: str
    status: Literal[
        "validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"
    ]
    training_file: str
    validation_file: str | None
    result_files: list[str]
    trained_tokens: int | None
    error: JobError | None
    seed: int
    hyperparameters: ToldHyperparameters
    method: ToldMethod
    user_provided_suffix: str | None
    estimated_finish: int | None
    integrations: list[Any]
    metadata: dict[str, str] | None
    groundtone: dict[str, Any]


class Jobs(BaseModel):
    """One page of jobs."""

    object: Literal["list"] = "list"
    data: list[Job]
    has_more: bool


class Event(BaseModel):
    """Something that happened to a job."""

    id: str
    object: Literal["fine_tuning.job.event"]
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class Events(BaseModel):
    """One page of events."""

    object: Literal["list"] = "list"
    data: list[Event]
    has_more: bool


class CheckpointMetrics(BaseModel):
    """The numbers of a step."""

    step: float | None = None
    train_loss: float | None = None
    train_mean_token_accuracy: float | None = None
    valid_loss: float | None = None
    valid_mean_token_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_mean_token_accuracy: float | None = None


class Checkpoint(BaseModel):
    """A state of training that can be asked by its name."""

    id: str
    object: Literal["fine_tuning.job.checkpoint"]
    created_at: int
    fine_tuned_model_checkpoint: str
    fine_tuning_job_id: str
    step_number: int
    metrics: CheckpointMetrics


class Checkpoints(BaseModel):
    """All of a job, newest first."""

    object: Literal["list"] = "list"
    data: list[Checkpoint]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ModelDeleted(BaseModel):
    """That a model is gone."""

    id: str
    object: Literal["model"] = "model"
    deleted: Literal[True] = True


@router.post(JOBS, responses=documented())
async def create_job(request: Request, principal: Tuner, body: JobRequest) -> Job:
    """Train a model on an uploaded file; the job is carried out by a worker."""
    asked = body.model_dump(exclude_none=True, exclude={"method"})
    method = body.method.model_dump(exclude_none=True) if body.method else None
    seen = seen_by(principal)
    return await _answer(
        request,
        fine_tuning.create,
        **asked,
        method=method,
        owner=principal.key_id,
        limited=seen is not None,
    )


@router.get(JOBS, responses=documented())
async def list_jobs(
    request: Request, principal: Tuner, after: After = None, limit: Limit = 20
) -> Jobs:
    """List jobs, newest first; ``metadata[KEY]=VALUE`` only those, ``metadata=null`` without."""
    wanted: dict[str, str] | None = {}
    for name, value in request.query_params.multi_items():
        if name.startswith("metadata[") and name.endswith("]") and wanted is not None:
            wanted[name[9:-1]] = value
        elif name == "metadata" and value == "null":
            wanted = None
    serving = _serving(request)

    def matches(job: StoredJob) -> bool:
        own = job.payload["metadata"] or {}
        return not own if wanted is None else wanted.items() <= own.items()

    def page() -> tuple[list[StoredJob], bool]:
        found: list[StoredJob] = []
        last, more = after, True
        while more:
            some, more = serving.workspace.catalog.list_jobs(
                kind=fine_tuning.KIND, owner=seen_by(principal), after=last, limit=limit
            )
            found += filter(matches, some)
            if len(found) >= limit:
                return found[:limit], more or len(found) > limit
            last = some[-1].id if some else None
        return found, False

    jobs, more = await serving.quick(page)
    return Jobs(data=[_told(job) for job in jobs], has_more=more)


@router.get(JOBS + "/{job_id}", responses=documented(404))
async def retrieve_job(request: Request, principal: Tuner, job_id: JobId) -> Job:
    """Look up one job."""
    return await _answer(request, fine_tuning.find, job_id, seen_by(principal))


@router.post(JOBS + "/{job_id}/cancel", responses=documented(404))
async def cancel_job(request: Request, principal: Tuner, job_id: JobId) -> Job:
    """End a job for good."""
    return await _answer(request, fine_tuning.cancel, job_id, seen_by(principal))


@router.post(JOBS + "/{job_id}/pause", responses=documented(404))
async def pause_job(request: Request, principal: Tuner, job_id: JobId) -> Job:
    """Have a job wait; what it has trained is kept."""
    return await _answer(request, fine_tuning.pause, job_id, seen_by(principal))


@router.post(JOBS + "/{job_id}/resume", responses=documented(404))
async def resume_job(request: Request, principal: Tuner, job_id: JobId) -> Job:
    """Go on with a paused job."""
    return await _answer(request, fine_tuning.resume, job_id, seen_by(principal))


@router.get(JOBS + "/{job_id}/events", responses=documented(404))
async def list_events(
    request: Request, principal: Tuner, job_id: JobId, after: After = None, limit: Limit = 20
) -> Events:
    """List what happened to a job, newest first."""
    serving = _serving(request)

    def page() -> Events:
        job = fine_tuning.find(serving.workspace, job_id, seen_by(principal))
        number = None if after is None else fine_tuning.event_number(after)
        found, more = serving.workspace.catalog.job_events(job.id, after=number, limit=limit)
        told = [Event(**fine_tuning.event_object(event)) for event in found]
        return Events(data=told, has_more=more)

    return await _said(serving, page)


@router.get(JOBS + "/{job_id}/checkpoints", responses=documented(404))
async def list_checkpoints(
    request: Request, principal: Tuner, job_id: JobId, after: After = None, limit: Limit = 10
) -> Checkpoints:
    """List the states of training that can be asked by their name."""
    serving = _serving(request)

    def page() -> Checkpoints:
        job = fine_tuning.find(serving.workspace, job_id, seen_by(principal))
        found = [Checkpoint(**one) for one in fine_tuning.checkpoints(job)]
        if after is not None:  # there is one: nothing comes after it
            found = []
        ids = [one.id for one in found]
        first, last = (ids[0], ids[-1]) if ids else (None, None)
        return Checkpoints(data=found[:limit], first_id=first, last_id=last, has_more=False)

    return await _said(serving, page)


@router.delete("/v1/models/{model:path}", responses=documented(404))
async def delete_model(request: Request, principal: Tuner, model: str) -> ModelDeleted:
    """Remove a tuned model, which must not be in use."""
    serving = _serving(request)
    if seen_by(principal) is not None:
        raise ApiError(403, "This key is limited to some of the documents.", code="missing_scope")
    name = await _said(serving, lambda: fine_tuning.delete_model(serving.workspace, model))
    return ModelDeleted(id=name)


async def _answer(
    request: Request, call: Callable[..., StoredJob], *given: Any, **named: Any
) -> Job:
    serving = _serving(request)
    job = await _said(serving, lambda: call(serving.workspace, *given, **named))
    return _told(job)


async def _said(serving: Serving, call: Callable[[], T]) -> T:
    """What a call returns; its refusal as an error of the API."""
    try:
        return await serving.quick(call)
    except Refused as refused:
        raise ApiError(
            404 if refused.missing else 400,
            str(refused),
            param=refused.param,
            code=refused.code,
        ) from None


def _told(job: StoredJob) -> Job:
    return Job(**fine_tuning.as_object(job))


def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving
