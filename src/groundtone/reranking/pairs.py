"""Two texts as one row of token ids, as cross-encoders read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.errors import EngineError
from groundtone.reranking.contract import Pair

MAX_TOKENS = 512
BATCH = 8  # rows of one run are as long as the longest: few, sorted by length

Rows = dict[str, np.ndarray]


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

    def rows(self, pairs: Sequence[Pair]) -> Rows:
        """``input_ids``, ``attention_mask`` and ``token_type_ids``: int64 [pairs, longest]."""
        found = self._tokenizer.encode_batch([(_clean(one), _clean(other)) for one, other in pairs])
        return {
            "input_ids": np.array([row.ids for row in found], np.int64),
            "attention_mask": np.array([row.attention_mask for row in found], np.int64),
            "token_type_ids": np.array([row.type_ids for row in found], np.int64),
        }

    def batched(self, pairs: Sequence[Pair], run: Callable[[Rows], np.ndarray]) -> np.ndarray:
        """What `run` gives for all pairs, a few at a time, those of like length together.

        Raises:
            EngineError: it gives something other than one row of numbers a pair.
        """
        order = sorted(range(len(pairs)), key=lambda place: sum(map(len, pairs[place])))
        found: list[np.ndarray] = [np.empty(0)] * len(pairs)
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            logits = np.asarray(run(self.rows([pairs[place] for place in some])), np.float64)
            if logits.ndim == 1:
                logits = logits[:, None]
            if logits.ndim != 2 or len(logits) != len(some):
                raise EngineError(
                    f"The cross-encoder gave an answer of shape {logits.shape}, not one row of "
                    "numbers a text.",
                    "Name a model made for pairs of texts.",
                )
            for place, row in zip(some, logits, strict=True):
                found[place] = row
        return np.stack(found) if found else np.empty((0, 1))


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
