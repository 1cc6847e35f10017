"""How a model is tuned: the choices, free of any heavy import."""

from __future__ import annotations

from dataclasses import dataclass

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. The defaults are the ones the ablation in docs/tuning.md chose.

    Attributes:
        kind: ``alora`` (activated: the base reads, the adapter writes) or ``lora``.
        rank, alpha: adapter size and scale (alpha / rank).
        targets: linear layers to adapt.
        learning_rate: peak; warm-up over 6% of the steps, cosine to a tenth.
        epochs: passes over the examples; training stops earlier when the held-out loss rises.
        batch_size: examples a step.
        seed: of initialisation and order.
        patience: held-out measurements without improvement before stopping.
        threads: CPU threads; None takes what the machine has.
        cache_bytes: memory for kept passage states; beyond it they are read again each epoch.
    """

    kind: str = "alora"
    rank: int = 16
    alpha: int = 32
    targets: tuple[str, ...] = LAYERS
    learning_rate: float = 5e-4
    epochs: int = 3
    batch_size: int = 8
    seed: int = 0
    patience: int = 3
    threads: int | None = None
    cache_bytes: int = 6_000_000_000


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
