"""A cross-encoder as Sentence Transformers and Transformers save it, on torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.errors import EngineError, MissingExtra
from groundtone.reranking.contract import Pair
from groundtone.reranking.pairs import MAX_TOKENS, Pairs, Rows


class TorchCrossEncoder:
    """A ``CrossEncoder``; see there.

    Args:
        folder: ``config.json`` and the weights; nothing is downloaded, no code of it is run.
        tokenizer: ``tokenizer.json``.
        threads: None for what torch takes.
    """

    def __init__(self, folder: Path, tokenizer: Path, *, threads: int | None = None) -> None:
        try:
            import torch
            from transformers import AutoModelForSequenceClassification
        except ImportError:
            raise MissingExtra(f"The cross-encoder in {folder}", "rerank") from None
        if threads:
            torch.set_num_threads(threads)
        try:
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EngineError(
                f"The cross-encoder in {folder} cannot be opened: "
                f"{(str(error).splitlines() or [''])[0][:300]}",
                "Download it again.",
            ) from None
        self._model = model.eval()
        limit = getattr(model.config, "max_position_embeddings", MAX_TOKENS)
        self._pairs = Pairs(tokenizer, min(MAX_TOKENS, limit))
        self._types = int(getattr(model.config, "type_vocab_size", 0) or 0) > 1

    def logits(self, pairs: Sequence[Pair]) -> np.ndarray:
        import torch

        def run(rows: Rows) -> np.ndarray:
            if not self._types:
                del rows["token_type_ids"]
            with torch.inference_mode():
                given = {name: torch.from_numpy(row) for name, row in rows.items()}
                found: np.ndarray = self._model(**given).logits.float().numpy()
            return found

        return self._pairs.batched(pairs, run)
