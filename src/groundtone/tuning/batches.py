"""Training examples as token ids, put into batches of similar length."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Sequence3:
    """One example as token ids: what the base reads, what is asked, what must be answered."""

    prefix: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prefix) + len(self.question) + len(self.answer)


Batch = list[Sequence3]


def batches(
    examples: Sequence[Sequence3],
    *,
    size: int,
    tokens: int | None,
    seed: int,
    activated: bool = False,
) -> list[Batch]:
    """Batches of similar length, so that little is padded; the same for the same seed.

    Args:
        size: examples in a batch.
        tokens: instead of `size`, at most so many tokens in a batch, padding included; a longer
            example is a batch of its own.
        activated: whether prefixes are read, and so padded, apart from what follows them. It
            matters to `tokens` alone.
    """
    shuffled = list(examples)
    random.Random(seed).shuffle(shuffled)
    shuffled.sort(key=lambda item: (len(item.prefix), len(item)))
    if tokens is None:
        return [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
    found: list[Batch] = []
    widest = (0, 0)  # of the last batch: its longest prefix, and the longest of what follows
    for item in shuffled:
        prefix = len(item.prefix) if activated else 0
        wide = (max(widest[0], prefix), max(widest[1], len(item) - prefix))
        if found and sum(wide) * (len(found[-1]) + 1) <= tokens:
            found[-1].append(item)
            widest = wide
        else:
            found.append([item])
            widest = (prefix, len(item) - prefix)
    return found


def divided(batch: Batch, parts: int) -> list[Batch]:
    """A batch in so many parts, or fewer where it has fewer examples."""
    size = max(1, -(-len(batch) // parts))
    return [batch[i : i + size] for i in range(0, len(batch), size)]


def order(count: int, epoch: int, seed: int) -> list[int]:
    """The order of the batches in an epoch: a function of seed and epoch alone."""
    numbers = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(numbers)
    return numbers


def pad_left(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, both [rows, longest]; what is padded stands before."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        if row:
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
    return ids, mask


def pad_right(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, both [rows, longest]; what is padded stands after."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask
