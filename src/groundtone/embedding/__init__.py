"""Texts -> vectors.

One contract, ``Embedder``; one engine a module; ``open_embedder`` opens the one that is asked
for and imports nothing of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from groundtone.errors import WrongUse

__all__ = ["ENGINES", "Embedder", "open_embedder"]

ENGINES = ("onnxruntime", "openvino")


@runtime_checkable
class Embedder(Protocol):
    """What every embedding engine offers. Safe to use from several threads.

    Attributes:
        fingerprint: which model made a vector, whatever the engine, for instance
            "all-MiniLM-L6-v2@53aa5117": vectors of different fingerprints never mix.
        dimensions: length of a vector.
        max_tokens: the most tokens of a text that count, special tokens included; what is
            longer is cut.
    """

    fingerprint: str
    dimensions: int
    max_tokens: int

    def encode(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token in ``text``, without special tokens, never cut."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One L2-normalised vector a text, in their order: float32 [len(texts), dimensions]."""
        ...


def open_embedder(
    name: str, *, threads: int | None = None, engine: str = "onnxruntime"
) -> Embedder:
    """Open the embedding model ``name``.

    Args:
        name: a name of ``groundtone.weights.KNOWN``, "all-minilm-l6-v2".
        threads: processor threads; None for the number of cores this process may use.
        engine: one of ``ENGINES``.

    Raises:
        MissingModel: the weights were never fetched.
        DamagedModel: the weights are not the pinned ones.
        MissingExtra: the engine's package is not installed.
        WrongUse: unknown name or engine.
        EngineError: the engine's vectors are not those of the model.
    """
    if engine == "onnxruntime":
        from groundtone.embedding.onnxruntime_engine import OnnxRuntimeEmbedder

        return OnnxRuntimeEmbedder(name, threads=threads)
    if engine == "openvino":
        from groundtone.embedding.openvino_engine import OpenVinoEmbedder

        return OpenVinoEmbedder(name, threads=threads)
    raise WrongUse(
        f"No embedding engine is called {engine!r}.", f"Known: {', '.join(ENGINES)}."
    )
