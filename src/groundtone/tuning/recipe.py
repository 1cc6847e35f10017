"""How a model is tuned: the choices, free of any heavy import."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from groundtone.errors import WrongUse

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
KINDS = ("alora", "lora", "rslora", "dora")
SCHEDULES = ("cosine", "linear", "constant")
GOALS = ("loss", "answers")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. The defaults are the ones the ablation in docs/tuning.md chose.

    Attributes:
        kind: ``alora`` (activated: the base reads, the adapter writes), ``lora`` (the adapter does
            both), ``rslora`` (scaled by alpha / √rank), or ``dora`` (direction and size apart).
        rank, alpha: adapter size and scale (alpha / rank).
        targets: linear layers to adapt.
        learning_rate: its peak.
        warmup: share of the steps over which the rate rises to its peak.
        schedule: how it falls afterwards: ``cosine`` or ``linear`` to a tenth, or ``constant``.
        epochs: passes over the examples; training stops earlier when nothing gets better.
        batch_size: examples in a batch.
        batch_tokens: instead, at most so many tokens in a batch, padding included.
        accumulate: batches whose gradients are added up for one step.
        dropout: share of the adapter's inputs left out at random.
        seed: of initialisation, order and dropout.
        patience: held-out measurements without improvement before stopping.
        stop_on: ``loss`` stops, and chooses the best state, by held-out loss alone. ``answers``
            also writes the answers to held-out examples: it stops when neither these nor the loss
            improve, and chooses by the answers, of equal ones by the loss.
        answers: how many held-out examples are answered then.
        threads: CPU threads of each process; None takes what the machine has. The number is kept in
            the run.
        processes: that train together on this machine, each reading a share of every batch; None
            takes what ``[tuning] processes`` says.
        device: ``cpu``, ``cuda``, or ``auto``: a GPU where there is one.
        quantise: hold the base in 4 bits (QLoRA); only on a GPU, with bitsandbytes installed.
        cache_bytes: memory for kept passage states; beyond it they are read again each epoch.
    """

    kind: str = "alora"
    rank: int = 16
    alpha: int = 32
    targets: tuple[str, ...] = LAYERS
    learning_rate: float = 5e-4
    warmup: float = 0.06
    schedule: str = "cosine"
    epochs: int = 3
    batch_size: int = 8
    batch_tokens: int | None = None
    accumulate: int = 1
    dropout: float = 0.0
    seed: int = 0
    patience: int = 3
    stop_on: str = "loss"
    answers: int = 16
    threads: int | None = None
    processes: int | None = None
    device: str = "auto"
    quantise: bool = False
    cache_bytes: int = 6_000_000_000

    def __post_init__(self) -> None:
        for name, known in (
            ("kind", KINDS),
            ("schedule", SCHEDULES),
            ("stop_on", GOALS),
            ("device", DEVICES),
        ):
            if getattr(self, name) not in known:
                raise WrongUse(
                    f"There is no {name} {getattr(self, name)!r}.", f"Use {', '.join(known)}."
                )
        if unknown := sorted(set(self.targets) - set(LAYERS)):
            raise WrongUse(
                f"There is no layer {', '.join(unknown)}.", f"Use some of {', '.join(LAYERS)}."
            )
        if not self.targets:
            raise WrongUse("An adapter needs a layer to change.", f"Use {', '.join(LAYERS)}.")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe that a run's job or a model's record holds; what is missing has its default.

        Keys of a later version are left out.
        """
        names = {part.name for part in fields(cls)}
        known = {name: value for name, value in values.items() if name in names}
        if "targets" in known:
            known["targets"] = tuple(known["targets"])
        return cls(**known)

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0."""
        warm = max(1, round(steps * self.warmup)) if self.warmup else 0
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        done = (step - warm) / max(1, steps - warm)
        if self.schedule == "constant":
            return self.learning_rate
        fall = 1 - done if self.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        return self.learning_rate * (0.1 + 0.9 * fall)


@dataclass(frozen=True, slots=True)
class Contexts:
    """How examples are given their context.

    Attributes:
        each: contexts drawn for one example; the first is the one serving would give.
        absent: share of grounded examples shown once more without their gold passage, with the
            refusal as target, so that the model learns to stop where the documents do.
        without: share of examples shown without any documents, once each. In a run where all are
            (:meth:`none`), answers are taught exactly as written, citation labels and all: no
            code renders them later, and the workspace may hold no documents.
        seed: of all draws.
    """

    each: int = 2
    absent: float = 0.08
    without: float = 0.0
    seed: int = 0

    @classmethod
    def none(cls, *, seed: int = 0) -> Contexts:
        """No documents at all: the common recipe, and examples that no document is about."""
        return cls(each=1, absent=0.0, without=1.0, seed=seed)

    @property
    def documents(self) -> bool:
        """Whether any example is shown with documents."""
        return self.without < 1.0
