"""How long embedding took: the only part of a search that the search itself does not tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from groundtone.embedding import Embedder


class Clocked:
    """An embedder that counts the time of the calling thread's calls; otherwise the one inside.

    Args:
        embedder: gives the one whose vectors are given back; called when it is first needed, which
            it is not where other processes search.
    """

    def __init__(self, embedder: Callable[[], Embedder]) -> None:
        self._inside = embedder
        self._spent = threading.local()

    @property
    def fingerprint(self) -> str:
        return self._inside().fingerprint

    @property
    def dimensions(self) -> int:
        return self._inside().dimensions

    @property
    def max_tokens(self) -> int:
        return self._inside().max_tokens

    def encode(self, text: str) -> list[tuple[int, int]]:
        return self._inside().encode(text)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        inside = self._inside()
        began = time.perf_counter()
        try:
            return inside.embed(texts)
        finally:
            self._spent.ms = self.ms + 1000 * (time.perf_counter() - began)

    @property
    def ms(self) -> float:
        """Milliseconds this thread's calls took since `restart`."""
        return float(getattr(self._spent, "ms", 0.0))

    def restart(self) -> None:
        """Count from zero again."""
        self._spent.ms = 0.0
