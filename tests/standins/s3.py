"""A server on loopback that knows as much of S3's protocol as reading a bucket takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 3  # objects in one answer to a listing


@dataclass
class Object:
    """An object: its bytes, and when it was last changed (seconds since 1970)."""

    data: bytes
    changed: float


class S3:
    """One bucket, ``manuals``.

    Attributes:
        objects: by key.
        fetched: keys of which bytes were asked, in order.
        listings: how many answers to a listing were given.
        refuses: whether every request is refused.
        before: called with the key before bytes are sent.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.fetched: list[str] = []
        self.listings = 0
        self.refuses = False
        self.before: Callable[[str], None] = lambda _key: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
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

    def listing(self, prefix: str, after: str, most: int) -> str:
        """An answer to ListObjectsV2."""
        self.listings += 1
        keys = sorted(k for k in self.objects if k.startswith(prefix) and k > after)
        shown = keys[: min(PAGE, most)]
        told = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key].data)}</Size>"
            f"<LastModified>{_iso(self.objects[key].changed)}</LastModified>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for key in shown
        )
        more = len(keys) > len(shown)
        token = (
            f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>manuals</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
            f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{told}</ListBucketResult>"
        )


def _handler(store: S3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            if store.refuses:
                self.error(403, "AccessDenied")
            elif bucket != "manuals":
                self.error(404, "NoSuchBucket")
            elif not key:
                asked = {name: some[0] for name, some in parse_qs(parts.query).items()}
                told = store.listing(
                    asked.get("prefix", ""),
                    asked.get("continuation-token", ""),
                    int(asked.get("max-keys", 1000)),
                )
                self.say(200, told.encode(), {"Content-Type": "application/xml"})
            elif key not in store.objects:
                self.error(404, "NoSuchKey")
            else:
                self.bytes_of(key)

        def bytes_of(self, key: str) -> None:
            if self.command == "GET":
                store.before(key)
                store.fetched.append(key)
            one = store.objects[key]
            headers = {
                "Last-Modified": formatdate(one.changed, usegmt=True),
                "ETag": f'"{hash(one.data):x}"',
                "Accept-Ranges": "bytes",
                "Content-Type": "application/octet-stream",
            }
            wanted = self.headers.get("Range")
            if wanted is None:
                self.say(200, one.data, headers)
                return
            first, last = (int(n) for n in wanted.removeprefix("bytes=").split("-"))
            part = one.data[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(one.data)}"
            self.say(206, part, headers)

        def error(self, status: int, code: str) -> None:
            told = (
                f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
            )
            self.say(status, told.encode(), {"Content-Type": "application/xml"})

        def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
