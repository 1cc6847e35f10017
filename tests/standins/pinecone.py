"""A stand-in for a Pinecone index: the calls that its client makes, answered on loopback.

Not Pinecone. It is written from the client's requests and Pinecone's API reference, keeps records
in memory, and compares all of them. What it cannot show: how Pinecone's graph ranks, its limits
and its delays. The same suite runs against the service where GROUNDTONE_TEST_PINECONE_URL and
PINECONE_API_KEY are set.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

Record = dict[str, Any]


class Records:
    """The records of one index, by namespace; every write has a log position."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.lock = threading.Lock()
        self.spaces: dict[str, dict[str, Record]] = {}
        self.position = 0
        self.failing = 0  # so many calls are answered with 503

    def upsert(self, body: Record) -> Record:
        for record in body["vectors"]:
            if len(record["values"]) != self.dimension:
                raise ValueError(f"Vector dimension {len(record['values'])} does not match")
            if len(json.dumps(record.get("metadata", {}), ensure_ascii=False).encode()) > 40_960:
                raise ValueError("metadata size exceeds the limit of 40960 bytes")
        space = self.spaces.setdefault(body.get("namespace", ""), {})
        space.update({record["id"]: record for record in body["vectors"]})
        self.position += 1
        return {"upsertedCount": len(body["vectors"])}

    def query(self, body: Record) -> Record:
        space = self.spaces.get(body.get("namespace", ""), {})
        held = [r for r in space.values() if passes(r.get("metadata", {}), body.get("filter"))]
        if not held:
            return {"matches": [], "namespace": body.get("namespace", "")}
        asked = np.asarray(body["vector"], np.float32)
        vectors = np.asarray([record["values"] for record in held], np.float32)
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked)
        scores = vectors @ asked / lengths
        best = np.argsort(-scores, kind="stable")[: body["topK"]]
        matches = []
        for at in best:
            match = {"id": held[at]["id"], "score": float(scores[at])}
            if body.get("includeMetadata"):
                match["metadata"] = held[at].get("metadata", {})
            matches.append(match)
        return {"matches": matches, "namespace": body.get("namespace", "")}

    def fetch(self, asked: dict[str, list[str]]) -> Record:
        space = self.spaces.get(asked.get("namespace", [""])[0], {})
        return {"vectors": {id: space[id] for id in asked["ids"] if id in space}}

    def fetch_by_metadata(self, body: Record) -> Record:
        space = self.spaces.get(body.get("namespace", ""), {})
        held = {
            id: record
            for id, record in sorted(space.items())
            if passes(record.get("metadata", {}), body["filter"])
        }
        names, next_one = page(list(held), body.get("limit", 100), body.get("paginationToken"))
        return {"vectors": {id: held[id] for id in names}} | next_one

    def list(self, asked: dict[str, list[str]]) -> Record:
        space = self.spaces.get(asked.get("namespace", [""])[0], {})
        names = sorted(id for id in space if id.startswith(asked.get("prefix", [""])[0]))
        token = asked.get("paginationToken", [None])[0]
        some, next_one = page(names, int(asked.get("limit", ["100"])[0]), token)
        return {"vectors": [{"id": id} for id in some]} | next_one

    def delete(self, body: Record) -> Record:
        space = self.spaces[body.get("namespace", "")]  # a missing one is 404, as at Pinecone
        ids = body.get("ids") or [
            id for id, r in space.items()
            if body.get("deleteAll") or passes(r.get("metadata", {}), body["filter"])
        ]  # fmt: skip
        for id in ids:
            space.pop(id, None)
        self.position += 1
        return {}

    def stats(self) -> Record:
        counts = {name: {"vectorCount": len(space)} for name, space in self.spaces.items()}
        total = sum(len(space) for space in self.spaces.values())
        told = {"dimension": self.dimension, "metric": "cosine", "indexFullness": 0.0}
        return told | {"namespaces": counts, "totalVectorCount": total}


def page(names: list[str], limit: int, token: str | None) -> tuple[list[str], Record]:
    """Some names, and what says where to go on."""
    start = int(token or 0)
    more = start + limit < len(names)
    return names[start : start + limit], (
        {"pagination": {"next": str(start + limit)}} if more else {}
    )


def passes(metadata: Record, condition: Record | None) -> bool:
    """Pinecone's filter language, as much of it as groundtone speaks."""
    for name, wanted in (condition or {}).items():
        if name == "$and":
            if not all(passes(metadata, one) for one in wanted):
                return False
            continue
        held = metadata.get(name)
        for operator, value in wanted.items():
            if operator == "$in":
                right = bool({*value} & ({*held} if isinstance(held, list) else {held}))
            elif operator == "$eq":
                right = held == value
            elif operator == "$gte":
                right = held is not None and held >= value
            elif operator == "$lte":
                right = held is not None and held <= value
            else:
                raise ValueError(f"unknown operator {operator}")
            if not right:
                return False
    return True


@contextlib.contextmanager
def pinecone_standin(dimension: int, key: str) -> Iterator[tuple[str, Records]]:
    """A stand-in that takes this key: its address, and its records."""
    records = Records(dimension)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(size)) if size else {}
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query)
            calls = {
                ("POST", "/vectors/upsert"): lambda: records.upsert(sent),
                ("POST", "/query"): lambda: records.query(sent),
                ("GET", "/vectors/fetch"): lambda: records.fetch(asked),
                ("POST", "/vectors/fetch_by_metadata"): lambda: records.fetch_by_metadata(sent),
                ("GET", "/vectors/list"): lambda: records.list(asked),
                ("POST", "/vectors/delete"): lambda: records.delete(sent),
                ("POST", "/describe_index_stats"): records.stats,
            }
            status, told = 200, {}
            with records.lock:
                if self.headers.get("Api-Key") != key:
                    status, told = 401, {"code": 16, "message": "Invalid API key"}
                elif records.failing:
                    records.failing -= 1
                    status, told = 503, {"code": 14, "message": "Service unavailable"}
                elif self.command == "DELETE" and parts.path.startswith("/namespaces/"):
                    records.spaces.pop(unquote(parts.path.removeprefix("/namespaces/")), None)
                else:
                    try:
                        told = calls[self.command, parts.path]()
                    except KeyError:
                        status, told = 404, {"code": 5, "message": f"Not found: {parts.path}"}
                    except ValueError as error:
                        status, told = 400, {"code": 3, "message": str(error)}
                position = records.position
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if parts.path == "/vectors/upsert":
                self.send_header("x-pinecone-request-lsn", str(position))
            elif parts.path == "/query":
                self.send_header("x-pinecone-max-indexed-lsn", str(position))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", records
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
