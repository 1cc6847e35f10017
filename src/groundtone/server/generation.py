"""Answers being written: a few at a time, in their order, each stopped when nobody listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar, cast

from groundtone.server.errors import ApiError

if TYPE_CHECKING:
    from groundtone.server.metrics import Metrics

T = TypeVar("T")

BESIDE = 2  # more than the engine works on at once: one searches or checks while another writes


class Generations:
    """Runs blocking iterators in threads, first come first served, and passes on what they yield.

    Args:
        parallel: asks how many requests the engine is worth sending at once; it may be opened for
            that, which is done in a thread.
        waiting: how many may wait for their turn.
        seconds: how long one may take, its waiting included.
        metrics: told how many are written and wait.
    """

    def __init__(
        self, parallel: Callable[[], int], *, waiting: int, seconds: float, metrics: Metrics
    ) -> None:
        self._parallel = parallel
        self._most_waiting = waiting
        self._seconds = seconds
        self._metrics = metrics
        self._opening = asyncio.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._size = 0
        self._waiting = 0

    async def stream(self, make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """Yield what the iterator yields that `make` returns; both run in a thread.

        Closing this one closes the iterator, which stops the model.

        Raises:
            ApiError: 503 when too many wait, 504 when it took too long; else what the iterator
                raises.
        """
        pool = await self._open()
        if self._waiting >= self._most_waiting:
            later = {"retry-after": "5"}
            raise ApiError(503, "Too many answers wait.", code="overloaded", headers=later)
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        stop = threading.Event()

        def tell(kind: str, value: Any = None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(told.put_nowait, (kind, value))

        def work() -> None:
            if stop.is_set():
                return
            tell("begun")
            self._metrics.active.inc()
            try:
                with closing(cast(Any, make())) as events:
                    for event in events:
                        if stop.is_set():
                            return
                        tell("event", event)
                tell("ended")
            except BaseException as error:
                tell("failed", error)
            finally:
                self._metrics.active.dec()

        self._wait(1)
        waits = True
        future = pool.submit(work)
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    kind, value = await told.get()
                    if kind == "begun":
                        waits = False
                        self._wait(-1)
                    elif kind == "event":
                        yield value
                    elif kind == "failed":
                        raise value
                    else:
                        return
        except TimeoutError:
            raise ApiError(
                504,
                f"The answer was not finished in {self._seconds:g} s.",
                code="timeout",
                headers={"x-should-retry": "false"},
            ) from None
        finally:
            stop.set()
            future.cancel()
            if waits:
                self._wait(-1)

    async def run(self, call: Callable[[], T]) -> T:
        """What a call returns, made in its turn like an iterator."""
        async for value in self.stream(lambda: iter([call()])):
            return value
        raise AssertionError("an iterator of one")

    def close(self) -> None:
        """Wait for what is being written, whose listeners have gone."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    async def _open(self) -> ThreadPoolExecutor:
        async with self._opening:
            if self._pool is None:
                size = await asyncio.to_thread(self._parallel) + BESIDE
                self._pool = ThreadPoolExecutor(size, thread_name_prefix="groundtone-answer")
            return self._pool

    def _wait(self, more: int) -> None:
        self._waiting += more
        self._metrics.waiting.set(self._waiting)
