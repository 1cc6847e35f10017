"""The model at work on one batch: the loss of its answers, or the answers it would give.

What stands before the question, the passages, is read by the unchanged base where the adapter is an
activated one: once, without gradients, and kept for all epochs while memory allows. The head sees
supervised positions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional as F
from transformers import DynamicCache

from groundtone.tuning.batches import Batch, pad_left, pad_right

Key = tuple[Any, ...]
Loss = tuple[torch.Tensor, int, int]
"""Summed loss (a scalar with its graph), answer tokens, answer tokens guessed right."""


class Reader:
    """One model with its adapter.

    Args:
        peft: the model in PEFT's wrapping.
        activated: whether the base reads what stands before the question.
        cache_bytes: memory for kept states; beyond it they are read again each epoch.
        pad: any valid token id.
        device: where the model lies.
    """

    def __init__(
        self, peft: Any, *, activated: bool, cache_bytes: int, pad: int, device: torch.device
    ) -> None:
        self._peft = peft
        self._body = peft.base_model.model.model
        self._head = peft.base_model.model.lm_head
        self._cap = getattr(peft.config, "final_logit_softcapping", None)
        self._activated = activated
        self.cache_bytes = cache_bytes
        self._pad = pad
        self._device = device
        self._kept: dict[Key, tuple[torch.Tensor, torch.Tensor]] = {}
        self._kept_bytes = 0

    def kept(self, key: Key) -> bool:
        """Whether the passages of this batch need not be read again."""
        return key in self._kept

    def forget(self) -> None:
        """Drop all kept states."""
        self._kept.clear()
        self._kept_bytes = 0

    def loss(self, key: Key, batch: Batch) -> Loss:
        """The loss of a batch's answers; `key` names the batch for keeping its passages' state."""
        state, read = self.passages(key, batch) if self._activated else _nothing(len(batch))
        asked = [(() if self._activated else item.prefix) + item.question for item in batch]
        ids, mask = pad_right(
            [a + item.answer[:-1] for a, item in zip(asked, batch, strict=True)], self._pad
        )
        full = torch.cat([read.to(self._device), mask.to(self._device)], dim=1)
        positions = (full.cumsum(1) - 1).clamp(min=0)[:, read.shape[1] :]
        with self._precision():
            hidden = self._body(
                input_ids=ids.to(self._device),
                attention_mask=full,
                position_ids=positions,
                past_key_values=self._cache(state) if state.numel() else None,
                use_cache=bool(state.numel()),
            ).last_hidden_state
            rows = [
                hidden[i, len(a) - 1 : len(a) - 1 + len(item.answer)]
                for i, (a, item) in enumerate(zip(asked, batch, strict=True))
            ]
            logits = self._logits(torch.cat(rows))
        labels = torch.tensor([token for item in batch for token in item.answer])
        labels = labels.to(self._device)
        right = int((logits.detach().argmax(-1) == labels).sum())
        return F.cross_entropy(logits.float(), labels, reduction="sum"), len(labels), right

    def answers(self, key: Key, batch: Batch) -> list[list[int]]:
        """Greedy answers, each up to the token that ends its example, or to its length."""
        return [answer for answer, _ in self.written(key, batch)]

    def written(self, key: Key, batch: Batch) -> list[tuple[list[int], list[float]]]:
        """Greedy answers, and how far apart the two likeliest tokens were at each of theirs."""
        ends = [item.answer[-1] for item in batch]
        longest = max(len(item.answer) for item in batch)
        asked = [(() if self._activated else item.prefix) + item.question for item in batch]
        with torch.no_grad(), self._precision():
            state, full = self.passages(key, batch) if self._activated else _nothing(len(batch))
            cache = self._cache(state)
            ids, mask = pad_left(asked, self._pad)
            ids, mask = ids.to(self._device), mask.to(self._device)
            written: list[list[int]] = [[] for _ in batch]
            margins: list[list[float]] = [[] for _ in batch]
            for _ in range(longest):
                full = torch.cat([full.to(self._device), mask], dim=1)
                hidden = self._body(
                    input_ids=ids,
                    attention_mask=full,
                    position_ids=(full.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :],
                    past_key_values=cache,
                    use_cache=True,
                ).last_hidden_state
                best = self._logits(hidden[:, -1]).float().topk(2)
                ids = best.indices[:, :1]
                mask = torch.ones_like(ids)
                for apart, two in zip(margins, best.values.tolist(), strict=True):
                    apart.append(two[0] - two[1])
                for row, token in zip(written, ids[:, 0].tolist(), strict=True):
                    row.append(token)
                if all(end in row for end, row in zip(ends, written, strict=True)):
                    break
        sizes = [
            row.index(end) + 1 if end in row else len(row)
            for end, row in zip(ends, written, strict=True)
        ]
        return [
            (row[:size], apart[:size])
            for row, apart, size in zip(written, margins, sizes, strict=True)
        ]

    def passages(self, key: Key, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The base's state after reading each example's passages, and the mask of its tokens.

        Shape [layers, 2, batch, heads, tokens, head size] in float16.
        """
        if key in self._kept:
            return self._kept[key]
        ids, mask = pad_left([item.prefix for item in batch], self._pad)
        if not ids.shape[1]:
            return _nothing(len(batch))
        ids, mask = ids.to(self._device), mask.to(self._device)
        cache = DynamicCache()
        with torch.no_grad(), self._peft.disable_adapter(), self._precision():
            self._body(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                past_key_values=cache,
                use_cache=True,
            )
        # Half precision, kept or not: what is served keeps its state in half precision too, and
        # an epoch must not depend on what there was memory for.
        state = torch.stack([torch.stack([la.keys, la.values]) for la in cache.layers]).half()
        if self._kept_bytes + state.nbytes <= self.cache_bytes:
            self._kept[key] = (state, mask)
            self._kept_bytes += state.nbytes
        return state, mask

    def _cache(self, state: torch.Tensor) -> DynamicCache:
        cache = DynamicCache()
        for layer, (keys, values) in enumerate(state.to(self._body.dtype) if state.numel() else ()):
            cache.update(keys, values, layer)
        return cache

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._head(hidden)
        return logits if self._cap is None else self._cap * torch.tanh(logits / self._cap)

    def _precision(self) -> AbstractContextManager[Any]:
        if self._device.type == "cpu":
            return nullcontext()
        mixed: AbstractContextManager[Any] = torch.autocast(self._device.type, torch.bfloat16)
        return mixed


def bag_f1(written: Sequence[int], wanted: Sequence[int]) -> float:
    """Overlap of two answers as bags of tokens, 0 to 1.

    >>> bag_f1([5, 7, 2], [5, 9, 2])
    0.6666666666666666
    """
    rest = list(wanted)
    common = 0
    for token in written:
        if token in rest:
            rest.remove(token)
            common += 1
    return 2 * common / max(1, len(written) + len(wanted))


def _nothing(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.empty(0), torch.zeros((size, 0), dtype=torch.long)
