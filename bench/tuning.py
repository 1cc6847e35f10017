"""Training speed beside the plain loop and beside what the processor can do.

    python bench/tuning.py [--examples 16] [--threads N]

Prints one table: tokens a second (every token of every example counts, whatever is skipped), the
ratio to the plain loop (all tokens with gradients, head over every position), and the share of the
measured fp32 matmul limit. The limit is what a plain loop could reach at best: forward and the
activations' backward, 4 operations per linear weight and token.
"""

from __future__ import annotations

import argparse
import random
import time
from typing import Any

import torch
from torch.nn import functional as F

from groundtone import weights
from groundtone.tuning.gguf import load_base
from groundtone.tuning.lora import Sequence3, Trainer
from groundtone.tuning.recipe import Recipe


def examples(count: int, vocabulary: int) -> list[Sequence3]:
    """Sequences as long as the ones that the demo trains on: 500 to 700, 15, 30 tokens."""
    draw = random.Random(0)

    def ids(size: int) -> tuple[int, ...]:
        return tuple(draw.randrange(100, vocabulary) for _ in range(size))

    return [Sequence3(ids(draw.randint(500, 700)), ids(15), ids(30)) for _ in range(count)]


def matmul_limit(model: Any, seconds: float = 3.0) -> tuple[float, float]:
    """(operations a second on this model's largest shape, linear weights of the model)."""
    size = model.config.hidden_size
    left = torch.randn(4096, size)
    right = torch.randn(size, model.config.intermediate_size)
    left @ right
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        left @ right
        done += 1
    rate = done * 2 * 4096 * size * model.config.intermediate_size
    linear = sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))
    return rate / (time.perf_counter() - began), float(linear)


def plain(model: Any, rows: list[Sequence3], batch: int) -> float:
    """Seconds of the loop everyone writes first: PEFT, all tokens, the whole head."""
    trainer = Trainer(model, Recipe(kind="lora", batch_size=batch, epochs=1), rows, [])
    began = time.perf_counter()
    for i in range(0, len(rows), batch):
        part = [list(r.prefix + r.question + r.answer) for r in rows[i : i + batch]]
        width = max(map(len, part))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in part])
        labels = torch.full_like(ids, -100)
        for j, row in enumerate(rows[i : i + batch]):
            labels[j, len(part[j]) - len(row.answer) : len(part[j])] = torch.tensor(row.answer)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in part])
        logits = trainer.peft(input_ids=ids, attention_mask=mask).logits
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        trainer.optimiser.zero_grad()
        loss.backward()
        trainer.optimiser.step()
    spent = time.perf_counter() - began
    trainer.peft.unload()
    return spent


def ours(model: Any, rows: list[Sequence3], batch: int, kind: str) -> tuple[float, float]:
    """Seconds of the first epoch and of a later one."""
    trainer = Trainer(model, Recipe(kind=kind, batch_size=batch, epochs=2), rows, [])
    began = time.perf_counter()
    marks = [0.0] + [
        time.perf_counter() - began
        for event in trainer.run()
        if event["event"] == "step" and event["step"] % len(trainer.batches) == 0
    ]
    trainer.peft.unload()
    return marks[1] - marks[0], marks[2] - marks[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=16)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--threads", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    model, _ = load_base(weights.path("smollm2-135m-instruct"))
    rows = examples(chosen.examples, model.config.vocab_size)
    tokens = sum(map(len, rows))
    rate, linear = matmul_limit(model)
    limit = rate / (4 * linear)
    naive = plain(model, rows, chosen.batch)
    full, _ = ours(model, rows, chosen.batch, "lora")
    first, later = ours(model, rows, chosen.batch, "alora")
    print(
        f"{tokens} tokens in {len(rows)} examples, batch {chosen.batch}, "
        f"{torch.get_num_threads()} threads; matmul {rate / 1e9:.0f} GFLOP/s, "
        f"so at most {limit:.0f} tokens/s with gradients for all of them"
    )
    print(f"{'':34}{'tokens/s':>10}{'to plain':>10}{'to limit':>10}")
    for name, seconds in (
        ("plain loop, whole head", naive),
        ("LoRA, head on the answer", full),
        ("activated LoRA, first epoch", first),
        ("activated LoRA, later epochs", later),
    ):
        speed = tokens / seconds
        print(f"{name:34}{speed:10.0f}{speed * naive / tokens:10.2f}{speed / limit:10.2f}")


if __name__ == "__main__":
    main()
