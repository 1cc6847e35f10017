"""An embedder of a few lines for tests about everything but embedding: quick, always the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np


class SmallEmbedder:
    """Adds up one fixed direction a word: texts that share words lie near each other."""

    max_tokens = 256

    def __init__(self, dimensions: int = 24, name: str = "small") -> None:
        self.dimensions = dimensions
        self.fingerprint = f"{name}@{dimensions}"
        self.embedded = 0

    def encode(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += len(texts)
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> np.ndarray:
        total = np.full(self.dimensions, 1e-3, np.float32)
        for word in re.findall(r"\w+", text.casefold()):
            digest = hashlib.shake_128(word.encode()).digest(self.dimensions)
            total += np.frombuffer(digest, np.uint8).astype(np.float32) - 127.5
        return total / np.linalg.norm(total)
