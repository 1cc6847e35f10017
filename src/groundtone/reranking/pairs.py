"""Question and text as one row of token ids, as cross-encoders read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.errors import EngineError

MAX_TOKENS = 512
QUESTION_CHARACTERS = 2_000


class Pairs:
    """A tokenizer of pairs.

    Args:
        path: ``tokenizer.json``.
        max_tokens: longest row, special tokens included.
    """

    def __init__(self, path: Path, max_tokens: int = MAX_TOKENS) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # its exceptions are plain Exception
            raise EngineError(f"{path} cannot be read: {error}.", "Download it again.") from None
        self._tokenizer.enable_truncation(max_tokens, strategy="longest_first")
        if self._tokenizer.padding is None:
            self._tokenizer.enable_padding()

    def rows(self, question: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """``input_ids``, ``attention_mask`` and ``token_type_ids``: int64 [texts, longest]."""
        clean = [_clean(question[:QUESTION_CHARACTERS]), *(_clean(text) for text in texts)]
        found = self._tokenizer.encode_batch([(clean[0], text) for text in clean[1:]])
        return {
            "input_ids": np.array([row.ids for row in found], np.int64),
            "attention_mask": np.array([row.attention_mask for row in found], np.int64),
            "token_type_ids": np.array([row.type_ids for row in found], np.int64),
        }


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


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
