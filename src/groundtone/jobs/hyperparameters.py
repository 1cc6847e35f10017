"""What a fine-tuning request says about how to train, as our recipe.

OpenAI's three hyperparameters are ``auto`` or a number. What its API has no place for comes in the
field ``groundtone``: any of `EXTRAS`, and ``documents``: ``auto`` (with documents, if the
workspace's say what most of the answers say), true or false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from groundtone.errors import WrongUse
from groundtone.jobs.refusing import Refused
from groundtone.tuning.recipe import Contexts, Recipe

AUTO = ("n_epochs", "batch_size", "learning_rate_multiplier")
_BOUNDS: dict[str, tuple[float, float]] = {
    "n_epochs": (1, 50),
    "batch_size": (1, 256),
    "learning_rate_multiplier": (0.001, 1000),
    "rank": (1, 512),
    "alpha": (1, 4096),
    "learning_rate": (1e-8, 1),
    "warmup": (0, 1),
    "batch_tokens": (1, 10_000_000),
    "accumulate": (1, 1024),
    "dropout": (0, 0.9),
    "patience": (1, 1000),
    "answers": (0, 1000),
    "contexts": (1, 16),
    "absent": (0, 1),
}
_OTHERWISE = {"epochs", "batch_size", "seed"}  # OpenAI's API has its own place for them
_MACHINE = {"threads", "processes", "device", "quantise", "cache_bytes"}
_RECIPE = tuple(part.name for part in fields(Recipe) if part.name not in _OTHERWISE | _MACHINE)
EXTRAS = (*_RECIPE, "documents", "contexts", "absent")
"""Names of the recipe's choices, ``contexts`` (sets of passages that each example is shown with)
and ``absent``. What is the machine's (threads, processes, device, memory) is not the client's
to say."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """How to train.

    Attributes:
        documents: None: as the examples and the workspace's documents suggest.
        resolved: OpenAI's hyperparameters, with numbers in place of ``auto``.
    """

    recipe: Recipe
    contexts: Contexts
    documents: bool | None
    resolved: dict[str, Any]


def chosen(hyperparameters: Mapping[str, Any], extras: Mapping[str, Any], seed: int) -> Chosen:
    """Read both.

    Raises:
        Refused: an unknown name, or a value that cannot be used.
    """
    default = Recipe()
    given = {name: value for name, value in hyperparameters.items() if value not in (None, "auto")}
    _known(given, AUTO, "hyperparameters")
    extra = {name: value for name, value in extras.items() if value is not None}
    _known(extra, EXTRAS, "groundtone")
    for where, values in (("hyperparameters", given), ("groundtone", extra)):
        for name, value in values.items():
            _bounded(where, name, value)
    documents = extra.pop("documents", "auto")
    if documents not in ("auto", True, False):
        raise _refused("groundtone.documents", f"is {documents!r}; use 'auto', true or false")
    contexts = Contexts(seed=seed)
    if "contexts" in extra:
        contexts = replace(contexts, each=int(extra.pop("contexts")))
    if "absent" in extra:
        contexts = replace(contexts, absent=float(extra.pop("absent")))
    if "rank" in extra and "alpha" not in extra:  # the scale, alpha / rank, stays
        extra["alpha"] = max(1, extra["rank"] * default.alpha // default.rank)
    rate = float(extra.get("learning_rate", default.learning_rate))
    multiplier = float(given.get("learning_rate_multiplier", 1.0))
    values = {
        **extra,
        "learning_rate": rate * multiplier,
        "epochs": int(given.get("n_epochs", default.epochs)),
        "batch_size": int(given.get("batch_size", default.batch_size)),
        "seed": seed,
    }
    if "targets" in values:
        values["targets"] = tuple(values["targets"]) if isinstance(values["targets"], list) else ()
    try:
        recipe = TypeAdapter(Recipe).validate_python(values)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise _refused(f"groundtone.{place}", str(fault["msg"])) from None
    except WrongUse as error:
        raise _refused("groundtone", str(error)) from None
    resolved = {
        "n_epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate_multiplier": multiplier,
    }
    return Chosen(recipe, contexts, None if documents == "auto" else bool(documents), resolved)


def _known(given: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in names:
            raise _refused(f"{where}.{name}", f"is not known; there are {', '.join(names)}")


def _bounded(where: str, name: str, value: Any) -> None:
    if name not in _BOUNDS:
        return
    low, high = _BOUNDS[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise _refused(f"{where}.{name}", f"is {value!r}; it must be from {low:g} to {high:g}")
    whole = name in ("n_epochs", "batch_size", "rank", "alpha", "accumulate", "contexts")
    if whole and value != int(value):
        raise _refused(f"{where}.{name}", f"is {value!r}; it must be a whole number")


def _refused(param: str, problem: str) -> Refused:
    return Refused(f"{param} {problem}.", param=param, code="invalid_value")
