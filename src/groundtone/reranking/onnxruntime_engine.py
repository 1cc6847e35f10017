"""A cross-encoder in ONNX format on ONNX Runtime, which the default install has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundtone.errors import EngineError
from groundtone.reranking.pairs import Pairs, probabilities

BATCH = 8  # rows of one run are as long as the longest: few, sorted by length


class OnnxRuntimeReranker:
    """A ``Reranker``; see there.

    Args:
        model: the .onnx file; its inputs are named as Transformers names them, its first output
            is one or two numbers a row.
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
                "Name a model made for ranking.",
            )

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        scores = [0.0] * len(texts)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            rows = self._pairs.rows(question, [texts[place] for place in some])
            logits = self._session.run(None, {name: rows[name] for name in self._inputs})[0]
            for place, score in zip(some, probabilities(logits), strict=True):
                scores[place] = score
        return scores
