"""A server on loopback that knows as much of S3's protocol as reading a bucket takes, and keeping a
table of LanceDB's there: listings, ranges, conditional and multipart writes, copies, deletions."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

import pytest

PAGE = 3  # objects in one answer to a listing, unless said otherwise
XML = {"Content-Type": "application/xml"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass
class Object:
    """An object: its bytes, and when it was last changed (seconds since 1970)."""

    data: bytes
    changed: float

    @property
    def etag(self) -> str:
        """As S3 makes it of an object that came in one piece."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


class S3:
    """One bucket, ``manuals``.

    Args:
        page: objects in one answer to a listing.

    Attributes:
        objects: by key.
        fetched: keys of which bytes were asked, in order.
        listings: how many answers to a listing were given.
        refuses: whether every request is refused.
        key: of those whose requests are answered; "": anybody's are.
        before: called with the key before bytes are sent.
    """

    def __init__(self, page: int = PAGE) -> None:
        self.objects: dict[str, Object] = {}
        self.fetched: list[str] = []
        self.listings = 0
        self.refuses = False
        self.key = ""
        self.before: Callable[[str], None] = lambda _key: None
        self.uploads: dict[str, dict[int, bytes]] = {}
        self._page = page
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, key: str, data: str | bytes, changed: float = 1_700_000_000) -> None:
        """Have an object."""
        self.objects[key] = Object(data.encode() if isinstance(data, str) else data, changed)

    def put_new(self, key: str, data: bytes, *, only: bool) -> Object | None:
        """Have an object from now on; None if it must not be there yet, but is."""
        with self._lock:
            if only and key in self.objects:
                return None
            one = self.objects[key] = Object(data, time.time())
            return one

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def listing(self, prefix: str, after: str, most: int, delimiter: str = "") -> str:
        """An answer to ListObjectsV2."""
        self.listings += 1
        objects = dict(self.objects)
        names: dict[str, Object | None] = {}  # None: what begins with it is told as one
        for key in sorted(objects):
            if key.startswith(prefix):
                inside = key.find(delimiter, len(prefix)) if delimiter else -1
                name = key if inside < 0 else key[: inside + len(delimiter)]
                names.setdefault(name, objects[key] if inside < 0 else None)
        keys = [name for name in names if name > after]
        shown = keys[: min(self._page, most)]
        told = "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            if (one := names[name]) is None
            else f"<Contents><Key>{escape(name)}</Key><Size>{len(one.data)}</Size>"
            f"<LastModified>{_iso(one.changed)}</LastModified><ETag>{escape(one.etag)}</ETag>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for name in shown
        )
        more = len(keys) > len(shown)
        token = (
            f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        )
        return (
            f'{HEAD}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>manuals</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
            f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{told}</ListBucketResult>"
        )


def _handler(store: S3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out in one piece

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            asked = {
                name: some[0]
                for name, some in parse_qs(parts.query, keep_blank_values=True).items()
            }
            by = self.headers.get("Authorization", "")
            if store.refuses:
                self.error(403, "AccessDenied")
            elif store.key and f"Credential={store.key}/" not in by:
                self.error(403, "InvalidAccessKeyId")
            elif bucket != "manuals":
                self.error(404, "NoSuchBucket")
            elif self.command in ("PUT", "POST"):
                self.write(key, asked, body)
            elif self.command == "DELETE":
                store.uploads.pop(asked.get("uploadId", ""), None)
                if "uploadId" not in asked:
                    store.objects.pop(key, None)
                self.say(204, b"", {})
            elif not key:
                told = store.listing(
                    asked.get("prefix", ""),
                    asked.get("continuation-token", asked.get("start-after", "")),
                    int(asked.get("max-keys", 1000)),
                    asked.get("delimiter", ""),
                )
                self.say(200, told.encode(), XML)
            elif (one := store.objects.get(key)) is None:
                self.error(404, "NoSuchKey")
            else:
                self.bytes_of(key, one)

        def write(self, key: str, asked: dict[str, str], body: bytes) -> None:
            only = self.headers.get("If-None-Match") == "*"
            source = self.headers.get("x-amz-copy-source")
            if "delete" in asked:
                told = ""
                for name in re.findall("<Key>(.*?)</Key>", body.decode()):
                    store.objects.pop(unescape(name), None)
                    told += f"<Deleted><Key>{name}</Key></Deleted>"
                self.say(200, f"{HEAD}<DeleteResult>{told}</DeleteResult>".encode(), XML)
            elif "uploads" in asked:
                upload = f"upload-{len(store.uploads)}-{time.monotonic_ns()}"
                store.uploads[upload] = {}
                self.say(200, _xml("InitiateMultipartUploadResult", UploadId=upload), XML)
            elif "partNumber" in asked:
                store.uploads[asked["uploadId"]][int(asked["partNumber"])] = body
                self.say(200, b"", {"ETag": Object(body, 0).etag})
            elif "uploadId" in asked:
                pieces = store.uploads.pop(asked["uploadId"])
                body = b"".join(pieces[number] for number in sorted(pieces))
                self.written(store.put_new(key, body, only=only), "CompleteMultipartUploadResult")
            elif source:
                copied = store.objects.get(unquote(source).lstrip("/").partition("/")[2])
                if copied is None:
                    self.error(404, "NoSuchKey")
                else:
                    self.written(store.put_new(key, copied.data, only=only), "CopyObjectResult")
            else:
                self.written(store.put_new(key, body, only=only), "")

        def written(self, one: Object | None, told: str) -> None:
            if one is None:
                self.error(412, "PreconditionFailed")
            else:
                body = _xml(told, ETag=one.etag, LastModified=_iso(one.changed)) if told else b""
                self.say(200, body, {"ETag": one.etag, **XML})

        def bytes_of(self, key: str, one: Object) -> None:
            if self.command == "GET":
                store.before(key)
                store.fetched.append(key)
            headers = {
                "Last-Modified": formatdate(one.changed, usegmt=True),
                "ETag": one.etag,
                "Accept-Ranges": "bytes",
                "Content-Type": "application/octet-stream",
            }
            wanted = self.headers.get("Range")
            if wanted is None:
                self.say(200, one.data, headers)
                return
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            size = len(one.data)
            first = int(begin) if begin else max(0, size - int(end))
            last = min(size, int(end) + 1) if begin and end else size
            headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
            self.say(206, one.data[first:last], headers)

        def error(self, status: int, code: str) -> None:
            self.say(status, _xml("Error", Code=code, Message=code), XML)

        def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def _xml(name: str, **told: str) -> bytes:
    inside = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in told.items())
    return f"{HEAD}<{name}>{inside}</{name}>".encode()


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def aws_keys(monkeypatch: pytest.MonkeyPatch, key: str = "test") -> None:
    """Have this key and no other; nothing is looked for in files or over the network."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    for name in (
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
