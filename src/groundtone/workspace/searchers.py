"""Processes that search a workspace: Python carries out one thread at a time, these are several.

Each opens the workspace for itself (`searcher`) and is asked for a few searches at a time, through
pipes. What is large of the index they share in memory (`index.resident_files`).
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from groundtone.cores import usable
from groundtone.errors import GroundtoneError
from groundtone.retrieval import Passage
from groundtone.retrieval.elsewhere import Wanted
from groundtone.settings import Settings
from groundtone.syncing.worker import receive, send

FIRST_SEARCHES = 1  # made without them: a command asks once, and they take a second or two to open
_START = (
    "import sys; sys.path[:] = {path!r}; from groundtone.workspace.searcher import main; main()"
)


class Searchers:
    """Some processes, each with a batch of searches at a time; safe from many threads.

    They end with `close`, and by themselves when this process has ended, however it did.

    Args:
        folder: of the workspace.
        settings: that they search with.
        count: of processes.
    """

    def __init__(self, folder: Path, settings: Settings, count: int) -> None:
        self.count = count
        opening = pickle.dumps((folder.resolve(), _alone(settings, count)))
        self._processes = [_Process(opening) for _ in range(count)]
        self._free: SimpleQueue[_Process] = SimpleQueue()
        for one in self._processes:
            self._free.put(one)
        self._before = FIRST_SEARCHES

    def start(self) -> None:
        """Start them now, since many searches will come; does not wait until they are open."""
        self._before = 0
        for one in self._processes:
            one.start()

    def wanted(self) -> bool:
        """Whether they are to make the next search; each call counts as one."""
        if self._before > 0:
            self._before -= 1
            return False
        return True

    def __call__(self, batch: Sequence[Wanted]) -> Iterator[list[Passage]]:
        """What each finds, one after the other, by one process; begun again in another if that one
        dies.

        Raises:
            GroundtoneError: the other has died too; or what a search raises. The rest is left.
        """
        process, rest = self._free.get(), deque(batch)
        try:
            for again in (True, False):
                try:
                    process.ask(list(rest))
                    while rest:
                        found = process.answer()
                        rest.popleft()
                        if isinstance(found, Exception):
                            process.spent = True
                            raise _Told(found)
                        yield found
                    return
                except (EOFError, OSError) as error:
                    process.end()
                    if not again:
                        raise GroundtoneError(
                            "The process that searches has ended twice over this question.",
                            "Set [retrieval] processes = 0, and look at what it wrote to stderr.",
                        ) from error
        except _Told as told:
            raise told.error from None
        finally:
            if rest and not process.spent:
                process.end()  # nobody reads what it still tells
            process.spent = False
            self._free.put(process)

    def close(self) -> None:
        """End them, whatever they are doing; a later search starts them again."""
        for one in self._processes:
            one.end()


class _Told(Exception):
    """Carries what a search in a process raised past what the loss of the process raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class _Process:
    """One process, started when it is first asked, and anew after `end`.

    Attributes:
        spent: it tells no more of this batch.
    """

    def __init__(self, opening: bytes) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.spent = False

    @property
    def pid(self) -> int | None:
        """None: it was not started yet."""
        return None if self._process is None else self._process.pid

    def start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._process is None:
                apart: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _START.format(path=sys.path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    **apart,  # Ctrl-C is for this process, which ends that one
                )
                with contextlib.suppress(BrokenPipeError):  # told by the first question
                    send(_stream(self._process.stdin), self._opening)
            return self._process

    def ask(self, batch: list[Wanted]) -> None:
        send(_stream(self.start().stdin), pickle.dumps(batch))

    def answer(self) -> Any:
        return pickle.loads(receive(_stream(self.start().stdout)))

    def end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                _stream(stream).close()


def _stream(stream: Any) -> Any:
    assert stream is not None
    return stream


def _alone(settings: Settings, count: int) -> Settings:
    """The same for one process of several, which has its share of the cores and no others."""
    threads = settings.embedding.threads or max(1, usable() // count)
    return settings.model_copy(
        update={
            "retrieval": settings.retrieval.model_copy(update={"processes": 0}),
            "embedding": settings.embedding.model_copy(update={"threads": threads}),
        }
    )
