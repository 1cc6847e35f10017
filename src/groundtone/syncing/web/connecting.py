"""Connections that reach only what may be reached, and end when their time is over.

The address is judged where the connection is made: the name is resolved once, the answer is
checked, and that very IP address is connected to. A name that resolves to something else a moment
later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2

from groundtone.syncing.web.addresses import is_public


class PrivateAddress(Exception):
    """A name that leads into a private network."""


class Backend(httpcore2.NetworkBackend):
    """Opens the connections of one session.

    Attributes:
        deadline: moment (``time.monotonic``) after which nothing is waited for.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self.deadline = 0.0
        self._allow_private = allow_private
        self._opener = httpcore2.SyncBackend()

    def left(self, timeout: float | None = None) -> float:
        """Seconds that may still be waited.

        Raises:
            httpcore2.ReadTimeout: none.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("its time was over")
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first allowed address of a host that answers.

        Raises:
            PrivateAddress: none of its addresses may be reached.
            httpcore2.ConnectError: it is unknown, or nothing answers.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise httpcore2.ConnectError(f"its host is not found ({reason})") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [ip for ip in addresses if self._allow_private or is_public(ip)]
        if not allowed:
            shown = host if addresses == [host] else f"{host} ({', '.join(addresses)})"
            raise PrivateAddress(f"{shown} is a private address, which is not reached")
        for number, ip in enumerate(allowed, 1):
            try:
                stream = self._opener.connect_tcp(
                    ip, port, self.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(allowed):
                    raise
            else:
                return _Stream(stream, self)
        raise AssertionError("the last address returned or raised")

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        """Never: there is no address for it."""
        raise httpcore2.UnsupportedProtocol("local sockets are not reached")


class _Stream(httpcore2.NetworkStream):
    """A connection whose every wait is cut to what is left of the page's time.

    A server that sends a byte every few seconds never meets a time limit of its own.
    """

    def __init__(self, stream: httpcore2.NetworkStream, backend: Backend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._backend.left(timeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
