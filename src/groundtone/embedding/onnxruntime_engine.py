"""MiniLM on ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from groundtone import weights
from groundtone.embedding.bert import read_safetensors, read_shape
from groundtone.embedding.onnx_graph import build
from groundtone.embedding.tokens import Tokenizer

_BATCH = 16


class OnnxRuntimeEmbedder:
    fingerprint = "all-MiniLM-L6-v2@53aa5117"
    dimensions = 384
    max_tokens = 256

    def __init__(self, name: str, *, threads: int | None = None) -> None:
        import onnxruntime

        folder = weights.path(name)
        self._tokenizer = Tokenizer(folder / "tokenizer.json", self.max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 3
        graph = build(read_safetensors(folder / "model.safetensors"), read_shape(folder / "config.json"))
        self._session = onnxruntime.InferenceSession(graph, options)

    def encode(self, text: str) -> list[tuple[int, int]]:
        return self._tokenizer.offsets(text)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        batch = self._tokenizer.batch(texts)
        out = np.empty((len(batch), self.dimensions), dtype=np.float32)
        order = sorted(range(len(batch)), key=lambda i: len(batch[i]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            longest = len(batch[rows[-1]])
            ids = np.zeros((len(rows), longest), dtype=np.int32)
            mask = np.zeros_like(ids)
            for row, index in enumerate(rows):
                ids[row, : len(batch[index])] = batch[index]
                mask[row, : len(batch[index])] = 1
            out[rows] = self._session.run(None, {"ids": ids, "mask": mask})[0]
        return out
