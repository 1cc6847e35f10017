"""What memory a run will need, and what there is: asked before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.tuning.batches import Batch, divided

if TYPE_CHECKING:
    from groundtone.tuning.recipe import Recipe

RESERVE = 300_000_000
"""Bytes left to everything else on the machine."""
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_bytes() -> int | None:
    """Memory that this process may still take: of the machine and of its control group.

    None where the system does not say.
    """
    found: list[int] = []
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found += [int(x.split()[1]) * 1024 for x in lines if x.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    for limit, used in _CGROUPS:
        try:
            found.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):
            continue  # "max", or no such group
    if not found and hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)


def step_bytes(config: Any, recipe: Recipe, batch: Batch) -> int:
    """An upper estimate of what one batch takes beside the model: activations and head.

    Counted per token and layer: what PyTorch keeps of a transformer block for its backward pass
    (six vectors of the hidden size, four of the inner one, two of each target's rank), and the
    state of the passages in 32 bits; per answer token: three rows of the vocabulary.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    layers, vocabulary = config.num_hidden_layers, config.vocab_size
    size = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    activated = recipe.kind == "alora"
    prefix = max(len(item.prefix) for item in batch)
    wide = max(len(item) for item in batch)
    trained = max(len(item) - (len(item.prefix) if activated else 0) for item in batch)
    answers = sum(len(item.answer) for item in batch)
    rank = 2 * recipe.rank * len(recipe.targets)
    doubled = 2 if recipe.kind == "dora" else 1
    block = 8 * hidden + 5 * inner + 4 * size * kv_heads + rank
    tokens = len(batch) * trained * layers * block * doubled
    state = len(batch) * prefix * layers * 4 * kv_heads * size if activated else 0
    scores = len(batch) * config.num_attention_heads * trained * wide * layers
    reading = len(batch) * prefix * (8 * hidden + 4 * inner) if activated else 0
    return int(4 * (tokens + state + scores + reading + 3 * answers * vocabulary))


def fitting(
    config: Any, recipe: Recipe, batches: Sequence[Batch], free: int, parts: int = 1
) -> int | None:
    """In how many parts each batch must be read to fit into so much free memory.

    None if not even single examples fit.
    """
    longest = max(map(len, batches))
    while True:
        need = max(
            step_bytes(config, recipe, some) for batch in batches for some in divided(batch, parts)
        )
        if need <= free:
            return parts
        if parts >= longest:
            return None
        parts *= 2
