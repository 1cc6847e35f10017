"""A cross-encoder as Sentence Transformers and Transformers save it, on torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundtone.errors import EngineError, MissingExtra
from groundtone.reranking.pairs import MAX_TOKENS, Pairs, probabilities

BATCH = 8


class TorchReranker:
    """A ``Reranker``; see there.

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

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        import torch

        scores = [0.0] * len(texts)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            rows = self._pairs.rows(question, [texts[place] for place in some])
            if not self._types:
                del rows["token_type_ids"]
            with torch.inference_mode():
                found = self._model(**{k: torch.from_numpy(v) for k, v in rows.items()}).logits
            for place, score in zip(some, probabilities(found.float().numpy()), strict=True):
                scores[place] = score
        return scores
