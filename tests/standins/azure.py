"""A server on loopback that knows as much of Azure's protocol as reading a container takes: an
account without folders of its own (no hierarchical namespace)."""

from __future__ import annotations

import base64
import hmac
from email.utils import formatdate
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from tests.standins.bucket import Bucket, Handler, Object

ACCOUNT = "shelf"


class _Handler(Handler):
    store: Azure

    def answer(self, body: bytes) -> None:
        store = self.store
        parts = urlsplit(self.path)
        _, _, place = unquote(parts.path).lstrip("/").partition("/")
        container, _, key = place.partition("/")
        asked = {name: some[0] for name, some in parse_qs(parts.query).items()}
        if store.refuses:
            self.error(403, "AuthorizationPermissionMismatch")
        elif asked.get("sig") != store.key and not self.signed(parts.path, asked):
            self.error(403, "AuthenticationFailed")
        elif container != "manuals":
            self.error(404, "ContainerNotFound")
        elif "action" in asked:
            self.error(400, "HierarchicalNamespaceNotEnabled")
        elif asked.get("comp") == "list":
            self.say(200, self.listing(asked).encode(), {"Content-Type": "application/xml"})
        elif (one := store.objects.get(key)) is None:
            self.error(404, "BlobNotFound")
        else:
            times = formatdate(one.changed, usegmt=True)
            told = {"x-ms-blob-type": "BlockBlob", "x-ms-creation-time": times}
            locks = {"x-ms-lease-state": "available", "x-ms-lease-status": "unlocked"}
            self.bytes_of(key, one, {**told, **locks, "x-ms-server-encrypted": "true"})

    def signed(self, path: str, asked: dict[str, str]) -> bool:
        """Whether it was signed with the account's key (Azure's "Shared Key")."""
        plain = ("Content-Encoding", "Content-Language", "Content-Length", "Content-MD5")
        dated = ("Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match")
        lines = [self.command, *(self.headers.get(name, "") for name in (*plain, *dated))]
        lines += [self.headers.get(name, "") for name in ("If-Unmodified-Since", "Range")]
        theirs = {name.lower(): value for name, value in self.headers.items()}
        lines += [f"{name}:{theirs[name]}" for name in sorted(theirs) if name.startswith("x-ms-")]
        lines += [f"/{ACCOUNT}{path}", *(f"{name}:{asked[name]}" for name in sorted(asked))]
        made = hmac.digest(self.store.key.encode(), "\n".join(lines).encode(), "sha256")
        told = f"SharedKey {ACCOUNT}:{base64.b64encode(made).decode()}"
        return self.headers.get("Authorization", "") == told

    def listing(self, asked: dict[str, str]) -> str:
        """An answer to List Blobs."""
        prefix = asked.get("prefix", "")
        shown, following = self.store.listed(
            prefix,
            asked.get("marker", ""),
            int(asked.get("maxresults", 5000)),
            asked.get("delimiter", ""),
        )
        blobs = "".join(
            f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"
            if one is None
            else f"<Blob><Name>{escape(name)}</Name>{_properties(one)}</Blob>"
            for name, one in shown.items()
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<EnumerationResults ServiceEndpoint="{self.store.endpoint}/{ACCOUNT}/" '
            f'ContainerName="manuals"><Prefix>{escape(prefix)}</Prefix><Blobs>{blobs}</Blobs>'
            f"<NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
        )

    def error(self, status: int, code: str) -> None:
        told = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
        body = b"" if self.command == "HEAD" else told.encode()
        kind = {"Content-Type": "application/xml"} if body else {}
        self.say(status, body, {"x-ms-error-code": code, **kind})


class Azure(Bucket):
    """A container that is read.

    ``key`` is the account's, and the signature of an address that somebody was given (SAS).
    """

    scheme = "az"
    handler = _Handler


def azure_keys(monkeypatch: pytest.MonkeyPatch, key: str = "test") -> None:
    """Have the account and a key, and nothing else."""
    for name in ("AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_KEY", base64.b64encode(key.encode()).decode())


def _properties(one: Object) -> str:
    times = formatdate(one.changed, usegmt=True)
    return (
        f"<Properties><Creation-Time>{times}</Creation-Time><Last-Modified>{times}</Last-Modified>"
        f"<Etag>{escape(one.etag)}</Etag><Content-Length>{len(one.data)}</Content-Length>"
        "<Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType>"
        "<AccessTier>Hot</AccessTier><LeaseStatus>unlocked</LeaseStatus>"
        "<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties>"
    )
