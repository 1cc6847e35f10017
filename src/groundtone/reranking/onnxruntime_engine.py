"""A cross-encoder in ONNX format on ONNX Runtime, which the default install has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.errors import EngineError
from groundtone.reranking.contract import Pair
from groundtone.reranking.pairs import Pairs, Rows


class OnnxRuntimeCrossEncoder:
    """A ``CrossEncoder``; see there.

    Args:
        model: the .onnx file; its inputs are named as Transformers names them, its first output
            is a row of numbers a pair.
        tokenizer: ``tokenizer.json``.
        threads: None for the number that ONNX Runtime takes.
    """

    def __init__(self, model: Path, tokenizer: Path, *, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no base of their own
            raise EngineError(
                f"{model} cannot be opened: {str(error).splitlines()[0][:300]}", "Export it again."
            ) from None
        self._inputs = [each.name for each in self._session.get_inputs()]
        self._pairs = Pairs(tokenizer)
        unknown = set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"}
        if unknown:
            raise EngineError(
                f"{model} wants the input {sorted(unknown)[0]!r}, which a cross-encoder has not.",
                "Name a model made for pairs of texts.",
            )

    def logits(self, pairs: Sequence[Pair]) -> np.ndarray:
        def run(rows: Rows) -> np.ndarray:
            given = {name: rows[name] for name in self._inputs}
            found: np.ndarray = self._session.run(None, given)[0]
            return found

        return self._pairs.batched(pairs, run)
