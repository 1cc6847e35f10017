"""Starting a worker beside a server, and starting it again when it dies."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

WORKER = "groundtone.jobs.worker"
STOP_S = 15.0
"""How long a worker may take to let go of its jobs."""
LONG_S = 20.0
"""A worker that lived so long was well: it is started again at once, others a little later."""

log = logging.getLogger("groundtone.jobs")


class Supervised:
    """A worker process while this is entered; what it writes goes to ``.groundtone/worker.log``.

    Args:
        workspace: whose jobs are carried out.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.folder.resolve()
        self._catalog = workspace.catalog
        self._log = workspace.state / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervising", daemon=True)

    @property
    def pid(self) -> int | None:
        """The worker's process; None before it has begun."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self._start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Have the worker let go of its jobs and end; they wait for the next start."""
        self._ending.set()
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join()

    def _start(self) -> None:
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        source = Path(__file__).resolve().parents[2]  # the same code, wherever we are started from
        path = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
        with self._log.open("ab") as written:
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER, str(self._folder), self._name],
                stdin=subprocess.PIPE,  # closes when we die, and the worker ends too
                stdout=written,
                stderr=written,
                env={**os.environ, "PYTHONPATH": path},
            )

    def _watch(self) -> None:
        pause = 0.5
        while True:
            process, began = self._process, time.monotonic()
            assert process is not None
            process.wait()
            with suppress(GroundtoneError):  # else the lease ends by itself
                self._catalog.release_worker(self._name)
            if self._ending.is_set():
                return
            pause = 0.5 if time.monotonic() - began > LONG_S else min(30.0, 2 * pause)
            log.error("the worker ended (%s); see %s", process.returncode, self._log)
            if self._ending.wait(pause):
                return
            self._start()
            if self._ending.is_set() and self._process:  # meanwhile
                self._process.terminate()
