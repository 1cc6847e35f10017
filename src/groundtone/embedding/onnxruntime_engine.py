"""MiniLM on ONNX Runtime, without torch and without the ``onnx`` package.

The graph is built from the pinned weights at first use, checked against the plain forward
pass of ``bert``, and kept beside the weights.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from groundtone import weights
from groundtone.cores import usable
from groundtone.embedding.bert import forward, read_safetensors, read_shape
from groundtone.embedding.calibration import PROBES, SENTENCES, smoothing
from groundtone.embedding.onnx_graph import VERSION, WORDS, build
from groundtone.embedding.tokens import Tokenizer
from groundtone.errors import EngineError, WrongUse

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from groundtone.embedding import Embedder

_FLOORS = {"int8": 0.997, "float32": 0.99999}
"""The least cosine to the plain forward pass at which a precision counts as the model."""


class OnnxRuntimeEmbedder:
    """An ``Embedder``; see there.

    Args:
        name: "all-minilm-l6-v2".
        threads: texts embedded at once; None for the cores this process may use.
        precision: "int8" (cosine to float32 about .999 on real text, more than twice as fast), or
            "float32". Where a processor cannot do the 8-bit products right (it saturates), float32
            is used whatever was asked.
    """

    fingerprint = "all-MiniLM-L6-v2@53aa5117"
    dimensions = 384
    max_tokens = 256

    def __init__(self, name: str, *, threads: int | None = None, precision: str = "int8") -> None:
        if precision not in _FLOORS:
            raise WrongUse(
                f"No precision is called {precision!r}.", f"Known: {', '.join(_FLOORS)}."
            )
        self._name = name
        self._folder = weights.path(name)
        self._tokenizer = Tokenizer(self._folder / "tokenizer.json", self.max_tokens)
        self.encode = self._tokenizer.offsets
        self._threads = threads or usable()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed")
        self._words = read_safetensors(self._folder / "model.safetensors")[WORDS]
        self.precision = precision
        session = self._open(precision)
        if session is None and precision != "float32":
            self.precision = "float32"
            session = self._open("float32")
        if session is None:
            raise EngineError(
                f"ONNX Runtime's vectors are not those of {name} on this machine.",
                "Please report this with the output of `groundtone doctor`.",
            )
        self._session: InferenceSession = session

    def __reduce__(self) -> tuple[Callable[..., Embedder], tuple[str, str]]:
        return _opened_again, (self._name, self.precision)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        out = np.empty((len(texts), self.dimensions), dtype=np.float32)
        batch = self._tokenizer.batch(texts)
        if len(batch) == 1:
            out[0] = self._run(self._session, batch[0])
            return out

        def one(index: int) -> None:
            out[index] = self._run(self._session, batch[index])

        # The longest first: then no thread is left alone with a long one at the end.
        order = sorted(range(len(batch)), key=lambda index: -len(batch[index]))
        for _ in self._pool.map(one, order):
            pass
        return out

    def _open(self, precision: str) -> InferenceSession | None:
        """A session whose answers to the probes are right, or None.

        That it is None is remembered: without the instructions for 8 bits (AVX-512 VNNI or the
        like) their products overflow, and to find that out anew takes seconds at each start.
        """
        cached = self._folder / f"minilm-{precision}-v{VERSION}.onnx"
        unfit = cached.with_suffix(".unfit")
        if precision != "float32" and _text(unfit) == _machine():
            return None
        if cached.is_file():
            session = _session(cached)
            if session is not None and self._right(session, precision):
                return session
        graph = self._build(precision)
        session = _session(graph)
        if session is None or not self._right(session, precision):
            _keep(_machine().encode(), unfit)
            return None
        _keep(graph, cached)
        return session

    def _build(self, precision: str) -> bytes:
        tensors = read_safetensors(self._folder / "model.safetensors")
        shape = read_shape(self._folder / "config.json")
        expected = forward(tensors, shape, self._tokenizer.batch(PROBES))
        factors = None
        if precision == "int8":
            factors = smoothing(tensors, shape, self._tokenizer.batch(SENTENCES))
        return build(tensors, shape, smoothing=factors, expected=expected)

    def _right(self, session: InferenceSession, precision: str) -> bool:
        """About three milliseconds: cheap enough for every start."""
        batch = self._tokenizer.batch(PROBES)
        expected = session.run(["expected"], {"words": self._words[batch[0]]})[0]
        got = np.stack([self._run(session, ids) for ids in batch])
        return bool(((got * expected).sum(1) >= _FLOORS[precision]).all())

    def _run(self, session: InferenceSession, ids: Sequence[int]) -> np.ndarray:
        vector: np.ndarray = session.run(["vector"], {"words": self._words[ids]})[0]
        return vector


def _opened_again(name: str, precision: str) -> Embedder:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    count = int(threads) if threads.isdecimal() else None
    return OnnxRuntimeEmbedder(name, threads=count, precision=precision)


def _session(graph: Path | bytes) -> InferenceSession | None:
    """A session of one thread a run; None for a damaged file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = str(graph) if isinstance(graph, Path) else graph
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base of their own
        if type(error).__module__.startswith("onnxruntime"):
            return None
        raise


@cache
def _machine() -> str:
    """What decides whether 8 bits are precise enough: ONNX Runtime, and the processor's kind."""
    import onnxruntime

    flags = set(_text(Path("/proc/cpuinfo")).partition("flags")[2].partition("\n")[0].split())
    kinds = sorted(f for f in flags if f.startswith(("avx", "amx")))
    return " ".join([onnxruntime.__version__, platform.machine(), *kinds])


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _keep(graph: bytes, target: Path) -> None:
    """Put the graph beside the weights in one step, in place of those of earlier versions; a cache
    without room or rights is no harm."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_bytes(graph)
        draft.replace(target)
        # Of each precision: where 8 bits are not precise enough, an earlier version's stay unused.
        for version, precision in product(range(1, VERSION), _FLOORS):
            former = target.with_name(f"minilm-{precision}-v{version}.onnx")
            former.unlink(missing_ok=True)
            former.with_suffix(".unfit").unlink(missing_ok=True)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
