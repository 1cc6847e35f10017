"""Processes that read files beside the one that embeds: a hostile file costs only itself.

A process is started with nothing but this package's readers in it, reads one file at a time, and
is replaced when a file takes too long, needs too much memory or brings it down. The files read are
handed over through a buffer of bounded size, so that memory does not grow with their number.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from groundtone.errors import GroundtoneError
from groundtone.syncing.reading import Job, Read, Reader
from groundtone.syncing.worker import OUT_OF_MEMORY, receive, send

LOOK_S = 0.05  # between two looks at a process that reads
START_S = 120.0
BYTES_A_SECOND = 500_000  # a large file may take longer than the limit by so much of it
AHEAD_WINDOWS = 1024  # read ahead of the embedder, all processes together
AHEAD_FILES = 256
PATIENCE = 4  # how many times the limit may pass on a machine that is busy with something else
WORN_MB = 400  # a process that holds more than this after a file is replaced
_START = (
    "import sys; sys.path[:] = {path!r}; from groundtone.syncing.worker import main; main{args}"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take.

    Attributes:
        seconds: that may pass; up to `PATIENCE` times as many while processors have worked less
            for it, as far as the system tells: on a busy machine it waits for its turn.
        megabytes: of memory.
    """

    seconds: float
    megabytes: int


class _Replaced(Exception):
    """The process had to be given up over a file."""

    def __init__(self, reason: str, lasting: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting


class Readers:
    """Some processes, and what they have read.

    They are started at once and wait for `begin`, so that they start up while the embedding model
    is opened. `close` ends them.
    """

    def __init__(self, limits: Limits, count: int) -> None:
        self._processes = [Process(limits) for _ in range(count)]
        self._changed = threading.Condition()
        self._ready: deque[tuple[Job, Read]] = deque()
        self._ahead = 0
        self._working = 0
        self._closing = False
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def begin(self, reader: Reader, jobs: Iterable[Job]) -> None:
        """Start reading files; the results are asked for with `take`."""
        given = _Shared(iter(jobs))
        init = pickle.dumps(reader)
        self._working = len(self._processes)
        for process in self._processes:
            thread = threading.Thread(
                target=self._serve, args=(process, init, given), name="reading", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def take(self, *, wait: bool = True) -> tuple[Job, Read] | None:
        """A file that has been read; None when there is none now, or with ``wait`` none any more.

        Raises:
            GroundtoneError: no process could be started.
        """
        with self._changed:
            while not self._ready and self._working and wait and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            if not self._ready:
                return None
            job, read = self._ready.popleft()
            self._ahead -= windows(read)
            self._changed.notify_all()
            return job, read

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for process in self._processes:
            process.end()
        for thread in self._threads:
            thread.join()

    def _serve(self, process: Process, init: bytes, jobs: _Shared) -> None:
        try:
            for job in jobs:
                if not self._put(job, process.read(init, job)):
                    break
        except BaseException as error:  # told by `take` in the caller's thread
            with self._changed:
                self._error = self._error or error
        finally:
            process.end()
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _put(self, job: Job, read: Read) -> bool:
        """Hand over a file, when there is room; False once nobody wants any."""
        with self._changed:
            while self._ready and not self._closing and self._full():
                self._changed.wait()
            self._ready.append((job, read))
            self._ahead += windows(read)
            self._changed.notify_all()
            return not self._closing

    def _full(self) -> bool:
        return self._ahead >= AHEAD_WINDOWS or len(self._ready) >= AHEAD_FILES


class _Shared:
    """An iterator that several threads may ask."""

    def __init__(self, jobs: Iterator[Job]) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Job:
        with self._lock:
            return next(self._jobs)


class Process:
    """One process, started again whenever it was lost; reads files for one thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ended = False
        self._lock = threading.Lock()
        self._begun = False
        self._last_words = ""  # to its standard error
        self._start()

    def read(self, init: bytes, job: Job) -> Read:
        """Read one file within the limits.

        Raises:
            GroundtoneError: the process cannot be started.
        """
        payload = pickle.dumps(job)
        try:
            try:
                self._prepare(init)
                send(self._in, payload)
            except (BrokenPipeError, EOFError):  # it was killed while it had nothing to do
                self._begun = False
                self._prepare(init)
                send(self._in, payload)
            answer = self._wait(self._limits.seconds + job.size / BYTES_A_SECOND)
        except _Replaced as lost:
            return Read(failed=(("", lost.reason),), lasting=lost.lasting)
        except (BrokenPipeError, EOFError):
            return Read(failed=(("", "interrupted"),), lasting=False)
        if answer == OUT_OF_MEMORY:
            self._stop()
            return Read(failed=(("", self._too_much()),))
        if self._held() > WORN_MB * 1_000_000:
            self._stop()
        read: Read = pickle.loads(answer)
        return read

    def end(self) -> None:
        """Kill it; a thread that waits for it goes on."""
        with self._lock:
            self._ended = True
            self._process.kill()
        self._process.wait()

    def _prepare(self, init: bytes) -> None:
        if self._begun and self._process.poll() is None:
            return
        if self._process.poll() is not None:
            self._start()
        try:
            send(self._in, init)
            self._wait(START_S)
        except (_Replaced, BrokenPipeError, EOFError):
            if self._ended:
                raise EOFError from None
            self._stop()
            raise GroundtoneError(
                f"The process that reads files could not be started: {self._last_words}.",
                "Run `groundtone doctor`; it says what is missing.",
            ) from None
        self._begun = True

    def _start(self) -> None:
        with self._lock:
            if self._ended:
                raise EOFError
            args = (os.getpid(), self._limits.megabytes)
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START.format(path=sys.path, args=args)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._begun = False
        self._answers = select.poll()
        self._answers.register(self._out, select.POLLIN | select.POLLHUP)

    def _stop(self) -> None:
        """End it; the next file gets a new one."""
        self._process.kill()
        code = self._process.wait()
        with contextlib.suppress(ValueError):  # closed before
            self._errors.seek(0)
            lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            self._last_words = lines[-1] if lines else f"it ended with code {code}"
        for stream in (self._in, self._out, self._errors):
            with contextlib.suppress(OSError):
                stream.close()

    def _wait(self, seconds: float) -> bytes:
        """The next frame, unless it takes too long, too much, or never comes."""
        started, held = time.monotonic(), 0
        worked = self._worked()
        while not self._answers.poll(1000 * LOOK_S):
            held = self._held()
            if held > self._limits.megabytes * 1_000_000:
                self._stop()
                raise _Replaced(self._too_much())
            passed = time.monotonic() - started
            now = self._worked()
            used = now - worked if worked is not None and now is not None else passed
            if passed > seconds and (used > seconds or passed > PATIENCE * seconds):
                self._stop()
                # One that waited for its turn may have more luck next time.
                raise _Replaced(f"took longer than {seconds:.3g} s to read", used > seconds)
        try:
            return receive(self._out)
        except EOFError:
            if self._ended:
                raise
        code = self._process.wait()
        self._stop()
        if code in (-signal.SIGKILL, -signal.SIGTERM):
            reason = "reading it was stopped from outside, perhaps because memory ran out"
            raise _Replaced(reason, lasting=False)
        if held > self._limits.megabytes * 500_000:
            raise _Replaced(self._too_much())
        raise _Replaced(f"brought its reader down ({_ending(code)}); it is probably damaged")

    def _too_much(self) -> str:
        return f"needed more than {self._limits.megabytes} MB of memory to read"

    def _worked(self) -> float | None:
        """Seconds that processors worked for it until now; None where the system does not say."""
        try:
            with open(f"/proc/{self._process.pid}/stat") as told:  # noqa: PTH123
                fields = told.read().rpartition(")")[2].split()
            return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # children's too
        except (OSError, IndexError, ValueError):
            return None

    def _held(self) -> int:
        """Memory the process has now, in bytes; 0 where the system does not say."""
        try:
            with open(f"/proc/{self._process.pid}/statm") as pages:  # noqa: PTH123
                return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return 0


def windows(read: Read) -> int:
    """How many windows a file gave."""
    return sum(len(chunk.windows) for document in read.documents for chunk in document.chunks)


def _ending(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
