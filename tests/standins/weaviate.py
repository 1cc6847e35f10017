"""A stand-in for a Weaviate server: the calls that its client makes, answered from memory.

It shows that groundtone's calls are put together rightly. Of Weaviate's ranking, speed and limits
it shows nothing: vectors are compared exactly, and BM25 is computed here.

HTTP carries what the server is and its collections, gRPC (the messages that come with the client)
everything else.
"""

from __future__ import annotations

import contextlib
import json
import math
import struct
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import numpy as np
from weaviate.proto.v1 import (
    aggregate_pb2,
    base_pb2,
    batch_delete_pb2,
    batch_pb2,
    search_get_pb2,
    weaviate_pb2_grpc,
)

Record = dict[str, Any]
MOST = 10_000


class Collections:
    """What the stand-in holds: by name, a collection's definition and its objects by UUID."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.defined: dict[str, Record] = {}
        self.objects: dict[str, dict[str, Record]] = {}
        self.failing = 0  # so many gRPC calls are answered with UNAVAILABLE

    def create(self, told: Record) -> tuple[int, Record]:
        name = told["class"]
        if name in self.defined:
            return 422, {"error": [{"message": f"class name {name} already exists"}]}
        self.defined[name] = told
        self.objects[name] = {}
        return 200, told

    def drop(self, name: str) -> tuple[int, Record]:
        self.defined.pop(name, None)
        self.objects.pop(name, None)
        return 200, {}

    def put(self, one: Any) -> None:
        held = self.objects[one.collection]
        [vector] = one.vectors
        values = np.frombuffer(vector.vector_bytes, "<f4")
        lengths = {len(other["vector"]) for other in held.values()}
        if lengths - {len(values)}:
            raise ValueError(f"vector lengths don't match: {lengths} vs {len(values)}")
        sent = one.properties
        properties: Record = dict(sent.non_ref_properties.items())
        properties |= {some.prop_name: list(some.values) for some in sent.text_array_properties}
        properties |= {name: [] for name in sent.empty_list_props}
        held[one.uuid] = {"name": vector.name, "vector": values, "properties": properties}

    def passing(self, collection: str, condition: Any | None) -> dict[str, Record]:
        held = self.objects[collection]
        return {id: one for id, one in sorted(held.items()) if passes(id, one, condition)}

    def bm25(self, collection: str, search: Any, held: dict[str, Record]) -> dict[str, float]:
        """By UUID, of all objects that share a word; statistics are those of the collection."""
        [name] = search.properties
        config = self.defined[collection]["invertedIndexConfig"]
        assert config["stopwords"]["preset"] == "none"
        k1, b = config["bm25"]["k1"], config["bm25"]["b"]
        texts = {
            id: Counter(one["properties"][name].split())
            for id, one in self.objects[collection].items()
        }
        mean = sum(text.total() for text in texts.values()) / max(1, len(texts))
        scores: dict[str, float] = {}
        for word in dict.fromkeys(search.query.split()):
            having = sum(word in text for text in texts.values())
            rare = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
            for id in held:
                if count := texts[id][word]:
                    length = k1 * (1 - b + b * texts[id].total() / mean)
                    gain = rare * count * (k1 + 1) / (count + length)
                    scores[id] = scores.get(id, 0.0) + gain
        return scores


def passes(id: str, one: Record, condition: Any | None) -> bool:
    """Weaviate's filters, as many of them as groundtone and its client speak."""
    if condition is None:
        return True
    kind = base_pb2.Filters.Operator.Name(condition.operator).removeprefix("OPERATOR_")
    if kind == "AND":
        return all(passes(id, one, some) for some in condition.filters)
    if kind == "OR":
        return any(passes(id, one, some) for some in condition.filters)
    name = condition.target.property
    held = id if name == "_id" else one["properties"].get(name)
    held = held if isinstance(held, list) else [held]
    if kind == "CONTAINS_ANY":
        return bool({*condition.value_text_array.values} & {*held})
    if kind == "EQUAL":
        return condition.value_text in held
    if kind == "GREATER_THAN_EQUAL":
        return held[0] >= condition.value_int
    if kind == "LESS_THAN_EQUAL":
        return held[0] <= condition.value_int
    raise ValueError(f"unknown operator {kind}")


class Service(weaviate_pb2_grpc.WeaviateServicer):
    """The gRPC side."""

    def __init__(self, collections: Collections, key: str) -> None:
        self._collections = collections
        self._key = key

    def Search(self, request: Any, context: Any) -> Any:
        with self._asked(context) as held:
            objects = held.passing(
                request.collection, request.filters if request.HasField("filters") else None
            )
            if request.after:
                objects = {id: one for id, one in objects.items() if id > request.after}
            scored: dict[str, float] = {}
            if request.HasField("near_vector"):
                asked = nearest(request.near_vector)
                scored = {id: 1 - cosine(one["vector"], asked) for id, one in objects.items()}
                order = sorted(scored, key=lambda id: (scored[id], id))
            elif request.HasField("bm25_search"):
                scored = held.bm25(request.collection, request.bm25_search, objects)
                order = sorted(scored, key=lambda id: (-scored[id], id))
            else:
                order = list(objects)
            limit = request.limit or 10
            if limit > MOST:
                raise ValueError("query maximum results exceeded")
            return search_get_pb2.SearchReply(
                results=[result(request, id, objects[id], scored.get(id)) for id in order[:limit]]
            )

    def BatchObjects(self, request: Any, context: Any) -> Any:
        with self._asked(context) as held:
            errors = []
            for number, one in enumerate(request.objects):
                try:
                    held.put(one)
                except ValueError as error:
                    errors.append({"index": number, "error": str(error)})
            return batch_pb2.BatchObjectsReply(errors=errors)

    def BatchDelete(self, request: Any, context: Any) -> Any:
        with self._asked(context) as held:
            gone = list(held.passing(request.collection, request.filters))[:MOST]
            for id in gone:
                del held.objects[request.collection][id]
            return batch_delete_pb2.BatchDeleteReply(matches=len(gone), successful=len(gone))

    def Aggregate(self, request: Any, context: Any) -> Any:
        with self._asked(context) as held:
            found = held.passing(
                request.collection, request.filters if request.HasField("filters") else None
            )
            return aggregate_pb2.AggregateReply(
                single_result=aggregate_pb2.AggregateReply.Single(objects_count=len(found))
            )

    @contextlib.contextmanager
    def _asked(self, context: Any) -> Iterator[Collections]:
        told = dict(context.invocation_metadata())
        with self._collections.lock:
            if told.get("authorization") != f"Bearer {self._key}":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "invalid api key")
            if self._collections.failing:
                self._collections.failing -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
            try:
                yield self._collections
            except KeyError as error:
                context.abort(grpc.StatusCode.NOT_FOUND, f"no collection {error}")
            except ValueError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


def nearest(search: Any) -> np.ndarray:
    """The vector that is asked for, however the client packed it."""
    packed = search.vectors[0].vector_bytes if search.vectors else search.vector_bytes
    return np.frombuffer(packed, "<f4")


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    if len(one) != len(other):
        raise ValueError(f"vector lengths don't match: {len(one)} vs {len(other)}")
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def result(request: Any, id: str, one: Record, score: float | None) -> Any:
    """An object as a search gives it back: only what was asked for."""
    found = search_get_pb2.SearchResult()
    found.metadata.id_as_bytes = uuid.UUID(id).bytes
    if request.metadata.distance and score is not None:
        found.metadata.distance, found.metadata.distance_present = score, True
    if request.metadata.score and score is not None:
        found.metadata.score, found.metadata.score_present = score, True
    if request.metadata.vector or one["name"] in request.metadata.vectors:
        values = one["vector"].tolist()
        found.metadata.vectors.add(
            name=one["name"],
            vector_bytes=struct.pack(f"<{len(values)}f", *values),
            type=base_pb2.Vectors.VECTOR_TYPE_SINGLE_FP32,
        )
    fields = found.properties.non_ref_props.fields
    for name in request.properties.non_ref_properties:
        value = one["properties"].get(name)
        if isinstance(value, list):
            fields[name].list_value.text_values.values.extend(value)
        elif isinstance(value, str):
            fields[name].text_value = value
        elif value is not None:
            fields[name].int_value = int(value)
    return found


@contextlib.contextmanager
def weaviate_standin(key: str) -> Iterator[tuple[str, Collections]]:
    """A stand-in that takes this key: its address, and what it holds."""
    collections = Collections()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(size)) if size else {}
            path = self.path.removeprefix("/v1")
            name = path.removeprefix("/schema/")
            status, told = 404, {"error": [{"message": f"not found: {path}"}]}
            with collections.lock:
                if self.headers.get("Authorization") != f"Bearer {key}":
                    status, told = 401, {"error": [{"message": "invalid api key"}]}
                elif (self.command, path) == ("GET", "/meta"):
                    status, told = 200, {"version": "1.32.0", "grpcMaxMessageSize": 104_858_000}
                elif (self.command, path) == ("POST", "/schema"):
                    status, told = collections.create(sent)
                elif self.command == "GET" and name in collections.defined:
                    status, told = 200, collections.defined[name]
                elif self.command == "DELETE":
                    status, told = collections.drop(name)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = answer

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    server = grpc.server(ThreadPoolExecutor(8))
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(Service(collections, key), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}?grpc={port}", collections
    finally:
        server.stop(grace=None).wait()
        http.shutdown()
        http.server_close()
        thread.join()
