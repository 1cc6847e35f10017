"""A server on loopback that knows as much of Google's JSON protocol as reading a bucket takes, and
gives tokens to whom a file of Google's says so."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from tests.standins.bucket import Bucket, Handler, Object, iso

LIST, ONE = "/storage/v1/b/manuals/o", "/storage/v1/b/manuals/o/"


class _Handler(Handler):
    store: GCS

    def answer(self, body: bytes) -> None:
        store = self.store
        parts = urlsplit(self.path)
        key = unquote(parts.path.removeprefix(ONE)) if parts.path.startswith(ONE) else ""
        asked = {name: some[0] for name, some in parse_qs(parts.query).items()}
        if parts.path == "/token":
            known = f"refresh_token={store.key}".encode() in body
            told = {"access_token": store.key, "token_type": "Bearer", "expires_in": 3600}
            self.tell(200 if known else 401, told if known else {"error": "invalid_grant"})
        elif store.refuses:
            self.error(403, "forbidden")
        elif store.key and self.headers.get("Authorization") != f"Bearer {store.key}":
            self.error(401, "required")
        elif parts.path == LIST:
            shown, following = store.listed(
                asked.get("prefix", ""), asked.get("pageToken", ""), 1000
            )
            items = [_described(name, one) for name, one in shown.items() if one is not None]
            more = {"nextPageToken": following} if following else {}
            self.tell(200, {"kind": "storage#objects", "items": items, **more})
        elif (one := store.objects.get(key)) is None:
            self.error(404, "notFound")
        elif asked.get("alt") == "media":
            self.bytes_of(key, one, {"x-goog-generation": "1"})
        else:
            self.tell(200, _described(key, one))

    def error(self, status: int, reason: str) -> None:
        fault = {"domain": "global", "reason": reason, "message": reason}
        self.tell(status, {"error": {"code": status, "message": reason, "errors": [fault]}})

    def tell(self, status: int, told: object) -> None:
        self.say(status, json.dumps(told).encode(), {"Content-Type": "application/json"})


class GCS(Bucket):
    """A bucket that is read."""

    scheme = "gs"
    handler = _Handler


def google_keys(monkeypatch: pytest.MonkeyPatch, folder: Path, store: GCS, key: str) -> None:
    """Have a file of Google's with this key, and no other."""
    told = {
        "type": "authorized_user",
        "client_id": "me",
        "client_secret": "mine",
        "refresh_token": key,
        "token_uri": f"{store.endpoint}/token",
    }
    path = folder / "application_default_credentials.json"
    path.write_text(json.dumps(told), "utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    for name in ("STORAGE_EMULATOR_HOST", "CLOUD_STORAGE_EMULATOR_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def _described(name: str, one: Object) -> dict[str, str]:
    return {
        "kind": "storage#object",
        "name": name,
        "bucket": "manuals",
        "generation": "1",
        "size": str(len(one.data)),
        "timeCreated": iso(one.changed),
        "updated": iso(one.changed),
        "contentType": "application/octet-stream",
    }
