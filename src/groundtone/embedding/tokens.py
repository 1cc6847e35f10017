"""Text -> token ids and character offsets, by the model's own tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Fast


class Tokenizer:
    """The tokenizer of a ``tokenizer.json``; safe to use from several threads.

    It can be pickled, for another process of this machine that can read the file.

    Args:
        path: the ``tokenizer.json``.
        max_tokens: what ``batch`` cuts at, special tokens included.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        self._path = path
        self._max_tokens = max_tokens

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[Path, int]]:
        return Tokenizer, (self._path, self._max_tokens)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span of each token, without special tokens, never truncated."""
        return list(self._whole.encode(text, add_special_tokens=False).offsets)

    def batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids with special tokens, at most ``max_tokens`` each."""
        return [encoded.ids for encoded in self._cut.encode_batch_fast(list(texts))]

    # Two of them, each loaded when first used: truncation is a setting of the object, and threads
    # share it.

    @cached_property
    def _whole(self) -> Fast:
        whole = self._load()
        whole.no_truncation()
        return whole

    @cached_property
    def _cut(self) -> Fast:
        cut = self._load()
        cut.enable_truncation(self._max_tokens)
        return cut

    def _load(self) -> Fast:
        from tokenizers import Tokenizer as Fast

        loaded = Fast.from_file(str(self._path))
        loaded.no_padding()
        return loaded
