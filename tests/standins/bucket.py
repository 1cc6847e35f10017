"""What stand-ins for object storage share: objects in memory, served on loopback."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

PAGE = 3  # objects in one answer to a listing, unless said otherwise


@dataclass
class Object:
    """An object: its bytes, and when it was last changed (seconds since 1970)."""

    data: bytes
    changed: float

    @property
    def etag(self) -> str:
        """As S3 makes it of an object that came in one piece."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


class Bucket:
    """One bucket, ``manuals``.

    Args:
        page: objects in one answer to a listing.

    Attributes:
        scheme: of its addresses.
        handler: answers requests; each server has its own subclass, which knows its ``store``.
        objects: by key.
        fetched: keys of which bytes were asked, in order.
        listings: how many answers to a listing were given.
        refuses: whether every request is refused.
        key: of those whose requests are answered; "": anybody's are.
        before: called with the key before bytes are sent.
    """

    scheme: ClassVar[str]
    handler: ClassVar[type[Handler]]

    def __init__(self, page: int = PAGE) -> None:
        self.objects: dict[str, Object] = {}
        self.fetched: list[str] = []
        self.listings = 0
        self.refuses = False
        self.key = ""
        self.before: Callable[[str], None] = lambda _key: None
        self.page = page
        mine = type("Mine", (self.handler,), {"store": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), mine)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, key: str, data: str | bytes, changed: float = 1_700_000_000) -> None:
        """Have an object."""
        self.objects[key] = Object(data.encode() if isinstance(data, str) else data, changed)

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def listed(
        self, prefix: str, after: str, most: int, delimiter: str = ""
    ) -> tuple[dict[str, Object | None], str]:
        """What an answer to a listing names, and after what the next one begins ("": no more).

        None: what begins with the name is told as one.
        """
        self.listings += 1
        objects = dict(self.objects)
        names: dict[str, Object | None] = {}
        for key in sorted(objects):
            if key.startswith(prefix):
                inside = key.find(delimiter, len(prefix)) if delimiter else -1
                name = key if inside < 0 else key[: inside + len(delimiter)]
                names.setdefault(name, objects[key] if inside < 0 else None)
        later = [name for name in names if name > after]
        shown = later[: min(self.page, most)]
        return {name: names[name] for name in shown}, shown[-1] if len(later) > len(shown) else ""


class Handler(BaseHTTPRequestHandler):
    """Answers with what `answer` says; ``store`` is whose objects they are."""

    store: Bucket
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, body: bytes) -> None:
        """Answer a request that came with these bytes."""
        raise NotImplementedError

    def _begun(self) -> None:
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_HEAD = do_GET = do_PUT = do_POST = do_DELETE = _begun

    def bytes_of(self, key: str, one: Object, headers: dict[str, str]) -> None:
        """Say an object's bytes, or the part of them that is asked for."""
        if self.command == "GET":
            self.store.before(key)
            self.store.fetched.append(key)
        headers = {
            "Last-Modified": formatdate(one.changed, usegmt=True),
            "ETag": one.etag,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            **headers,
        }
        wanted = self.headers.get("x-ms-range") or self.headers.get("Range")
        if wanted is None:
            self.say(200, one.data, headers)
            return
        begin, _, end = wanted.removeprefix("bytes=").partition("-")
        size = len(one.data)
        first = int(begin) if begin else max(0, size - int(end))
        last = min(size, int(end) + 1) if begin and end else size
        headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
        self.say(206, one.data[first:last], headers)

    def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Answer; of HEAD only what goes before the bytes."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def iso(seconds: float) -> str:
    """As XML and JSON tell times."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
