"""Train a LoRA adapter on the served model, in plain PyTorch and PEFT.

Two things make this several times faster than the plain loop, and both are exact:

- **The passages are read once.** An *activated* LoRA (Greenewald et al. 2025, arXiv 2504.12397)
  works only from the invocation tokens on, here the user's turn. What stands before, the passages,
  is read by the unchanged base: without gradients, once, and kept as its key-value state for all
  epochs. Only the question and the answer, a twentieth of the tokens, are trained on.
- **The head sees supervised positions only.** The vocabulary is half the work of a small model.

Several processes may train together (team.py): each reads a share of every batch's examples.

Batches are fixed once from the seed and the order of steps is a function of seed and epoch, so a
resumed run continues exactly where it stopped.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from groundtone.tuning.batches import Batch, Sequence3, batches, divided, order
from groundtone.tuning.reading import Key, Reader, bag_f1
from groundtone.tuning.recipe import Recipe
from groundtone.tuning.team import ALONE, Team

__all__ = ["Measured", "Sequence3", "Trainer"]

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """Held-out examples at one moment: loss per answer token, share of tokens guessed right, and
    the answers' overlap with the wanted ones (None: none were written)."""

    loss: float
    accuracy: float
    answers: float | None = None


class Trainer:
    """Trains one adapter; :meth:`run` yields events and leaves the best state in ``best``.

    Args:
        model: the base, float32, in evaluation mode; on a GPU in bfloat16 or 4 bits.
        recipe: how.
        train, held_out: examples; held-out ones are never trained on.
        pad: any valid token id.
        parts: how many parts each batch is read in, one after the other, for want of memory.
        team: the processes that train together; each must be given the same of everything else.
    """

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        train: Sequence[Sequence3],
        held_out: Sequence[Sequence3],
        *,
        pad: int = 0,
        parts: int = 1,
        team: Team = ALONE,
    ) -> None:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(recipe.seed)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.recipe = recipe
        self.parts = parts
        self.team = team
        self.config = LoraConfig(
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            target_modules=list(recipe.targets),
            lora_dropout=recipe.dropout,
            use_rslora=recipe.kind == "rslora",
            use_dora=recipe.kind == "dora",
            task_type="CAUSAL_LM",
        )
        self.peft = get_peft_model(model, self.config)
        self.reader = Reader(
            self.peft,
            activated=recipe.kind == "alora",
            cache_bytes=recipe.cache_bytes,
            pad=pad,
            device=next(self.peft.parameters()).device,
        )
        self.batches, self.held_out = (
            batches(
                part,
                size=recipe.batch_size,
                tokens=recipe.batch_tokens,
                seed=recipe.seed,
                activated=recipe.kind == "alora",
            )
            for part in (train, held_out)
        )
        self._dropouts = [m for m in self.peft.modules() if isinstance(m, torch.nn.Dropout) and m.p]
        self.parameters = [p for p in self.peft.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=recipe.learning_rate, weight_decay=0.0
        )
        self.per_epoch = -(-len(self.batches) // recipe.accumulate)
        self.steps = self.per_epoch * recipe.epochs
        self.step = 0
        self.best: dict[str, torch.Tensor] = {}
        self.best_loss = math.inf
        self.best_answers = -1.0
        self._lowest = math.inf
        self._worse = 0
        self.began = time.monotonic()  # whoever loaded the model sets it back
        self._before = 0.0

    @property
    def seconds(self) -> float:
        """Since it began, and in the lives before up to the checkpoint that was loaded."""
        return self._before + time.monotonic() - self.began

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to train."""
        return self.step >= self.steps or self._worse >= self.recipe.patience

    def run(
        self,
        checkpoint: Callable[[], None] | None = None,
        paused: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Train to the end, or until nothing gets better; yield one event a step.

        Args:
            checkpoint: called now and then, when :meth:`save` would be right.
            paused: asked before each step; once true, in any process of the team, a checkpoint is
                made and the run ends.
        """
        every = max(1, min(self.per_epoch // 2, 20))
        clock = _Clock(self.steps, self.per_epoch)
        if not self.best:
            yield self._start()
        while not self.ended:
            if self.team.any(paused()):
                if checkpoint:
                    checkpoint()
                return
            group = self._group()
            cached = all(self.reader.kept(("train", number, 0, self.parts)) for number in group)
            began = time.perf_counter()
            try:
                loss, accuracy = self._train_step(group)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error) or not self._halve():
                    raise
                if checkpoint:
                    checkpoint()
                yield {"event": "halved", "parts": self.parts, "why": "memory ran out"}
                continue
            self.step += 1
            tokens = sum(len(item) for number in group for item in self.batches[number])
            clock.add(cached, time.perf_counter() - began, tokens)
            event: Event = {
                "event": "step",
                "step": self.step,
                "of": self.steps,
                "train_loss": _round(loss),
                "train_accuracy": _round(accuracy),
                "valid_loss": None,
                "tokens_per_s": clock.rate(),
                "left_s": clock.left(self.step),
            }
            if self.step % every == 0 or self.step == self.steps:
                event |= self._judge()
                if checkpoint:
                    checkpoint()
            yield event

    def measure(self) -> Measured | None:
        """The held-out examples; None without any."""
        if not self.held_out:
            return None
        loss, overlap = 0.0, 0.0
        tokens = right = answered = 0
        with torch.no_grad():
            for key, some, asked in self.team.share(self._measured()):
                found, size, hits = self.reader.loss(key, some)
                loss, tokens, right = loss + float(found), tokens + size, right + hits
                if asked:
                    written = self.reader.answers(key, some)
                    overlap += sum(map(bag_f1, written, [item.answer for item in some]))
                    answered += len(some)
        sums = self.team.total([loss, tokens, right, overlap, answered])
        answers = sums[3] / sums[4] if sums[4] else None
        return Measured(sums[0] / sums[1], sums[2] / sums[1], answers)

    def _measured(self) -> list[tuple[Key, Batch, bool]]:
        """Parts of held-out batches, and whether answers are written to them too."""
        wanted = self.recipe.answers if self.recipe.stop_on == "answers" else 0
        found: list[tuple[Key, Batch, bool]] = []
        before = 0
        for number, batch in enumerate(self.held_out):
            for part, some in enumerate(divided(batch, self.parts)):
                found.append((("held", number, part, self.parts), some, before < wanted))
                before += len(some)
        return found

    def told(self) -> Event:
        """:meth:`measure` as an event tells it; keeps and counts nothing."""
        return _told(self.measure())

    def state(self) -> dict[str, torch.Tensor]:
        """The adapter's tensors by PEFT's names."""
        from peft import get_peft_model_state_dict

        state: dict[str, torch.Tensor] = get_peft_model_state_dict(self.peft)
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def save(self, path: Path) -> None:
        """Write all that a resumed run needs; atomic."""
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            torch.save(
                {
                    "step": self.step,
                    "worse": self._worse,
                    "lowest": self._lowest,
                    "best_loss": self.best_loss,
                    "best_answers": self.best_answers,
                    "best": self.best,
                    "adapter": self.state(),
                    "optimiser": self.optimiser.state_dict(),
                    "random": torch.get_rng_state(),
                    "parts": self.parts,
                    "seconds": self.seconds,
                    "recipe": json.dumps(asdict(self.recipe)),
                },
                file,
            )
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Continue from :meth:`save`."""
        from peft import set_peft_model_state_dict

        saved = torch.load(path, weights_only=True)
        set_peft_model_state_dict(self.peft, saved["adapter"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self._worse, self._lowest = saved["step"], saved["worse"], saved["lowest"]
        self.best, self.best_loss = saved["best"], saved["best_loss"]
        self.best_answers, self.parts = saved["best_answers"], saved["parts"]
        self._before = saved.get("seconds", 0.0)  # checkpoints of before have none
        torch.set_rng_state(saved["random"])

    # -- one step ---------------------------------------------------------------------------

    def _train_step(self, group: Sequence[int]) -> tuple[float, float]:
        """Mean loss and accuracy of a step's answer tokens. Changes nothing when it fails."""
        random = torch.get_rng_state()
        if self._dropouts and self.team.size > 1:  # each leaves out its own, the same when resumed
            seed = (self.recipe.seed * 1_000_003 + self.step) * self.team.size + self.team.rank
            torch.manual_seed(seed)
        for module in self._dropouts:
            module.train()
        try:
            loss, accuracy = self._gradients(group)
        except (MemoryError, RuntimeError):
            self.optimiser.zero_grad()
            torch.set_rng_state(random)
            raise
        finally:
            for module in self._dropouts:
                module.eval()
        for settings in self.optimiser.param_groups:
            settings["lr"] = self.recipe.rate(self.step, self.steps)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        return loss, accuracy

    def _gradients(self, group: Sequence[int]) -> tuple[float, float]:
        self.optimiser.zero_grad()
        tokens = sum(len(item.answer) for number in group for item in self.batches[number])
        total, right = 0.0, 0
        failed: Exception | None = None
        try:
            for number in group:
                share = self.team.share(self.batches[number])
                for part, batch in enumerate(divided(share, self.parts)):
                    loss, _, hits = self.reader.loss(("train", number, part, self.parts), batch)
                    (loss / tokens).backward()
                    total, right = total + float(loss.detach()), right + hits
        except (MemoryError, RuntimeError) as error:
            if self.team.size == 1 or not out_of_memory(error):
                raise
            failed = error
        if self.team.any(failed is not None):
            raise failed or MemoryError("another process of the team ran out of memory")
        self.team.add_gradients(self.parameters)
        sums = self.team.total([total, right])
        return sums[0] / tokens, sums[1] / tokens

    def _group(self) -> list[int]:
        """The batches of the next step."""
        epoch, at = divmod(self.step, self.per_epoch)
        numbers = order(len(self.batches), epoch, self.recipe.seed)
        return numbers[at * self.recipe.accumulate : (at + 1) * self.recipe.accumulate]

    def _halve(self) -> bool:
        """Read batches in twice as many parts; False where they have no more examples."""
        self.reader.forget()
        if self.parts >= max(map(len, self.batches)):
            return False
        self.parts *= 2
        return True

    # -- the best state ---------------------------------------------------------------------

    def _start(self) -> Event:
        return {"event": "start", "of": self.steps, **self._judge()}

    def _judge(self) -> Event:
        found = self.measure()
        self._keep(found)
        return _told(found)

    def _keep(self, found: Measured | None) -> None:
        """Keep the state if it is the best; count measurements in which nothing got better."""
        if found is None:
            self.best = self.state()
            return
        answers = -1.0 if found.answers is None else found.answers
        better = (answers, -found.loss) > (self.best_answers, -self.best_loss)
        improved = found.loss < self._lowest or answers > self.best_answers
        if better or not self.best:
            self.best, self.best_loss, self.best_answers = self.state(), found.loss, answers
        self._lowest = min(self._lowest, found.loss)
        self._worse = 0 if improved else self._worse + 1


def out_of_memory(error: BaseException) -> bool:
    """Whether this error is torch's or Python's way of saying that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    told = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "not enough memory" in told or "can't allocate memory" in told or "out of memory" in told
    )


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


def _told(found: Measured | None) -> Event:
    if found is None:
        return {"valid_loss": None}
    told = {"valid_loss": _round(found.loss), "valid_accuracy": _round(found.accuracy)}
    if found.answers is not None:
        told["valid_answers"] = _round(found.answers)
    return told


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
