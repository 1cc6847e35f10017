"""Around every request: an id, limits on its body, an error's shape, a line in the access log."""

from __future__ import annotations

import json
import logging
import time
import traceback
import uuid
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

from groundtone.server.errors import as_api_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from groundtone.server.serving import Serving

log = logging.getLogger("groundtone.access")

ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


class Envelope:
    """Middleware of plain ASGI, so that streams pass through untouched.

    Args:
        app: what is inside.
        serving: whose numbers and limits these are.
        max_body: bytes of a request's body; `uploads` may be longer.
        max_upload: bytes of an upload.
        uploads: beginnings of paths that take files.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        serving: Serving,
        max_body: int,
        max_upload: int,
        uploads: tuple[str, ...] = ("/v1/files", "/v1/uploads"),
    ) -> None:
        self._app = app
        self._serving = serving
        self._max_body = max_body
        self._max_upload = max_upload
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        id = f"req_{uuid.uuid4().hex}"
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = id
        status = 0
        sent = 0

        async def answer(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = id
                headers["openai-processing-ms"] = f"{(time.perf_counter() - began) * 1000:.0f}"
                for name, value in {**ALWAYS, **state.get("headers", {})}.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            most = self._max_upload if scope["path"].startswith(self._uploads) else self._max_body
            await self._app(scope, _bounded(scope, receive, most), answer)
        except Exception as error:
            problem = as_api_error(error)
            if problem.status == 500:
                told = "".join(traceback.format_exception(error))
                logging.getLogger("groundtone.server").error("%s failed\n%s", id, told)
            if status:  # the answer has begun: nothing proper can be said any more
                raise
            await problem.response()(scope, receive, answer)
        finally:
            self._tell(scope, id, status, sent, time.perf_counter() - began)

    def _tell(self, scope: Scope, id: str, status: int, sent: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", None) or "other"
        metrics = self._serving.metrics
        metrics.requests.labels(scope["method"], path, str(status)).inc()
        metrics.seconds.labels(path).observe(seconds)
        who = scope["state"].get("principal")
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "id": id,
            "client": scope["client"][0] if scope.get("client") else None,
            "key": who.key_id if who is not None else None,
            "method": scope["method"],
            "path": scope["path"],
            "status": status or None,  # none: the client had gone
            "bytes": sent,
            "ms": round(seconds * 1000, 1),
        }
        log.info(json.dumps(line))


def _bounded(scope: Scope, receive: Receive, most: int) -> Receive:
    """`receive`, which fails on a body that is longer than allowed, before it is read whole."""
    # FastAPI lets this kind pass, and makes every other one an error of parsing.
    too_long = HTTPException(413, f"The body is longer than {most} bytes.")
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > most:

            async def refuse() -> Message:
                raise too_long

            return refuse
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise too_long
        return message

    return counted
