"""A job and what happened to it, as they are kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from groundtone.catalog.connecting import Characters
from groundtone.catalog.schema import metadata

ENDED = frozenset({"succeeded", "failed", "cancelled"})
jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("state", String, nullable=False),
    Column("owner", String),
    Column("payload", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("error", JSON(none_as_null=True)),
    Column("stopping", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", String),
    Column("leased_until", Float, nullable=False),
    Column("not_before", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Index("jobs_by_state", "state", "created_at"),
)
job_events = Table(
    "job_events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("job", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
    Column("level", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("message", Characters, nullable=False),
    Column("data", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job.

    Attributes:
        id: such as ``ftjob-…``.
        kind: which work: ``tune``, ``sync`` or ``compare``.
        lane: which queue it waits in; those of one lane are carried out one after the other.
        state: ``queued``, ``running``, ``paused``, ``succeeded``, ``failed`` or ``cancelled``.
        owner: id of the key that it came with; None: of the workspace's owner.
        payload: what is to be done, as JSON values; never changed.
        progress: how far it is, as JSON values: what a next worker needs to go on.
        error: why it failed: ``code``, ``message``, ``param``.
        stopping: something may still be at work on a job that is not to go on.
        attempts: how often it was claimed since it last got on.
        worker: who works on it; "" nobody.
        leased_until: from when on somebody else may claim it, in seconds since 1970.
        not_before: when it may be claimed at the earliest.
    """

    id: str
    kind: str
    lane: str
    payload: dict[str, Any] = field(default_factory=dict)
    state: str = "queued"
    owner: str | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    stopping: bool = False
    attempts: int = 0
    worker: str = ""
    leased_until: float = 0.0
    not_before: float = 0.0
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    finished_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over for good."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened to a job.

    Attributes:
        message: in words.
        kind: ``message``, or ``metrics`` with numbers in `data`.
        level: ``info``, ``warn`` or ``error``.
        number: its place among all events; 0 before it is kept.
    """

    message: str
    kind: str = "message"
    level: str = "info"
    data: Mapping[str, Any] = field(default_factory=dict)
    created_at: float = field(default_factory=time.time)
    number: int = 0
