"""The options that say how a model is tuned, and the recipe they make."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.tuning.recipe import Contexts, Recipe


class Kind(StrEnum):
    """Kinds of adapters."""

    alora = "alora"
    lora = "lora"
    rslora = "rslora"
    dora = "dora"


class Schedule(StrEnum):
    """How the learning rate falls."""

    cosine = "cosine"
    linear = "linear"
    constant = "constant"


class Goal(StrEnum):
    """What training stops on."""

    loss = "loss"
    answers = "answers"


class Device(StrEnum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def _number(name: str, metavar: str, what: str, low: float, high: float | None = None) -> Any:
    return typer.Option(
        f"--{name}", metavar=metavar, min=low, max=high, show_default=False, help=what
    )


def _choice(name: str, kinds: type[StrEnum], what: str) -> Any:
    return typer.Option(f"--{name}", metavar="|".join(kinds), show_default=False, help=what)


RateOption = Annotated[float | None, _number("learning-rate", "RATE", "Its peak.", 1e-7, 1.0)]
RankOption = Annotated[int | None, _number("rank", "N", "Size of the adapter.", 1, 512)]
AlphaOption = Annotated[
    int | None, _number("alpha", "N", "Its scale is alpha / rank. Default: twice the rank.", 1)
]
TargetsOption = Annotated[
    str | None,
    typer.Option(
        "--targets",
        metavar="LAYER,…",
        show_default=False,
        help="Layers to adapt, such as q_proj,v_proj. Default: all linear ones.",
    ),
]
KindOption = Annotated[
    Kind | None,
    _choice(
        "kind",
        Kind,
        "alora: the base reads, the adapter writes; others: it does both.",
    ),
]
BatchSizeOption = Annotated[int | None, _number("batch-size", "N", "Examples in a batch.", 1)]
BatchTokensOption = Annotated[
    int | None, _number("batch-tokens", "N", "Instead: at most so many tokens in a batch.", 1)
]
AccumulateOption = Annotated[int | None, _number("accumulate", "N", "Batches for one step.", 1)]
WarmupOption = Annotated[
    float | None, _number("warmup", "SHARE", "Of the steps, in which the rate rises.", 0, 1)
]
ScheduleOption = Annotated[
    Schedule | None, _choice("schedule", Schedule, "How the rate falls then.")
]
DropoutOption = Annotated[
    float | None, _number("dropout", "SHARE", "Of the adapter's inputs left out.", 0, 0.9)
]
PatienceOption = Annotated[
    int | None, _number("patience", "N", "Measurements without improvement before it stops.", 1)
]
StopOption = Annotated[
    Goal | None,
    _choice("stop-on", Goal, "Stop by held-out loss, or also by the answers written."),
]
ThreadsOption = Annotated[int | None, _number("threads", "N", "CPU threads; kept in the run.", 1)]
ProcessesOption = Annotated[
    int | None,
    _number("processes", "N", "That train together here. Default: [tuning] processes.", 1, 64),
]
DeviceOption = Annotated[Device | None, _choice("device", Device, "Default: a GPU if there is.")]
QloraOption = Annotated[bool, typer.Option("--qlora", help="Base in 4 bits; only on a GPU.")]


def made(
    *,
    epochs: int | None,
    contexts: int | None,
    seed: int,
    without_documents: bool = False,
    targets: str | None = None,
    **others: Any,
) -> tuple[Recipe, Contexts]:
    """What was asked for, the rest by default.

    Raises:
        WrongUse: options that exclude each other, or an unknown layer.
    """
    from groundtone.tuning.recipe import Contexts, Recipe

    given = {"epochs": epochs, "seed": seed, **others}
    chosen = {name: value for name, value in given.items() if value is not None}
    default = Recipe()
    if "rank" in chosen and "alpha" not in chosen:  # the scale, alpha / rank, stays
        chosen["alpha"] = max(1, chosen["rank"] * default.alpha // default.rank)
    if targets is not None:
        chosen["targets"] = tuple(part.strip() for part in targets.split(",") if part.strip())
    recipe, varied = replace(default, **chosen), Contexts(seed=seed)
    if without_documents:
        if contexts is not None:
            raise WrongUse(
                "--contexts and --without-documents exclude each other.", "Leave one of them out."
            )
        return recipe, Contexts.none(seed=seed)
    return recipe, varied if contexts is None else replace(varied, each=contexts)
