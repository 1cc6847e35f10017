"""Texts -> vectors.

One contract, ``Embedder``; one engine a module. ``open_embedder`` imports the engine only when
it is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from groundtone.errors import WrongUse
from groundtone.weights import KNOWN, known

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Embedder", "open_embedder"]


@runtime_checkable
class Embedder(Protocol):
    """What every embedding engine offers. Safe to use from several threads.

    Pickled, it goes without its weights and is opened again where it arrives, with as many threads
    as OMP_NUM_THREADS says there.

    Attributes:
        fingerprint: which model made a vector, whatever the engine, for instance
            "all-MiniLM-L6-v2@53aa5117": vectors of different fingerprints never mix.
        dimensions: length of a vector.
        max_tokens: the most tokens of a text that count, special tokens included; what is
            longer is cut.
    """

    @property
    def fingerprint(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def encode(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token in ``text``, without special tokens, never cut.

        The bound method can be pickled, without any weights of the model: it goes to the
        processes that read files.
        """
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One L2-normalised vector a text, in their order: float32 [len(texts), dimensions]."""
        ...


def open_embedder(name: str, *, threads: int | None = None, precision: str = "int8") -> Embedder:
    """Open the embedding model ``name``.

    Args:
        name: "all-minilm-l6-v2".
        threads: processor threads; None for the number of cores this process may use.
        precision: "int8", or "float32" for vectors exact to six digits at less than half the
            speed.

    Raises:
        MissingModel: the weights were never fetched.
        DamagedModel: the weights are not the pinned ones.
        WrongUse: no such embedding model, or no such precision.
        EngineError: the engine's vectors are not those of the model.
    """
    if known(name).job != "embedding":
        raise WrongUse(f"{name} is not an embedding model.", f"Known: {', '.join(_names())}.")
    from groundtone.embedding.onnxruntime_engine import OnnxRuntimeEmbedder

    return OnnxRuntimeEmbedder(known(name).name, threads=threads, precision=precision)


def _names() -> list[str]:
    return [name for name, entry in KNOWN.items() if entry.job == "embedding"]
