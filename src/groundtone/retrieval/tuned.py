"""A retriever fitted to one workspace: weights of fusion, and a turn of the questions' vectors.

It is kept in the catalog and belongs to one embedding model. Fitted and gated by
`groundtone.workspace.tune_retriever`; measured in docs/retrieval.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtone.retrieval.fusion import WEIGHTS

if TYPE_CHECKING:
    from groundtone.catalog import Catalog

RECORD = "retriever"
"""The fact that tells which one is in use; its adapter is a fact of its own, by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """What changes in a search.

    Attributes:
        name: ``retriever:`` and 12 digits that follow from data, settings and result.
        embedding: fingerprint of the model whose vectors it turns.
        weights: of the features of the rule "learned", by name; none is below 0.
        adapter: float32 [dimensions, dimensions]: a question's vector ``q`` (a row) becomes
            ``q + q @ adapter``, scaled to length 1. None leaves it.
    """

    name: str
    embedding: str
    weights: Mapping[str, float]
    adapter: np.ndarray | None = None

    def adapted(self, vector: np.ndarray) -> np.ndarray:
        """The vector to search with: float32 of length 1, in place of one of length 1."""
        if self.adapter is None:
            return vector
        turned = vector + vector @ self.adapter
        length = float(np.linalg.norm(turned))
        return vector if length < 1e-6 else (turned / length).astype(np.float32)

    @property
    def identity(self) -> str:
        """The name with 12 digits of a sha256 of what it changes in a search."""
        weights = {name: float(weight) for name, weight in self.weights.items()}
        told = [self.embedding, weights, "" if self.adapter is None else packed(self.adapter)]
        digits = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.name} {digits}"


def record(catalog: Catalog) -> dict[str, Any] | None:
    """What is known of the tuned retriever in use: its metrics and where it comes from."""
    text = catalog.fact(RECORD)
    return None if text is None else dict(json.loads(text))


def save(catalog: Catalog, tuned: Tuned, told: Mapping[str, Any]) -> None:
    """Put a tuned retriever to use in place of any other.

    Args:
        told: JSON values to be kept with it: settings, metrics, lineage.
    """
    before = record(catalog)
    kept = {
        **told,
        "name": tuned.name,
        "embedding": tuned.embedding,
        "weights": dict(tuned.weights),
        "adapter": tuned.adapter is not None,
    }
    facts = {RECORD: json.dumps(kept)}
    if tuned.adapter is not None:
        facts[_place(tuned.name)] = packed(tuned.adapter)
    catalog.remember_all(facts)
    if before is not None and before["name"] != tuned.name:
        catalog.forget(_place(before["name"]))


def load(catalog: Catalog, text: str) -> Tuned | None:
    """The tuned retriever of a record's text; None if it was removed meanwhile."""
    told = json.loads(text)
    adapter = None
    if told["adapter"]:
        kept = catalog.fact(_place(told["name"]))
        if kept is None:
            return None
        adapter = unpacked(kept)
    weights = {name: float(told["weights"][name]) for name in WEIGHTS}
    return Tuned(told["name"], told["embedding"], weights, adapter)


def remove(catalog: Catalog) -> str | None:
    """Take the tuned retriever out of use and forget it; its name, or None if there is none."""
    told = record(catalog)
    if told is None:
        return None
    catalog.forget(RECORD)
    catalog.forget(_place(told["name"]))
    return str(told["name"])


def packed(adapter: np.ndarray) -> str:
    """A square matrix as text, in half precision: 0.4 MB for 384 dimensions."""
    return base64.b64encode(adapter.astype("<f2").tobytes()).decode("ascii")


def unpacked(text: str) -> np.ndarray:
    """The matrix of `packed`, as float32."""
    flat = np.frombuffer(base64.b64decode(text), "<f2").astype(np.float32)
    side = round(len(flat) ** 0.5)
    return flat.reshape(side, side)


def _place(name: str) -> str:
    return f"{RECORD} adapter {name}"
