"""Answers sent piece by piece, as server-sent events; and work that ends when its client goes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse

from groundtone.server.errors import ApiError, as_api_error

T = TypeVar("T")

PATIENCE_S = 15.0
"""How long a client that wants a stream waits for its status. What is wrong with a request mostly
shows by then, and is told with a proper status; longer silence would look like a dead server."""
PING_S = 15.0  # between two signs of life while nothing is written
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


async def while_wanted(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled when the client goes away.

    Raises:
        ApiError: 499, which nobody will read, when the client went.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ApiError(499, "The client went away.", code="client_gone")
        return task.result()
    finally:
        for each in (task, gone):
            if not each.done():
                each.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await each


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def events(
    request: Request, pieces: AsyncGenerator[dict[str, Any], None], *, named: bool = False
) -> StreamingResponse:
    """A stream of server-sent events; each piece is one.

    Args:
        pieces: JSON values; closed when the client goes away.
        named: whether each has its ``type`` as the event's name (responses), or the stream ends
            with ``[DONE]`` (chat).

    Raises:
        ApiError, GroundtoneError: what fails before the first piece.
    """
    coming = asyncio.ensure_future(anext(pieces, None))
    try:
        await while_wanted(request, asyncio.wait_for(asyncio.shield(coming), PATIENCE_S))
    except TimeoutError:
        pass
    except BaseException:
        coming.cancel()
        with contextlib.suppress(BaseException):
            await coming
        await pieces.aclose()
        raise
    return StreamingResponse(
        _written(coming, pieces, named), media_type="text/event-stream", headers=HEADERS
    )


async def _written(
    coming: asyncio.Future[dict[str, Any] | None],
    pieces: AsyncGenerator[dict[str, Any], None],
    named: bool,
) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=PING_S)
            if not done:
                yield b": still at work\n\n"
                continue
            piece = coming.result()
            if piece is None:
                break
            yield _event(piece, named)
            coming = asyncio.ensure_future(anext(pieces, None))
        if not named:
            yield b"data: [DONE]\n\n"
    except Exception as error:
        problem = as_api_error(error)
        if problem.status == 500:
            logging.getLogger("groundtone.server").exception("a stream failed")
        body = problem.body()
        if named:
            told = {name: body["error"][name] for name in ("message", "param", "code")}
            body = {"type": "error", "sequence_number": 0, **told}
        yield _event(body, named)
        if not named:
            yield b"data: [DONE]\n\n"
    finally:
        coming.cancel()
        with contextlib.suppress(BaseException):
            await coming
        await pieces.aclose()


def _event(piece: dict[str, Any], named: bool) -> bytes:
    text = json.dumps(piece, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    head = f"event: {piece['type']}\n" if named else ""
    return f"{head}data: {text}\n\n".encode("utf-8", "replace")
