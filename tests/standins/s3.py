"""A server on loopback that knows as much of S3's protocol as reading a bucket takes, and keeping a
table of LanceDB's there: listings, ranges, conditional and multipart writes, copies, deletions."""

from __future__ import annotations

import re
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

import pytest
from tests.standins.bucket import PAGE, Bucket, Handler, Object, iso

XML = {"Content-Type": "application/xml"}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


class _Handler(Handler):
    store: S3

    def answer(self, body: bytes) -> None:
        store = self.store
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        told = parse_qs(parts.query, keep_blank_values=True)
        asked = {name: some[0] for name, some in told.items()}
        if store.refuses:
            self.error(403, "AccessDenied")
        elif store.key and f"Credential={store.key}/" not in self.headers.get("Authorization", ""):
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
            self.say(200, self.listing(asked).encode(), XML)
        elif (one := store.objects.get(key)) is None:
            self.error(404, "NoSuchKey")
        else:
            self.bytes_of(key, one, {})

    def listing(self, asked: dict[str, str]) -> str:
        """An answer to ListObjectsV2."""
        prefix = asked.get("prefix", "")
        shown, following = self.store.listed(
            prefix,
            asked.get("continuation-token", asked.get("start-after", "")),
            int(asked.get("max-keys", 1000)),
            asked.get("delimiter", ""),
        )
        told = "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            if one is None
            else f"<Contents><Key>{escape(name)}</Key><Size>{len(one.data)}</Size>"
            f"<LastModified>{iso(one.changed)}</LastModified><ETag>{escape(one.etag)}</ETag>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
            for name, one in shown.items()
        )
        token = following and f"<NextContinuationToken>{escape(following)}</NextContinuationToken>"
        return (
            f'{HEAD}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>manuals</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>{str(bool(following)).lower()}</IsTruncated>"
            f"{token}{told}</ListBucketResult>"
        )

    def write(self, key: str, asked: dict[str, str], body: bytes) -> None:
        store = self.store
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
            body = _xml(told, ETag=one.etag, LastModified=iso(one.changed)) if told else b""
            self.say(200, body, {"ETag": one.etag, **XML})

    def error(self, status: int, code: str) -> None:
        self.say(status, _xml("Error", Code=code, Message=code), XML)


class S3(Bucket):
    """A bucket that can be written to.

    Attributes:
        uploads: pieces of objects that come in several.
    """

    scheme = "s3"
    handler = _Handler

    def __init__(self, page: int = PAGE) -> None:
        self.uploads: dict[str, dict[int, bytes]] = {}
        self._lock = threading.Lock()
        super().__init__(page)

    def put_new(self, key: str, data: bytes, *, only: bool) -> Object | None:
        """Have an object from now on; None if it must not be there yet, but is."""
        with self._lock:
            if only and key in self.objects:
                return None
            one = self.objects[key] = Object(data, time.time())
            return one


def _xml(name: str, **told: str) -> bytes:
    inside = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in told.items())
    return f"{HEAD}<{name}>{inside}</{name}>".encode()


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
