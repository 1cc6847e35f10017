"""Jobs: work that takes long, and survives whoever does it.

A job is a row. A worker process *claims* it for a while (its lease), renews the lease while it
works, and writes down how it goes. A worker that is killed stops renewing; when the lease is over,
the next worker takes the job up where its notes end. We keep this ourselves, in the catalog,
rather than with a task queue such as huey, because huey takes a task out of its queue before it is
carried out: one whose worker is killed is lost. Here a job leaves the queue only by ending.

What somebody wants of a job (cancel it, pause it) takes effect in the row at once, also while no
worker is there. ``stopping`` says that something may still be at work on it and must be ended: that
too is work for a worker.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from groundtone.catalog.job_records import JobEvent, StoredJob, job_events, jobs
from groundtone.catalog.paging import page
from groundtone.catalog.schema import Database


class Jobs(Database):
    """The part of the catalog that knows jobs."""

    def put_job(self, job: StoredJob, *events: JobEvent) -> None:
        """Add a job; from now on it is carried out, whatever is killed."""
        with self.write() as connection:
            connection.execute(insert(jobs).values(asdict(job)))
            _tell(connection, job.id, events)

    def get_job(self, id: str, owner: str | None = None) -> StoredJob | None:
        """The job of this id.

        Args:
            owner: one of another's is not there, and nothing of it is read; None: anybody's.
        """
        with self.read() as connection:
            return _get(connection, id, owner=owner)

    def list_jobs(
        self,
        *,
        kind: str | None = None,
        owner: str | None = None,
        states: Collection[str] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> tuple[list[StoredJob], bool]:
        """One page of jobs, newest first, and whether more follow.

        Args:
            kind, owner, states: only those; None and empty: all.
            after: the id of the last one of the page before.
        """
        query = select(jobs)
        if kind is not None:
            query = query.where(jobs.c.kind == kind)
        if owner is not None:
            query = query.where(jobs.c.owner == owner)
        if states:
            query = query.where(jobs.c.state.in_(sorted(states)))
        with self.read() as connection:
            rows, more = page(connection, query, jobs, after=after, limit=limit)
        return [StoredJob(**row._mapping) for row in rows], more

    def job_events(
        self, id: str, *, after: int | None = None, limit: int = 20, newest: bool = True
    ) -> tuple[list[JobEvent], bool]:
        """One page of a job's events, and whether more follow; `after` is the last one's number."""
        query = select(job_events).where(job_events.c.job == id)
        number = job_events.c.number
        if after is not None:
            query = query.where(number < after if newest else number > after)
        query = query.order_by(number.desc() if newest else number).limit(limit + 1)
        with self.read() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
        for row in rows:
            del row["job"]
        return [JobEvent(**row) for row in rows[:limit]], len(rows) > limit

    # -- what a worker does ------------------------------------------------------------------

    def claim_job(self, worker: str, lanes: Collection[str], lease_s: float) -> StoredJob | None:
        """Take the oldest job of these lanes that nobody works on; None if there is none.

        One transaction: of many workers that ask at the same time, one gets it.

        Args:
            worker: a name no other worker has.
            lease_s: seconds until others may take it, unless it is renewed.
        """
        now = time.time()
        oldest = (
            select(jobs.c.id)
            .where(_claimable(now), jobs.c.lane.in_(sorted(lanes)))
            .order_by(jobs.c.stopping.desc(), jobs.c.created_at, jobs.c.id)
            .limit(1)
        )
        with self.read() as connection:  # most of the time there is none: ask without a lock
            if connection.scalar(oldest) is None:
                return None
        with self.write() as connection:
            # SQLite's writers come one after the other; PostgreSQL's leave each other's rows.
            id = connection.scalar(oldest.with_for_update(skip_locked=True))
            if id is None:
                return None
            claimed = jobs.c.id == id
            queued = and_(claimed, jobs.c.state == "queued")
            for which, values in (
                (claimed, {"worker": worker, "leased_until": now + lease_s}),
                (claimed, {"attempts": jobs.c.attempts + 1}),
                (queued, {"state": "running", "stopping": False}),
                (and_(claimed, jobs.c.started_at.is_(None)), {"started_at": now}),
            ):
                connection.execute(update(jobs).where(which).values(values))
            return _get(connection, id)

    def renew_job(self, id: str, worker: str, lease_s: float) -> StoredJob | None:
        """Keep a job for another while, and look at it; None when it is not this worker's."""
        with self.write() as connection:
            kept = connection.execute(
                update(jobs).where(_held(id, worker)).values(leased_until=time.time() + lease_s)
            )
            return _get(connection, id) if kept.rowcount else None

    def note_job(
        self,
        id: str,
        worker: str,
        *,
        progress: Mapping[str, Any] | None = None,
        events: Iterable[JobEvent] = (),
    ) -> bool:
        """Write down how it goes: progress (whole) and events, together or not at all.

        Returns:
            whether it was this worker's to say.
        """
        values = {} if progress is None else {"progress": dict(progress), "attempts": 0}
        return self._turn(id, worker, values, events)

    def end_job(
        self,
        id: str,
        worker: str,
        state: str,
        *,
        progress: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
        events: Iterable[JobEvent] = (),
    ) -> bool:
        """End a running job and let it go; False when it was cancelled, paused or lost meanwhile.

        Args:
            state: ``succeeded`` or ``failed``.
        """
        values: dict[str, Any] = {
            "state": state,
            "error": None if error is None else dict(error),
            "finished_at": time.time(),
            **_FREE,
        }
        if progress is not None:
            values["progress"] = dict(progress)
        return self._turn(id, worker, values, events, state="running")

    def requeue_job(
        self,
        id: str,
        worker: str,
        *,
        lane: str | None = None,
        after_s: float = 0.0,
        progress: Mapping[str, Any] | None = None,
        events: Iterable[JobEvent] = (),
    ) -> bool:
        """Put a running job back into a queue: into `lane`, to be claimed in `after_s` seconds."""
        values: dict[str, Any] = {
            "state": "queued",
            "not_before": time.time() + after_s,
            "attempts": 0,
            **_FREE,
        }
        if lane is not None:
            values["lane"] = lane
        if progress is not None:
            values["progress"] = dict(progress)
        return self._turn(id, worker, values, events, state="running")

    def release_job(self, id: str, worker: str, *, stopped: bool = False) -> bool:
        """Let go of a job as it is, for the next worker to take up.

        Args:
            stopped: nothing is at work on it any more.
        """
        values = {"attempts": 0, **_FREE, **({"stopping": False} if stopped else {})}
        return self._turn(id, worker, values, ())

    def release_worker(self, worker: str) -> int:
        """Let go of all that a worker held which is known to be dead; returns how many.

        Its parts, ``<worker>/<part>``, are dead with it.
        """
        parts = jobs.c.worker.startswith(f"{worker}/", autoescape=True)
        with self.write() as connection:
            held = update(jobs).where(or_(jobs.c.worker == worker, parts))
            return connection.execute(held.values(_FREE)).rowcount

    def _turn(
        self,
        id: str,
        worker: str,
        values: Mapping[str, Any],
        events: Iterable[JobEvent],
        *,
        state: str | None = None,
    ) -> bool:
        mine = _held(id, worker)
        if state is not None:
            mine = and_(mine, jobs.c.state == state)
        with self.write() as connection:
            # Without values to set: still see, in the same transaction, that it is ours.
            done = connection.execute(update(jobs).where(mine).values(values or {"worker": worker}))
            if not done.rowcount:
                return False
            _tell(connection, id, events)
            return True

    # -- what others want of a job -----------------------------------------------------------

    def cancel_job(self, id: str, *events: JobEvent) -> bool:
        """End a job that has not ended. Returns whether it could be."""
        ended = {"state": "cancelled", "finished_at": time.time()}
        return self._ask(id, ("queued", "running", "paused"), ended, events)

    def pause_job(self, id: str, *events: JobEvent) -> bool:
        """Have a queued or running job wait until it is resumed. Returns whether it could be."""
        return self._ask(id, ("queued", "running"), {"state": "paused"}, events)

    def resume_job(self, id: str, *events: JobEvent) -> bool:
        """Queue a paused job again. Returns whether it was paused."""
        return self._ask(id, ("paused",), {"state": "queued"}, events)

    def _ask(
        self,
        id: str,
        states: Collection[str],
        values: Mapping[str, Any],
        events: Iterable[JobEvent],
    ) -> bool:
        with self.write() as connection:
            found = _get(connection, id, lock=True)
            if found is None or found.state not in states:
                return False
            # Begun once, something of it may be at work: a worker's own child outlives it.
            begun = found.state == "running" or found.stopping
            connection.execute(update(jobs).where(jobs.c.id == id).values(stopping=begun, **values))
            _tell(connection, id, events)
            return True


_FREE: dict[str, Any] = {"worker": "", "leased_until": 0.0}
"""Nobody has it."""


def _held(id: str, worker: str) -> ColumnElement[bool]:
    return and_(jobs.c.id == id, jobs.c.worker == worker)


def _claimable(now: float) -> ColumnElement[bool]:
    """Nobody works on it, and there is something to do: to go on, or to end what is at work."""
    free = jobs.c.leased_until <= now
    work = and_(jobs.c.state.in_(("queued", "running")), jobs.c.not_before <= now)
    return and_(free, or_(work, jobs.c.stopping))


def _get(
    connection: Connection, id: str, *, owner: str | None = None, lock: bool = False
) -> StoredJob | None:
    query = select(jobs).where(jobs.c.id == id)
    if owner is not None:
        query = query.where(jobs.c.owner == owner)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else StoredJob(**row._mapping)


def _tell(connection: Connection, id: str, events: Iterable[JobEvent]) -> None:
    rows = [{**asdict(replace(event, data=dict(event.data))), "job": id} for event in events]
    for row in rows:
        del row["number"]
    if rows:
        connection.execute(insert(job_events), rows)
