"""Train a LoRA adapter on the served model, in plain PyTorch and PEFT.

Two things make this several times faster than the plain loop, and both are exact:

- **The passages are read once.** An *activated* LoRA (Greenewald et al. 2025, arXiv 2504.12397)
  works only from the invocation tokens on, here the user's turn. What stands before, the passages,
  is read by the unchanged base: without gradients, once, and kept as its key-value state for all
  epochs. Only the question and the answer, a twentieth of the tokens, are trained on.
- **The head sees supervised positions only.** The vocabulary is half the work of a small model.

Batches are fixed once from the seed and the order of steps is a function of seed and epoch, so a
resumed run continues exactly where it stopped.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import DynamicCache

from groundtone.tuning.recipe import Recipe

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sequence3:
    """One example as token ids: what the base reads, what is asked, what must be answered."""

    prefix: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prefix) + len(self.question) + len(self.answer)


class Trainer:
    """Trains one adapter; :meth:`run` yields events and leaves the best state in ``best``.

    Args:
        model: the base, float32, in evaluation mode.
        recipe: how.
        train, held_out: examples; held-out ones are never trained on.
        pad: any valid token id.
    """

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        train: Sequence[Sequence3],
        held_out: Sequence[Sequence3],
        *,
        pad: int = 0,
    ) -> None:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(recipe.seed)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.recipe = recipe
        self.config = LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            target_modules=list(recipe.targets),
            lora_dropout=0.0,
            task_type="CAUSAL_LM",
        )
        self.peft = get_peft_model(model, self.config)
        self._body = self.peft.base_model.model.model
        self._head = self.peft.base_model.model.lm_head
        self._pad = pad
        self.batches = _batches(train, recipe.batch_size, recipe.seed)
        self._held_out = _batches(held_out, recipe.batch_size, recipe.seed)
        self._kept: dict[tuple[str, int], tuple[torch.Tensor, torch.Tensor]] = {}
        self._kept_bytes = 0
        self.parameters = [p for p in self.peft.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, weight_decay=0.0
        )
        self.steps = len(self.batches) * recipe.epochs
        self.step = 0
        self.best: dict[str, torch.Tensor] = {}
        self.best_loss = math.inf
        self._worse = 0

    def run(self, checkpoint: Callable[[], None] | None = None) -> Iterator[Event]:
        """Train to the end or until the held-out loss stops falling; yield one event a step."""
        every = max(1, min(len(self.batches) // 2, 20))
        clock = _Clock(self.steps, len(self.batches))
        if not self.best:
            valid = self.held_out_loss()
            self._keep(valid)
            yield {"event": "start", "of": self.steps, "valid_loss": _round(valid)}
        while self.step < self.steps and self._worse < self.recipe.patience:
            number = self._order()[self.step % len(self.batches)]
            batch = self.batches[number]
            cached = ("train", number) in self._kept
            began = time.perf_counter()
            loss = self._train_step(("train", number), batch)
            self.step += 1
            clock.add(cached, time.perf_counter() - began, sum(map(len, batch)))
            event: Event = {
                "event": "step",
                "step": self.step,
                "of": self.steps,
                "train_loss": _round(loss),
                "valid_loss": None,
                "tokens_per_s": clock.rate(),
                "left_s": clock.left(self.step),
            }
            if self.step % every == 0 or self.step == self.steps:
                valid = self.held_out_loss()
                self._keep(valid)
                event["valid_loss"] = _round(valid)
                if checkpoint:
                    checkpoint()
            yield event

    def held_out_loss(self) -> float | None:
        """Mean loss per answer token on the held-out examples; None without any."""
        if not self._held_out:
            return None
        total, count = 0.0, 0
        with torch.no_grad():
            for i, batch in enumerate(self._held_out):
                size = sum(len(item.answer) for item in batch)
                total += float(self._loss(("held", i), batch)) * size
                count += size
        return total / count

    def state(self) -> dict[str, torch.Tensor]:
        """The adapter's tensors by PEFT's names."""
        from peft import get_peft_model_state_dict

        state: dict[str, torch.Tensor] = get_peft_model_state_dict(self.peft)
        return {name: tensor.detach().clone() for name, tensor in state.items()}

    def save(self, path: Path) -> None:
        """Write all that a resumed run needs; atomic."""
        partial = path.with_suffix(".part")
        torch.save(
            {
                "step": self.step,
                "worse": self._worse,
                "best_loss": self.best_loss,
                "best": self.best,
                "adapter": self.state(),
                "optimiser": self.optimiser.state_dict(),
                "recipe": json.dumps(asdict(self.recipe)),
            },
            partial,
        )
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Continue from :meth:`save`."""
        from peft import set_peft_model_state_dict

        saved = torch.load(path, weights_only=True)
        set_peft_model_state_dict(self.peft, saved["adapter"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self._worse = saved["step"], saved["worse"]
        self.best, self.best_loss = saved["best"], saved["best_loss"]

    # -- one step ---------------------------------------------------------------------------

    def _train_step(self, key: tuple[str, int], batch: Sequence[Sequence3]) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * _schedule(self.step, self.steps)
        loss = self._loss(key, batch)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        return float(loss)

    def _loss(self, key: tuple[str, int], batch: Sequence[Sequence3]) -> torch.Tensor:
        activated = self.recipe.kind == "alora"
        state, read = self._passages(key, batch) if activated else _nothing(len(batch))
        asked = [(() if activated else item.prefix) + item.question for item in batch]
        ids, mask = _pad_right(
            [a + item.answer[:-1] for a, item in zip(asked, batch, strict=True)], self._pad
        )
        full = torch.cat([read, mask], dim=1)
        positions = (full.cumsum(1) - 1).clamp(min=0)[:, read.shape[1] :]
        hidden = self._body(
            input_ids=ids,
            attention_mask=full,
            position_ids=positions,
            past_key_values=_cache(state) if state.numel() else None,
            use_cache=bool(state.numel()),
        ).last_hidden_state
        rows = [
            hidden[i, len(a) - 1 : len(a) - 1 + len(item.answer)]
            for i, (a, item) in enumerate(zip(asked, batch, strict=True))
        ]
        labels = torch.tensor([token for item in batch for token in item.answer])
        return F.cross_entropy(self._head(torch.cat(rows)), labels)

    def _passages(
        self, key: tuple[str, int], batch: Sequence[Sequence3]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The base's state after reading each example's passages, kept while memory allows.

        Shape [layers, 2, batch, heads, tokens, head size] in float16, with the mask of its tokens.
        """
        if key in self._kept:
            return self._kept[key]
        ids, mask = _pad_left([item.prefix for item in batch], self._pad)
        cache = DynamicCache()
        with torch.no_grad(), self.peft.disable_adapter():
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
        if self._kept_bytes + state.nbytes <= self.recipe.cache_bytes:
            self._kept[key] = (state, mask)
            self._kept_bytes += state.nbytes
        return state, mask

    def _order(self) -> list[int]:
        epoch = self.step // len(self.batches)
        order = list(range(len(self.batches)))
        random.Random(f"{self.recipe.seed}/{epoch}").shuffle(order)
        return order

    def _keep(self, valid: float | None) -> None:
        if valid is None or valid < self.best_loss:
            self.best_loss = valid if valid is not None else self.best_loss
            self.best = self.state()
            self._worse = 0
        else:
            self._worse += 1


class _Clock:
    """Speed and time left; steps that find their passages kept are far shorter than others."""

    def __init__(self, steps: int, per_epoch: int) -> None:
        self._steps, self._per_epoch = steps, per_epoch
        self._spent = {False: 0.0, True: 0.0}
        self._count = {False: 0, True: 0}
        self._tokens = 0

    def add(self, cached: bool, seconds: float, tokens: int) -> None:
        self._spent[cached] += seconds
        self._count[cached] += 1
        self._tokens += tokens

    def rate(self) -> int:
        return round(self._tokens / max(1e-9, sum(self._spent.values())))

    def left(self, step: int) -> int:
        fresh = self._spent[False] / max(1, self._count[False])
        kept = self._spent[True] / self._count[True] if self._count[True] else 0.2 * fresh
        new = max(0, self._per_epoch - step)
        return round(new * fresh + (self._steps - max(step, self._per_epoch)) * kept)


def _batches(examples: Sequence[Sequence3], size: int, seed: int) -> list[list[Sequence3]]:
    """Batches of similar length, so that little is padded; the same for the same seed."""
    shuffled = list(examples)
    random.Random(seed).shuffle(shuffled)
    shuffled.sort(key=lambda item: (len(item.prefix), len(item)))
    return [shuffled[i : i + size] for i in range(0, len(shuffled), size)]


def _schedule(step: int, steps: int) -> float:
    warm = max(1, round(steps * 0.06))
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _pad_left(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        if row:
            ids[i, width - len(row) :] = torch.tensor(row)
            mask[i, width - len(row) :] = 1
    return ids, mask


def _pad_right(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask


def _nothing(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.empty(0), torch.zeros((size, 0), dtype=torch.long)


def _cache(state: torch.Tensor) -> DynamicCache:
    cache = DynamicCache()
    for layer, (keys, values) in enumerate(state.float()):
        cache.update(keys, values, layer)
    return cache


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
