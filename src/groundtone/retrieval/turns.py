"""Who comes first is served first: more searches at once than cores only hinder one another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """Lets so many threads through at once; the others wait in the order in which they came.

    Args:
        at_once: how many.
    """

    def __init__(self, at_once: int) -> None:
        self._lock = Lock()
        self._free = at_once
        self._waiting: deque[Lock] = deque()

    @property
    def busy(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Inside, it is this thread's turn."""
        mine: Lock | None = None
        with self._lock:
            if self._free:
                self._free -= 1
            else:
                mine = Lock()
                mine.acquire()
                self._waiting.append(mine)
        if mine is not None:
            mine.acquire()  # until another thread hands its turn over
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().release()
                else:
                    self._free += 1
