"""Syncs that pages start: jobs of the worker beside the server, seen alike from every page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.catalog import JobEvent, StoredJob

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

KIND = "sync"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the newest sync of a collection stands.

    Attributes:
        state: as a job's.
        what: names of its sources for a reader.
        told: ``done``, ``of``, ``chunks``, ``left_s`` and ``page`` while it works; ``report`` at
            its end.
        error: why it failed.
    """

    id: str
    state: str
    what: str
    told: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state not in ("queued", "running")


def start(workspace: Workspace, collection: str, *paths: str | Path) -> str:
    """Have these sources, or all of the collection, brought in step; returns the job's id.

    One that waits for just this is enough.
    """
    sources = [str(path) for path in paths]
    payload = {"sources": sources, "collection": collection}
    waiting, _ = workspace.catalog.list_jobs(kind=KIND, states=("queued",))
    for job in waiting:
        if job.payload == payload:
            return job.id
    made = StoredJob(f"sync-{uuid.uuid4().hex[:24]}", KIND, KIND, payload)
    workspace.catalog.put_job(made, JobEvent("The sync is queued"))
    return made.id


def newest(workspace: Workspace, collection: str) -> Progress | None:
    """The newest sync of a collection that was started by a page or the API; None for none."""
    jobs, _ = workspace.catalog.list_jobs(kind=KIND, limit=20)
    for job in jobs:
        if job.payload.get("collection") == collection:
            names = ", ".join(Path(source).name for source in job.payload.get("sources", ()))
            error = str((job.error or {}).get("message", ""))
            return Progress(job.id, job.state, names or "all sources", job.progress, error)
    return None
