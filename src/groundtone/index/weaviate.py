"""Weaviate: vectors and Weaviate's own BM25 in one collection of a server.

Words are a text property that Weaviate splits at blanks and nowhere else: stems, compounds and
pairs of characters come from `groundtone.index.words`, as in every store. Weaviate's list of stop
words is switched off for the same reason. Labels and times are properties too, filtered by
Weaviate before it ranks. The client tries lost calls again itself.

Fusing both searches stays with groundtone, so that a question has one order whatever the store;
Weaviate's hybrid call would fuse by its own rule.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from groundtone.errors import EmbeddingMismatch, GroundtoneError, MissingExtra, WrongUse
from groundtone.index import Entry, Hit, shown
from groundtone.index.asking import batches, checked, first_line
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.index.words import asked, indexed

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
KEY = "WEAVIATE_API_KEY"
GRPC = 50051  # the port that Weaviate listens on for gRPC unless told otherwise
CLOUD = (".weaviate.cloud", ".weaviate.network")
MEANING = "meaning"  # the name of the vector
PLACE = ("key", "version", "chunk", "window")
BATCH = 256
PAGE = 1_000
MOST = 10_000  # hits of a search, and objects of a deletion: QUERY_MAXIMUM_RESULTS
SECONDS = {"init": 10, "query": 30, "insert": 90}
_COLLECTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class WeaviateIndex:
    """An `Index` in a Weaviate collection, made if absent.

    Args:
        url: ``http://HOST:8080`` or ``https://…``. gRPC is expected at port 50051 of the host, in
            Weaviate Cloud where that has it, or where ``?grpc=PORT`` or ``?grpc=HOST:PORT`` says.
            A key is read from WEAVIATE_API_KEY.
        dimensions: length of the vectors.
        collection: its name; Weaviate writes it with a capital, and ``_`` for ``-``.

    Raises:
        MissingExtra: the package weaviate-client is not installed.
        WrongUse: there is no address, or Weaviate cannot have a collection of that name.
        EmbeddingMismatch: the collection holds vectors of another length.
        GroundtoneError: the server does not answer, or refuses.
    """

    def __init__(self, url: str, dimensions: int, *, collection: str = "groundtone") -> None:
        self._dimensions = dimensions
        self._shown = shown(url)
        self._name = _named(collection)
        self._client = _client(url)
        try:
            if not self._asked(lambda: self._client.collections.exists(self._name)):
                self._make()
            self._held = self._client.collections.use(self._name)
            self._check()
        except BaseException:
            self._client.close()
            raise

    def add(self, entries: Sequence[Entry]) -> None:
        """Store windows; one whose id is already there is replaced."""
        unique = list({entry.id: entry for entry in entries}.values())
        vectors = [checked(entry.vector, self._dimensions).tolist() for entry in unique]
        objects = [_object(entry, vector) for entry, vector in zip(unique, vectors, strict=True)]
        for some in batches(objects, BATCH):
            done = self._asked(lambda some=some: self._held.data.insert_many(some))  # type: ignore[misc]
            if done.has_errors:
                fault = next(iter(done.errors.values()))
                raise GroundtoneError(f"Weaviate at {self._shown} failed: {fault.message}.")

    def delete(self, versions: Collection[str]) -> None:
        """Remove all windows of these document versions."""
        for some in batches(sorted(versions), BATCH):
            where = _filter().by_property("version").contains_any(list(some))
            while True:  # a call removes `MOST` objects at most
                done = self._asked(lambda where=where: self._held.data.delete_many(where=where))  # type: ignore[misc]
                if done.failed:
                    raise GroundtoneError(
                        f"Weaviate at {self._shown} could not remove {done.failed} windows.",
                        "Sync again; its log says what was wrong.",
                    )
                if done.successful < MOST:
                    break

    def dense(self, vector: np.ndarray, k: int, where: Filter = EVERYTHING) -> list[Hit]:
        """The nearest windows by cosine, as Weaviate's graph finds them; at most 10,000."""
        near = checked(vector, self._dimensions).tolist()
        if k < 1 or any(not wanted for wanted in where.every):
            return []
        found = self._asked(
            lambda: self._held.query.near_vector(
                near,
                limit=min(k, MOST),
                filters=_where(where),
                target_vector=MEANING,
                return_metadata=["distance"],
                return_properties=[*PLACE, "words"],
            )
        ).objects
        scores = [1.0 - one.metadata.distance for one in found]
        return _ranked(found, scores, scores)

    def lexical(
        self,
        query: str,
        k: int,
        where: Filter = EVERYTHING,
        near: np.ndarray | None = None,
    ) -> list[Hit]:
        """The best windows by Weaviate's BM25; at most 10,000."""
        words = asked(query)
        if k < 1 or not words.strip() or any(not wanted for wanted in where.every):
            return []
        found = self._asked(
            lambda: self._held.query.bm25(
                words,
                query_properties=["words"],
                limit=min(k, MOST),
                filters=_where(where),
                include_vector=[MEANING] if near is not None else False,
                return_metadata=["score"],
                return_properties=[*PLACE, "words"],
            )
        ).objects
        cosines: list[float | None] = [None] * len(found)
        if near is not None and found:
            import numpy as np

            vectors = np.asarray([one.vector[MEANING] for one in found], np.float32)
            cosines = [float(c) for c in vectors @ checked(near, self._dimensions)]
        return _ranked(found, [float(one.metadata.score) for one in found], cosines)

    def versions(self) -> set[str]:
        """Document versions of which any window is here."""
        pages = self._held.iterator(return_properties=["version"], cache_size=PAGE)
        return self._asked(lambda: {one.properties["version"] for one in pages})

    def count(self, version: str | None = None) -> int:
        """Windows here, of one document version or of all."""
        where = None if version is None else _filter().by_property("version").equal(version)
        told = self._asked(lambda: self._held.aggregate.over_all(filters=where, total_count=True))
        return int(told.total_count or 0)

    def vectors(self, ids: Collection[str]) -> dict[str, np.ndarray]:
        """The vectors of these windows."""
        import numpy as np

        found: dict[str, np.ndarray] = {}
        for some in batches(sorted(ids), BATCH):
            wanted = [_uuid(id) for id in some]
            page = self._asked(
                lambda wanted=wanted: self._held.query.fetch_objects_by_ids(  # type: ignore[misc]
                    wanted,
                    limit=len(wanted),
                    include_vector=[MEANING],
                    return_properties=["key"],
                )
            )
            for one in page.objects:
                found[one.properties["key"]] = np.asarray(one.vector[MEANING], np.float32)
        return found

    def optimise(self) -> None:
        """Nothing to do: Weaviate keeps its structures itself."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _make(self) -> None:
        from weaviate.classes.config import (
            Configure,
            DataType,
            Property,
            StopwordsPreset,
            Tokenization,
            VectorDistances,
        )

        whole = Tokenization.FIELD
        properties = [
            Property(name="key", data_type=DataType.TEXT, tokenization=whole,
                     index_searchable=False),
            Property(name="version", data_type=DataType.TEXT, tokenization=whole,
                     index_searchable=False),
            Property(name="chunk", data_type=DataType.INT, index_filterable=False),
            Property(name="window", data_type=DataType.INT, index_filterable=False),
            Property(name="labels", data_type=DataType.TEXT_ARRAY, tokenization=whole,
                     index_searchable=False),
            Property(name="modified", data_type=DataType.INT, index_range_filters=True),
            Property(name="words", data_type=DataType.TEXT, index_filterable=False,
                     tokenization=Tokenization.WHITESPACE),
            Property(name="text", data_type=DataType.TEXT, index_filterable=False,
                     index_searchable=False),
        ]  # fmt: skip
        graph = Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
        try:
            self._asked(
                lambda: self._client.collections.create(
                    self._name,
                    properties=properties,
                    vector_config=Configure.Vectors.self_provided(
                        name=MEANING, vector_index_config=graph
                    ),
                    inverted_index_config=Configure.inverted_index(
                        bm25_b=0.75, bm25_k1=1.2, stopwords_preset=StopwordsPreset.NONE
                    ),
                )
            )
        except GroundtoneError:
            if not self._asked(lambda: self._client.collections.exists(self._name)):
                raise  # else another process was first

    def _check(self) -> None:
        """Weaviate learns the vectors' length from the first one."""
        first = self._asked(
            lambda: self._held.query.fetch_objects(limit=1, include_vector=True)
        ).objects
        held = len(first[0].vector.get(MEANING, ())) if first else self._dimensions
        if held != self._dimensions:
            raise EmbeddingMismatch(
                f"The Weaviate collection {self._name} holds vectors of {held} numbers named "
                f"{MEANING!r}, the embedding model makes {self._dimensions}.",
                "Set the model that it was built with, or run `groundtone sync --rebuild`.",
            )

    def _asked(self, call: Callable[[], T]) -> T:
        return _asked(self._shown, call)


def drop(url: str, collection: str) -> None:
    """Remove a collection with all that it holds; one that is not there is fine."""
    client = _client(url)
    try:
        _asked(shown(url), lambda: client.collections.delete(_named(collection)))
    finally:
        client.close()


def _asked(where: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:
        raise GroundtoneError(
            f"Weaviate at {where} failed: {first_line(error)}.",
            f"See that it is running and reachable (HTTP and gRPC) and {KEY} is right, then try "
            "again.",
        ) from error


def _client(url: str) -> Any:
    try:
        import weaviate
        from weaviate.classes.init import AdditionalConfig, Auth, Timeout
    except ImportError:
        raise MissingExtra("The store Weaviate", "weaviate") from None
    http, grpc = _addresses(url)
    key = os.environ.get(KEY, "").strip()
    # Without its checks at the start: one of them asks PyPI for the client's newest version.
    return _asked(
        shown(url),
        lambda: weaviate.connect_to_custom(
            http_host=http[0], http_port=http[1], http_secure=http[2],
            grpc_host=grpc[0], grpc_port=grpc[1], grpc_secure=grpc[2],
            auth_credentials=Auth.api_key(key) if key else None,
            additional_config=AdditionalConfig(timeout=Timeout(**SECONDS)),
            skip_init_checks=True,
        ),
    )  # fmt: skip


def _addresses(url: str) -> tuple[tuple[str, int, bool], tuple[str, int, bool]]:
    """Host, port and whether it is encrypted, of HTTP and of gRPC."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
        told = parse_qs(parts.query).get("grpc", [""])[0]
        grpc_host, _, grpc_port = told.rpartition(":")
        grpc = (grpc_host or host or "", int(grpc_port)) if told else None
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise WrongUse(
            f"{url!r} is no address of a Weaviate server."
            if url
            else "The store weaviate needs the address of a server.",
            'Set [index] url = "http://HOST:8080", with ?grpc=PORT where gRPC is not at 50051.',
        )
    secure = parts.scheme == "https"
    if grpc is None:
        grpc = (f"grpc-{host}", 443) if host.endswith(CLOUD) else (host, GRPC)
    return (host, port or (443 if secure else 80), secure), (*grpc, secure)


def _named(collection: str) -> str:
    if not _COLLECTION.fullmatch(collection):
        raise WrongUse(
            f"Weaviate cannot have a collection named {collection!r}.",
            "Set [index] collection to letters, digits and -, the first a letter.",
        )
    return collection[0].upper() + collection[1:].replace("-", "_")


def _uuid(id: str) -> str:
    """Weaviate takes UUIDs for ids."""
    return str(uuid.UUID(bytes=hashlib.sha256(id.encode()).digest()[:16]))


def _object(entry: Entry, vector: list[float]) -> Any:
    from weaviate.classes.data import DataObject

    properties = {
        "key": entry.id,
        "version": entry.version,
        "chunk": entry.chunk,
        "window": entry.window,
        "labels": list(entry.labels),
        "modified": entry.modified,
        "words": indexed(entry.text),
        "text": entry.text.encode("utf-8", "replace").decode("utf-8"),
    }
    return DataObject(properties=properties, uuid=_uuid(entry.id), vector={MEANING: vector})


def _filter() -> Any:
    from weaviate.classes.query import Filter as Condition

    return Condition


def _where(where: Filter) -> Any:
    conditions = [
        _filter().by_property("labels").contains_any(sorted(wanted)) for wanted in where.every
    ]
    modified = _filter().by_property("modified")
    if where.since is not None:
        conditions.append(modified.greater_or_equal(where.since))
    if where.until is not None:
        conditions.append(modified.less_or_equal(where.until))
    return _filter().all_of(conditions) if conditions else None


def _ranked(
    found: Sequence[Any], scores: Sequence[float], cosines: Sequence[float | None]
) -> list[Hit]:
    """Best first; equal scores in the order of ids, so that answers repeat."""
    return [hit for _, _, hit in sorted(_hits(found, scores, cosines), key=lambda one: one[:2])]


def _hits(
    found: Sequence[Any], scores: Sequence[float], cosines: Sequence[float | None]
) -> Iterator[tuple[float, str, Hit]]:
    for one, score, cosine in zip(found, scores, cosines, strict=True):
        key, version, chunk, window = (one.properties[name] for name in PLACE)
        words = one.properties["words"]
        yield -score, key, Hit(version, int(chunk), int(window), score, cosine, words)
