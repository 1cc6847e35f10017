"""A cross-encoder used to rank passages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundtone.errors import EngineError
from groundtone.reranking.contract import CrossEncoder

QUESTION_CHARACTERS = 2_000


class Ranking:
    """A ``Reranker``; see there."""

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        question = question[:QUESTION_CHARACTERS]
        return probabilities(self._model.logits([(question, text) for text in texts]))


def probabilities(logits: np.ndarray) -> list[float]:
    """Scores 0 to 1: of one number a row by the logistic function, of two by softmax.

    Raises:
        EngineError: the model gives another number of values, or values that are no numbers.
    """
    logits = np.asarray(logits, np.float64)
    if logits.ndim == 2 and logits.shape[1] == 1:
        logits = logits[:, 0]
    elif logits.ndim == 2 and logits.shape[1] == 2:
        logits = logits[:, 1] - logits[:, 0]
    if logits.ndim != 1 or not np.isfinite(logits).all():
        raise EngineError(
            f"The cross-encoder gave an answer of shape {logits.shape}, not one or two finite "
            "numbers a text.",
            "Name a model made for ranking.",
        )
    return [float(value) for value in 1 / (1 + np.exp(-np.clip(logits, -60, 60)))]
