"""Which tuned models a comparison is about, and what they were trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import WrongUse
from groundtone.evaluation.comparing import PLAIN, Arm
from groundtone.tuning import examples as reading

if TYPE_CHECKING:
    from groundtone.catalog.models import StoredModel
    from groundtone.workspace.workspace import Workspace

_TUNED = {"tuned", "both"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tuned models of a comparison; "" where none is needed.

    Attributes:
        model: of the arms ``tuned`` and ``both``.
        seeds: further models of its recipe with other training seeds.
        plain: the one tuned without documents.
    """

    model: str
    seeds: tuple[str, ...] = ()
    plain: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for name in (self.model, *self.seeds, self.plain) if name)


def choose(
    workspace: Workspace,
    arms: Sequence[str],
    tuned: str | Sequence[str] | None,
    seeds: int | None,
    without_documents: str | None,
) -> Chosen:
    """The models that arms need; see :func:`groundtone.workspace.compare.compare`.

    Raises:
        WrongUse: one of them is not there, or models named together are of different recipes.
    """
    named = [tuned] if isinstance(tuned, str) else list(tuned or ())
    model, others = "", []
    if named or _TUNED & set(arms) or (PLAIN in arms and without_documents is None):
        names = [workspace.model_name(name) for name in named] or [_newest(workspace)]
        model, *others = dict.fromkeys(names)
        for other in others:
            _same_recipe(workspace, model, other)
    if seeds is not None and seeds > 1 and not others:
        others = _siblings(workspace, model, seeds)
    plain = ""
    if PLAIN in arms:
        plain = (
            workspace.model_name(without_documents)
            if without_documents
            else _without_documents(workspace, model)
        )
    return Chosen(model, tuple(others), plain)


def examples_of(workspace: Workspace, models: Sequence[str]) -> Path | None:
    """The examples file that the first of the models was tuned on, if it is still there."""
    for name in models:
        stored = workspace.catalog.get_model(name)
        path = Path(str(stored.settings.get("examples", ""))) if stored else None
        if path is not None and path.is_file():
            return path
    return None


def trained_on(
    workspace: Workspace, lineup: Sequence[Arm], examples: Path | None, shown: bool
) -> list[str]:
    """The questions of all examples that the arms' models were tuned on or are shown.

    Args:
        examples: the file of those that are shown, whoever was tuned on it.
        shown: whether any arm is shown some.
    """
    names = dict.fromkeys(model for arm in lineup for model in arm.models)
    files = dict.fromkeys(
        path for name in names if (path := examples_of(workspace, [name])) is not None
    )
    if examples is not None and shown:
        files[examples.resolve()] = None
    return [row.question for path in files for row in reading.load(path).rows]


def digest(workspace: Workspace, model: str) -> str:
    """sha256 of a tuned model's adapter, "" for any other model."""
    stored = workspace.catalog.get_model(model)
    path = workspace.state / stored.path if stored is not None and stored.path else None
    if path is None or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _newest(workspace: Workspace) -> str:
    if active := workspace.catalog.active_model():
        return active
    models = [m for m in workspace.catalog.list_models() if m.base == workspace.settings.chat.model]
    if not models:
        raise WrongUse(
            "There is no tuned model to compare.",
            "Run `groundtone tune run FILE --suffix NAME` first, or choose --arms base,rag.",
        )
    return models[-1].name


def _siblings(workspace: Workspace, model: str, seeds: int) -> list[str]:
    """The newest models that differ from this one in their training seed alone."""
    own = _recipe(workspace.catalog.get_model(model))
    found: dict[int, str] = {}
    taken = _seed(workspace.catalog.get_model(model))
    for stored in workspace.catalog.list_models():
        seed = _seed(stored)
        if stored.name != model and seed != taken and _recipe(stored) == own:
            found[seed] = stored.name
    if len(found) < seeds - 1:
        raise WrongUse(
            f"Of the recipe and examples of {model} there are {len(found) + 1} training seeds, "
            f"not {seeds}.",
            "Train further ones with `groundtone tune run`, each with another --seed.",
        )
    return [found[seed] for seed in sorted(found)][: seeds - 1]


def _same_recipe(workspace: Workspace, model: str, other: str) -> None:
    one, two = (workspace.catalog.get_model(name) for name in (model, other))
    if _recipe(one) != _recipe(two):
        raise WrongUse(
            f"{model} and {other} differ in more than their training seed.",
            "Only seeds of one recipe and examples file are one arm; make the other one an arm of "
            "its own with --arm NAME=MODEL+docs.",
        )


def _recipe(stored: StoredModel | None) -> object:
    """All that a model is made from but its seeds and what does not change it."""
    if stored is None:
        return None
    parts = {
        key: _seedless(value)
        for key, value in stored.settings.items()
        if key in ("system", "recipe", "contexts")
    }
    return stored.base, stored.kind, stored.data_sha256, parts


def _seedless(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: v for k, v in value.items() if k not in ("seed", "threads", "cache_bytes")}


def _seed(stored: StoredModel | None) -> int:
    recipe = stored.settings.get("recipe") if stored is not None else None
    return int(recipe.get("seed", 0)) if isinstance(recipe, dict) else 0


def _without_documents(workspace: Workspace, model: str) -> str:
    """The newest model tuned on the same examples without documents."""
    stored = workspace.catalog.get_model(model)
    found = [
        other.name
        for other in workspace.catalog.list_models()
        if stored is not None
        and other.data_sha256 == stored.data_sha256
        and _saw_none(other.settings.get("contexts"))
    ]
    if not found:
        raise WrongUse(
            f"There is no model tuned without documents on the examples of {model}.",
            "Name one with --without-documents MODEL, or leave the arm out.",
        )
    return found[-1]


def _saw_none(contexts: Any) -> bool:
    return isinstance(contexts, dict) and contexts.get("without", 0.0) >= 1
