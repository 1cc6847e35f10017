"""Blocking work beside the event loop: the pages stay quick while something is asked or synced."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


async def follow(start: Callable[[], Iterator[Item]], stop: threading.Event) -> AsyncIterator[Item]:
    """The items of a blocking iterator, which runs in a thread of its own.

    Args:
        start: makes the iterator, in that thread; it is closed there too.
        stop: ends it after the next item.

    Raises:
        whatever the iterator raises.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Any] = asyncio.Queue()

    def tell(value: object) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, value)

    def work() -> None:
        try:
            items = start()
            with closing(items):  # type: ignore[type-var]
                for item in items:
                    tell(item)
                    if stop.is_set():
                        break
        except BaseException as error:
            tell(error)
        finally:
            tell(_END)

    threading.Thread(target=work, daemon=True, name="web-work").start()
    while (item := await queue.get()) is not _END:
        if isinstance(item, BaseException):
            raise item
        yield item
