"""Jobs are claimed by one, kept while leased, and never lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundtone.catalog import Catalog, JobEvent, StoredJob

LONG = 60.0


@pytest.fixture
def catalog(where: str | Path) -> Iterator[Catalog]:
    opened = Catalog(where)
    yield opened
    opened.close()


def put(catalog: Catalog, *ids: str, lane: str = "tune") -> None:
    for place, id in enumerate(ids):
        catalog.put_job(StoredJob(id, "tune", lane, {"n": place}, created_at=100.0 + place))


def test_the_oldest_of_its_lanes_is_claimed_and_then_held(catalog: Catalog) -> None:
    put(catalog, "a", "b")
    put(catalog, "s", lane="sync")
    first = catalog.claim_job("w1", ("tune",), LONG)
    assert first is not None
    assert (first.id, first.state, first.worker, first.attempts) == ("a", "running", "w1", 1)
    second = catalog.claim_job("w2", ("tune",), LONG)
    assert second is not None and second.id == "b"
    assert catalog.claim_job("w3", ("tune",), LONG) is None
    held = catalog.renew_job("a", "w1", LONG)
    assert held is not None and held.leased_until >= first.leased_until
    assert catalog.renew_job("a", "w2", LONG) is None


def test_of_many_who_ask_at_once_one_gets_a_job(catalog: Catalog) -> None:
    ids = [f"job-{n}" for n in range(12)]
    put(catalog, *ids)

    def work(worker: str) -> list[str]:
        mine = []
        for _ in range(40):
            job = catalog.claim_job(worker, ("tune",), LONG)
            if job is None:
                break
            mine.append(job.id)
        return mine

    with ThreadPoolExecutor(6) as pool:
        claimed = [id for mine in pool.map(work, "uvwxyz") for id in mine]
    assert len(claimed) == len(set(claimed))
    while job := catalog.claim_job("last", ("tune",), LONG):  # skipped while locked
        claimed.append(job.id)
    assert sorted(claimed) == sorted(ids)


def test_a_job_whose_worker_died_goes_on_where_its_notes_end(catalog: Catalog) -> None:
    put(catalog, "a")
    assert catalog.claim_job("dead", ("tune",), LONG)
    assert catalog.note_job("a", "dead", progress={"step": 3}, events=[JobEvent("Step 3")])
    assert catalog.claim_job("next", ("tune",), LONG) is None
    assert catalog.renew_job("a", "dead", -1.0)  # its lease is over
    again = catalog.claim_job("next", ("tune",), LONG)
    assert again is not None
    assert (again.progress, again.attempts, again.payload) == ({"step": 3}, 1, {"n": 0})
    # The first one wakes up: nothing it says counts any more.
    assert not catalog.note_job("a", "dead", progress={"step": 4})
    assert not catalog.end_job("a", "dead", "succeeded")
    assert catalog.end_job("a", "next", "succeeded", events=[JobEvent("Done")])
    events, more = catalog.job_events("a")
    assert ([event.message for event in events], more) == (["Done", "Step 3"], False)


def test_a_worker_known_to_be_dead_loses_its_jobs_at_once(catalog: Catalog) -> None:
    put(catalog, "a")
    for attempt in (1, 2):
        job = catalog.claim_job("dead/tune", ("tune",), LONG)
        assert job is not None and job.attempts == attempt
        assert catalog.release_worker("dead") == 1


def test_cancelling_wins_over_ending_and_asks_for_clearing_away(catalog: Catalog) -> None:
    put(catalog, "a")
    assert catalog.claim_job("w", ("tune",), LONG)
    assert catalog.cancel_job("a", JobEvent("cancelled"))
    seen = catalog.renew_job("a", "w", LONG)
    assert seen is not None and (seen.state, seen.stopping) == ("cancelled", True)
    assert not catalog.end_job("a", "w", "succeeded")
    assert catalog.release_job("a", "w")  # killed before it could stop what it had begun
    clearing = catalog.claim_job("next", ("tune",), LONG)
    assert clearing is not None and (clearing.id, clearing.state) == ("a", "cancelled")
    assert catalog.release_job("a", "next", stopped=True)
    assert catalog.claim_job("next", ("tune",), LONG) is None
    assert not catalog.cancel_job("a")


def test_paused_jobs_wait_until_they_are_resumed(catalog: Catalog) -> None:
    put(catalog, "a")
    assert catalog.pause_job("a")
    assert catalog.claim_job("w", ("tune",), LONG) is None
    assert catalog.resume_job("a") and not catalog.resume_job("a")
    job = catalog.claim_job("w", ("tune",), LONG)
    assert job is not None and (job.state, job.stopping) == ("running", False)


def test_a_job_can_wait_and_change_its_lane(catalog: Catalog) -> None:
    put(catalog, "a", lane="checking")
    assert catalog.claim_job("w", ("checking",), LONG)
    assert catalog.requeue_job("a", "w", lane="tune", after_s=1.5)
    assert catalog.claim_job("w", ("checking", "tune"), LONG) is None
    end = time.monotonic() + 60
    while catalog.claim_job("w", ("tune",), LONG) is None:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_lists_and_events_come_in_pages(catalog: Catalog) -> None:
    put(catalog, "a", "b", "c")
    first, more = catalog.list_jobs(kind="tune", limit=2)
    assert ([job.id for job in first], more) == (["c", "b"], True)
    rest, more = catalog.list_jobs(kind="tune", after="b", limit=2)
    assert ([job.id for job in rest], more) == (["a"], False)
    assert catalog.list_jobs(after="gone") == ([], False)
    assert catalog.list_jobs(states=["paused"]) == ([], False)
    assert catalog.claim_job("w", ("tune",), LONG)
    assert catalog.note_job("a", "w", events=[JobEvent(str(n), data={"n": n}) for n in range(5)])
    page, more = catalog.job_events("a", limit=3)
    assert ([event.message for event in page], more) == (["4", "3", "2"], True)
    page, more = catalog.job_events("a", after=page[-1].number, limit=3)
    assert ([event.data["n"] for event in page], more) == ([1, 0], False)
