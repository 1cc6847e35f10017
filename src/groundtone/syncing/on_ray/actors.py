"""What runs on the cluster: one actor reads files, another embeds texts."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING

from groundtone.syncing.readers import Limits, Process
from groundtone.syncing.reading import Job

if TYPE_CHECKING:
    import numpy as np

    from groundtone.embedding import Embedder


class Reading:
    """Reads files in a process of its own, within limits, as a sync on one machine does.

    Args:
        reader: a pickled `Reader`.
    """

    def __init__(self, limits: Limits, reader: bytes) -> None:
        self._process = Process(limits)
        self._reader = reader

    def ready(self, places: Sequence[str]) -> list[str]:
        """Those of these paths that this machine lacks."""
        return [place for place in places if not os.path.exists(place)]  # noqa: PTH110

    def work(self, job: Job) -> bytes:
        """Read one file: a pickled `Read`. Ray's own pickling asks Python about each object."""
        return pickle.dumps(self._process.read(self._reader, job), pickle.HIGHEST_PROTOCOL)


class Embedding:
    """Embeds texts with the workspace's model, whose weights must be on this machine.

    Args:
        model: a pickled `Embedder`.
        fingerprint: that it must have.
    """

    def __init__(self, model: bytes, threads: int, fingerprint: str) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._embedder: Embedder = pickle.loads(model)
        if self._embedder.fingerprint != fingerprint:
            raise ValueError(f"the model is {self._embedder.fingerprint} here, not {fingerprint}")

    def ready(self, _places: Sequence[str]) -> list[str]:
        """Nothing is lacking once the model is open."""
        return []

    def work(self, texts: list[str]) -> np.ndarray:
        """Their vectors: float32 [len(texts), dimensions]."""
        return self._embedder.embed(texts)
