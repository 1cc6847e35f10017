"""Both searches over a workspace's documents, to fit and to measure.

What is measured is the order in which `Retriever` returns them, documents that miss a name of the
question lowered, but without a re-ranker. What is fitted are the features and vectors alone: names
lower a score by a share of it, whatever the weights are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from groundtone.index import Hit, window_id
from groundtone.retrieval.fusion import WEIGHTS, Sides, features, fuse
from groundtone.retrieval.tracing import Ranked, by_names
from groundtone.retrieval.tuned import Tuned
from groundtone.tuning.softmax import Case
from groundtone.workspace.judged_questions import Asked

if TYPE_CHECKING:
    from groundtone.catalog import Key
    from groundtone.catalog.records import Place
    from groundtone.index import Index
    from groundtone.workspace.workspace import Workspace


class Search:
    """Both searches over the live documents, with and without what is to be measured."""

    def __init__(self, workspace: Workspace, paths: Mapping[str, str]) -> None:
        self._paths = paths
        self._catalog = workspace.catalog
        self._embedder = workspace.embedder
        self._index: Index = workspace.indexes.current(self._embedder.dimensions)
        self._candidates = workspace.settings.retrieval.candidates
        self._vectors: dict[str, np.ndarray] = {}  # a window is found by many questions

    def embedded(
        self, asked: Sequence[Asked], tell: Callable[[int, int], None]
    ) -> Iterator[tuple[Asked, np.ndarray]]:
        """Each with its vector."""
        for start in range(0, len(asked), 64):
            some = asked[start : start + 64]
            vectors = self._embedder.embed([one.text for one in some])
            for number, pair in enumerate(zip(some, vectors, strict=True), start + 1):
                yield pair
                tell(number, len(asked))

    def _hits(self, one: Asked, vector: np.ndarray) -> tuple[list[Hit], list[Hit]]:
        dense = self._index.dense(vector, self._candidates)
        lexical = self._index.lexical(one.text, self._candidates, near=vector)
        return _seen(dense, one.hidden), _seen(lexical, one.hidden)

    def order(self, one: Asked, vector: np.ndarray, tuned: Tuned | None) -> list[str]:
        """Documents, best first."""
        near = vector if tuned is None else tuned.adapted(vector)
        weights = WEIGHTS if tuned is None else tuned.weights
        sides = Sides(*self._hits(one, near), self._paths)
        parts = fuse("learned", sides, one.text, 0.0, weights)
        ranked = Ranked(sides, parts, {key: sum(some.values()) for key, some in parts.items()}, ())
        with self._catalog.find({version for version, _ in parts}) as found:
            fused = by_names(found, one.text, ranked).fused

        def place(key: Key) -> tuple[float, str, int]:
            return -fused[key], self._paths[key[0]], key[1]

        return list(dict.fromkeys(self._paths[version] for version, _ in sorted(fused, key=place)))

    def case(self, one: Asked, vector: np.ndarray) -> Case:
        """What was found, in numbers."""
        dense, lexical = self._hits(one, vector)
        sides = Sides(dense, lexical, self._paths)
        known = features(sides, one.text)
        places = {
            (hit.version, hit.chunk, hit.window): (hit.version, hit.chunk)
            for hit in (*dense, *lexical)
            if hit.version in self._paths
        }
        ids = {window_id(*place): key for place, key in places.items()}
        missing = [id for id in ids if id not in self._vectors]
        if missing:
            self._vectors.update(self._index.vectors(missing))
        keys = [(id, key) for id, key in ids.items() if id in self._vectors]
        names = sorted({self._paths[version] for _, (version, _) in keys})
        number = {name: at for at, name in enumerate(names)}
        others = [[known[key][name] for name in list(WEIGHTS)[1:]] for _, key in keys]
        windows = [self._vectors[id] for id, _ in keys]
        wide = len(vector)
        return Case(
            question=vector,
            windows=np.array(windows, np.float32).reshape(-1, wide),
            others=np.array(others, np.float64).reshape(-1, len(WEIGHTS) - 1),
            document=np.array([number[self._paths[key[0]]] for _, key in keys], np.int64),
            names=tuple(names),
            gains=dict.fromkeys(one.documents, 1.0),
            group=one.group,
        )


def _seen(hits: Sequence[Hit], hidden: frozenset[Place]) -> list[Hit]:
    return [hit for hit in hits if (hit.version, hit.chunk, hit.window) not in hidden]
