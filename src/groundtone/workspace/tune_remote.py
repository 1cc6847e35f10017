"""Tuning on another server, with its result kept as a model of this workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.catalog.models import StoredModel
from groundtone.errors import BadExamples, GroundtoneError
from groundtone.tuning import examples as reading
from groundtone.tuning.remote import Provider
from groundtone.workspace.preparing import common_system

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

Event = dict[str, Any]


def run(
    workspace: Workspace,
    path: Path,
    *,
    model: str,
    suffix: str,
    base_url: str | None = None,
    validation: Path | None = None,
    seed: int | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    extras: Mapping[str, Any] | None = None,
    job: str | None = None,
) -> Iterator[Event]:
    """Check the examples here, tune there, and keep the model; yields events as a run here does.

    The last event is ``done`` (``run``: the job's id there), or the job's other end. Whoever stops
    following leaves the job at work.

    Args:
        path: the examples, sent as they are: no documents are sent with them.
        model: the base, by its name there.
        base_url: the server's address up to ``/v1``; None for OpenAI.
        validation: examples to measure on.
        job: follow this one, created before, instead of creating one.

    Raises:
        BadExamples: the file has faults; nothing is sent.
        EngineError: no key, or the server is away.
        WrongUse: it refuses what it is asked.
    """
    found = reading.load(path)
    if found.faults:
        raise BadExamples(path, [str(fault) for fault in found.faults])
    provider = Provider(base_url)
    try:
        if job is None:
            for warning in provider.warnings(model):
                yield {"event": "message", "level": "warn", "message": warning}
            uploaded = provider.upload(path)
            yield {"event": "uploaded", "file": uploaded}
            job = provider.create(
                model=model,
                training_file=uploaded,
                validation_file=None if validation is None else provider.upload(validation),
                suffix=suffix,
                seed=seed,
                hyperparameters=hyperparameters,
                extras=extras,
            )
        yield {"event": "started", "run": job}
        last: Event = {}
        for last in provider.follow(job):
            if last["event"] != "succeeded":
                yield last
        if last["event"] == "succeeded":
            yield _keep(workspace, provider, job, path, suffix, common_system(found.rows))
    finally:
        provider.close()


def _keep(
    workspace: Workspace, provider: Provider, id: str, path: Path, suffix: str, system: str
) -> Event:
    job = provider.job(id)
    name = job.fine_tuned_model
    if not name:
        raise GroundtoneError(f"{provider.where} says that {id} succeeded, and names no model.")
    metrics: dict[str, Any] = {"trained_tokens": job.trained_tokens}
    table = provider.results(job)
    if table is not None:
        folder = workspace.state / "runs" / id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.csv").write_text(table, "utf-8")
        metrics |= _last(table)
    if job.finished_at:
        metrics["seconds"] = job.finished_at - job.created_at
    stored = StoredModel(
        name=name,
        base=job.model,
        kind="remote",
        path="",
        data_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        settings={
            "provider": provider.where,
            "job": id,
            "suffix": suffix,
            "system": system,
            "hyperparameters": job.hyperparameters.to_dict(),
            "seed": job.seed,
            "examples": str(path.resolve()),
            "documents": False,
        },
        metrics=metrics,
    )
    workspace.catalog.put_model(stored)
    return {"event": "done", "run": id, "model": name, "gate": None, **metrics}


def _last(table: str) -> dict[str, float]:
    """The last number of each column of losses and accuracies."""
    import csv

    found: dict[str, float] = {}
    for row in csv.DictReader(table.splitlines()):
        for column, value in row.items():
            if column and column != "step" and value:
                try:
                    found[column] = float(value)
                except ValueError:
                    continue
    return found
