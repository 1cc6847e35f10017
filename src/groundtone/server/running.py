"""The server's process: its socket, its logs, its end."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn

from groundtone.errors import GroundtoneError
from groundtone.server.app import create_app

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

DRAIN_S = 30  # how long answers in progress may go on after the server was told to stop


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any that is free.

    Raises:
        OSError: the address is not ours, or taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except BaseException:
        listening.close()
        raise
    return listening


def address(listening: socket.socket) -> str:
    """The address of a listening socket, as one types it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def open_models(workspace: Workspace) -> None:
    """Open the models before anything is served, so that no question waits for it.

    llama.cpp holds Python's lock for that second or two: a server that listened already would
    answer nobody, not even ``/health``. What cannot be opened now is told to whoever needs it.
    """
    if workspace.searchers is not None:
        workspace.searchers.start()  # they open while this process does
    with suppress(GroundtoneError):
        _ = workspace.embedder, workspace.retriever
    with suppress(GroundtoneError):
        _ = workspace.chat


def run(workspace: Workspace, listening: socket.socket, *, pages: bool = True) -> None:
    """Serve until SIGINT or SIGTERM; then answers in progress may end for `DRAIN_S` seconds."""
    _log_to_stderr()
    config = uvicorn.Config(
        create_app(workspace, pages=pages),
        log_config=None,
        access_log=False,  # ours tells more, and never a key
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=75,
        proxy_headers=False,
    )
    with _ending_well():
        uvicorn.Server(config).run([listening])


@contextmanager
def _ending_well() -> Iterator[None]:
    """Go on after a signal that ended the server: uvicorn passes it on when all is drained.

    Left to itself, SIGTERM would end the process before the workspace is closed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in kept:
        signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _log_to_stderr() -> None:
    """One line each: the access log as JSON, what else there is to say as text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name, level in (("groundtone", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
