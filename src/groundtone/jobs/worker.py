"""The process that carries out jobs: ``python -m groundtone.jobs.worker WORKSPACE [NAME]``.

It claims jobs of every lane, one of each at a time, and may be killed at any moment: its jobs are
taken up again. Asked to end (SIGTERM, or its standard input closes, which is how it notices that
the server which started it has died) it lets go of them for the next one. Training goes on then:
it has a process of its own, which the next worker follows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from groundtone import telemetry
from groundtone.catalog import Catalog, JobEvent, StoredJob
from groundtone.errors import Busy, GroundtoneError
from groundtone.jobs import comparing, syncing, tuning
from groundtone.jobs.holding import LEASE_S, Hold, LetGo
from groundtone.workspace import Workspace
from groundtone.workspace.files import Files

LANES = ("checking", "tune", "sync", "compare")
KINDS: dict[str, Callable[[Workspace, Hold], None]] = {
    "tune": tuning.carry_out,
    "sync": syncing.carry_out,
    "compare": comparing.carry_out,
}
CLEARING: dict[str, Callable[[Workspace, StoredJob], None]] = {"tune": tuning.clear}
"""What ends whatever a cancelled or paused job left at work; the others leave nothing."""

POLL_S = 0.5
RETRY_S = 5.0
TRIES = 5
"""Workers that may die on a job, one after the other, before it is given up."""
NICE = 5
"""Answering comes first: jobs, and the training processes they start, get what time is left."""

log = logging.getLogger("groundtone.jobs")


class Worker:
    """Claims and carries out the jobs of one workspace.

    Args:
        folder: the workspace's.
        name: no other worker has it.
        lease_s: how long after its death its jobs are taken up by others.
    """

    def __init__(self, folder: Path, *, name: str = "", lease_s: float = LEASE_S) -> None:
        self.folder = folder
        self.name = name or new_name()
        self.stopping = threading.Event()
        self._lease_s = lease_s

    def run(self) -> None:
        """Work until `stopping` is set."""
        with Workspace.open(self.folder) as workspace:
            with contextlib.suppress(GroundtoneError, OSError):
                Files(workspace).sweep()
            lanes = [
                threading.Thread(target=self._lane, args=(workspace.catalog, lane), name=lane)
                for lane in LANES
            ]
            for thread in lanes:
                thread.start()
            for thread in lanes:
                thread.join()

    def step(self, catalog: Catalog, *lanes: str) -> bool:
        """Carry out one job, if there is one that waits; returns whether there was."""
        chosen = lanes or LANES
        job = catalog.claim_job(f"{self.name}/{'+'.join(chosen)}", chosen, self._lease_s)
        if job is None:
            return False
        with (
            Hold(catalog, job, lease_s=self._lease_s, stopping=self.stopping) as hold,
            telemetry.Job(job.kind, job.id, job.attempts) as told,
        ):
            self._carry_out(catalog, job, hold)
            left = catalog.get_job(job.id)
            told.outcome = left.state if left is not None else "gone"
        return True

    def _lane(self, catalog: Catalog, lane: str) -> None:
        while not self.stopping.is_set():
            try:
                worked = self.step(catalog, lane)
            except GroundtoneError as error:  # the database is away for now
                log.warning("%s: %s", lane, error)
                worked = False
            except Exception:
                log.exception("%s", lane)
                worked = False
            if not worked:
                self.stopping.wait(POLL_S)

    def _carry_out(self, catalog: Catalog, job: StoredJob, hold: Hold) -> None:
        try:
            with Workspace.open(self.folder) as workspace:
                if job.state != "running":
                    self._clear(workspace, catalog, job)
                elif job.attempts > TRIES:
                    hold.fail(_error(f"the process that worked on it died {TRIES} times"))
                else:
                    self._work(workspace, catalog, job, hold)
        except Busy as busy:
            told = JobEvent(f"Waiting: {busy.message}", level="warn")
            catalog.requeue_job(job.id, job.worker, after_s=RETRY_S, events=[told])
        except GroundtoneError as error:
            hold.fail(_error(str(error)))
        except Exception as error:
            log.exception("%s", job.id)
            hold.fail(_error(f"{type(error).__name__}: {error}"))

    def _work(self, workspace: Workspace, catalog: Catalog, job: StoredJob, hold: Hold) -> None:
        try:
            hold.check()
            KINDS[job.kind](workspace, hold)
        except LetGo as end:
            if end.why == "stopping":
                catalog.release_job(job.id, job.worker)
            elif end.why != "lost":
                self._clear(workspace, catalog, job)
        else:
            left = catalog.get_job(job.id)
            if left is not None and left.state in ("cancelled", "paused"):
                self._clear(workspace, catalog, job)  # as its last word was written
            else:
                catalog.release_job(job.id, job.worker, stopped=True)

    def _clear(self, workspace: Workspace, catalog: Catalog, job: StoredJob) -> None:
        latest = catalog.get_job(job.id) or job
        if job.kind in CLEARING:
            CLEARING[job.kind](workspace, latest)
        catalog.release_job(job.id, job.worker, stopped=True)


def new_name() -> str:
    """A name that no other worker has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def main(folder: Path, name: str = "") -> None:
    """Work until told to end."""
    telemetry.configure()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICE)
    lease_s = float(os.environ.get("GROUNDTONE_LEASE_S", LEASE_S))
    worker = Worker(folder, name=name, lease_s=lease_s)
    signal.signal(signal.SIGTERM, lambda *_: worker.stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to interpret

    def end_with_parent() -> None:
        sys.stdin.buffer.read()
        worker.stopping.set()

    threading.Thread(target=end_with_parent, daemon=True).start()
    log.info(
        "worker %s began at %s", worker.name, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    )
    worker.run()
    telemetry.flush()
    # A thread still reads standard input: the interpreter would wait for it.
    sys.stderr.flush()
    os._exit(0)


def _error(message: str) -> dict[str, str | None]:
    return {"code": "server_error", "message": message, "param": None}


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
