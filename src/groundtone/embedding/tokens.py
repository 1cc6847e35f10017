"""Text -> token ids and character offsets, by the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class Tokenizer:
    """The tokenizer of a ``tokenizer.json``; safe to use from several threads.

    Args:
        path: the ``tokenizer.json``.
        max_tokens: what ``batch`` cuts at, special tokens included.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        from tokenizers import Tokenizer as Fast

        # Two of them: truncation is a setting of the object, and threads share it.
        self._whole = Fast.from_file(str(path))
        self._whole.no_padding()
        self._whole.no_truncation()
        self._cut = Fast.from_file(str(path))
        self._cut.no_padding()
        self._cut.enable_truncation(max_tokens)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, without special tokens, never truncated."""
        return list(self._whole.encode(text, add_special_tokens=False).offsets)

    def batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids with special tokens, at most ``max_tokens`` each."""
        return [encoded.ids for encoded in self._cut.encode_batch_fast(list(texts))]
