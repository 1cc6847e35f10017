"""A sync's readers and embedders on a Ray cluster, with the faces of those of one machine."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from groundtone.settings import Settings
from groundtone.syncing.on_ray.actors import Embedding, Reading
from groundtone.syncing.on_ray.connecting import connected
from groundtone.syncing.on_ray.crew import DEPTH, Call, Crew
from groundtone.syncing.readers import AHEAD_WINDOWS, Limits, windows
from groundtone.syncing.reading import Job, Read, Reader

if TYPE_CHECKING:
    import numpy as np

    from groundtone.embedding import Embedder

READ, EMBED = "read", "embed"
EMBED_SHARE, READ_SHARE = 0.9, 0.1  # of a processor: one of each fits on it
GROUPS = 2  # of texts begun ahead for each embedder, beside those that it has


class Fleet:
    """What `groundtone.syncing.readers.Readers` is, and embedding beside it.

    Texts are embedded by as many actors as the cluster has processors, or as [scale] says; each
    has a few calls waiting, and no more files are read than the embedders have work for.

    Args:
        places: paths that every machine must have.

    Raises:
        MissingExtra: Ray is not installed.
        GroundtoneError: there is no cluster, or it has no processor.
    """

    def __init__(self, settings: Settings, places: Sequence[str]) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._ray = self._stack.enter_context(connected(settings.scale.ray))
        self._crew = Crew(self._ray, places)
        self._stack.callback(self._crew.dismiss)
        self._threads = settings.embedding.threads or 1
        room = int(self._ray.cluster_resources().get("CPU", 0)) // self._threads
        self.embedders = settings.scale.embedders or max(1, room)
        self._readers = settings.scale.readers or max(2, self.embedders)
        self._jobs: Iterator[Job] = iter(())
        self._reading: dict[int, tuple[Job, Call]] = {}
        self._ready: deque[tuple[Job, Read]] = deque()
        self._ahead = 0
        self.ahead = self.embedders * (DEPTH + GROUPS)

    def begin(self, reader: Reader, embedder: Embedder, jobs: Iterable[Job]) -> None:
        """Start reading files and opening models."""
        limits = Limits(self._settings.sync.read_seconds, self._settings.sync.read_mb)
        pickled = self._ray.put(pickle.dumps(reader))
        model, told = self._ray.put(pickle.dumps(embedder)), embedder.fingerprint
        self._engage(READ, Reading, READ_SHARE, self._readers, limits, pickled)
        share = self._threads - 1 + EMBED_SHARE
        self._engage(EMBED, Embedding, share, self.embedders, model, self._threads, told)
        self._jobs = iter(jobs)

    def take(self, *, wait: bool = True) -> tuple[Job, Read] | None:
        """A file that has been read; None when there is none now, or with ``wait`` none any more.

        Raises:
            GroundtoneError: no actor could be started, or each is lost.
        """
        self._collect()
        while wait and not self._ready and self._reading:
            self._crew.look(1.0)
            self._collect()
        if not self._ready:
            return None
        job, read = self._ready.popleft()
        self._ahead -= windows(read)
        self._collect()
        return job, read

    def embed(self, texts: list[str]) -> Callable[[], np.ndarray]:
        """Begin to embed texts; what is returned waits for their vectors."""
        call = self._crew.give(EMBED, texts)

        def wait() -> np.ndarray:
            vectors: np.ndarray = self._crew.wait(call)
            return vectors

        return wait

    def close(self) -> None:
        """End all actors, whatever they are doing, and the connection."""
        self._stack.close()

    def _engage(self, kind: str, made: type, share: float, count: int, *args: Any) -> None:
        # Spread, so that a lost node takes no kind with it.
        remote = self._ray.remote(made).options(num_cpus=share, scheduling_strategy="SPREAD")
        self._crew.engage(kind, lambda: remote.remote(*args), count)

    def _collect(self) -> None:
        """Take in files that were read, and have more read, as far as there is room for them."""
        for number, (job, call) in list(self._reading.items()):
            if call.done:
                del self._reading[number]
                read = pickle.loads(call.result)
                self._ready.append((job, read))
                self._ahead += windows(read)
        while self._ahead < AHEAD_WINDOWS and len(self._reading) < DEPTH * self._readers:
            following = next(self._jobs, None)
            if following is None:
                break
            call = self._crew.give(READ, following)
            self._reading[id(call)] = (following, call)
