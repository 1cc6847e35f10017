"""How long embedding took: the only part of a search that the search itself does not tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np

from groundtone.embedding import Embedder


class Clocked:
    """An embedder that counts the time of the calling thread's calls; otherwise the one inside.

    Args:
        embedder: whose vectors are given back.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._inside = embedder
        self.fingerprint = embedder.fingerprint
        self.dimensions = embedder.dimensions
        self.max_tokens = embedder.max_tokens
        self._spent = threading.local()

    def encode(self, text: str) -> list[tuple[int, int]]:
        return self._inside.encode(text)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        began = time.perf_counter()
        try:
            return self._inside.embed(texts)
        finally:
            self._spent.ms = self.ms + 1000 * (time.perf_counter() - began)

    @property
    def ms(self) -> float:
        """Milliseconds this thread's calls took since `restart`."""
        return float(getattr(self._spent, "ms", 0.0))

    def restart(self) -> None:
        """Count from zero again."""
        self._spent.ms = 0.0
