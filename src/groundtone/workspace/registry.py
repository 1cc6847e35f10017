"""What is known of a tuned model: what it was made of and how it did; two side by side."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.catalog.models import StoredModel
    from groundtone.workspace.workspace import Workspace

MEASURES = (
    "form",
    "form_before",
    "facts",
    "facts_before",
    "facts_low",
    "questions",
    "valid_loss",
    "trained_tokens",
    "seconds",
    "steps",
)
"""Numbers of a model that can stand beside those of another, of its gate first."""


def describe(workspace: Workspace, name: str) -> dict[str, Any]:
    """All that is kept of a model, in the shape that ``models show --json`` prints.

    Args:
        name: as `Workspace.model_name` takes it.

    Raises:
        WrongUse: there is no such model, or it is the base.
    """
    model = find(workspace, name)
    settings, metrics = model.settings, model.metrics
    examples = Path(str(settings.get("examples") or ""))
    path = workspace.state.resolve() / model.path if model.path else None
    run = next((run for run in workspace.catalog.list_runs() if run.model == model.name), None)
    return {
        "name": model.name,
        "base": model.base,
        "base_sha256": _base_sha256(model.base),
        "kind": model.kind,
        "created_at": model.created_at,
        "active": workspace.model_name() == model.name,
        "run": run.id if run else None,
        "examples": settings.get("examples"),
        "data_sha256": model.data_sha256,
        "data_changed": _changed(examples, model.data_sha256),
        "documents": settings.get("documents", True),
        "rendered": settings.get("rendered"),
        "system": settings.get("system"),
        "recipe": settings.get("recipe"),
        "contexts": settings.get("contexts"),
        "metrics": {key: value for key, value in metrics.items() if key != "gate"},
        "gate": metrics.get("gate"),
        "path": path,
        "bytes": path.stat().st_size if path and path.is_file() else None,
        "used": [
            {"at": used.created_at, "reason": used.reason, "undone_at": used.undone_at}
            for used in workspace.catalog.activation_history()
            if used.model == model.name
        ],
    }


def compare(workspace: Workspace, one: str, other: str) -> dict[str, Any]:
    """Two models side by side: their measures, and what of their making differs.

    The measures are those of each one's own gate. On the same held-out examples they can be held
    against each other; ``same_data`` says whether the examples and the seed were the same.

    Raises:
        WrongUse: one of them is no tuned model, or they are the same.
    """
    a, b = describe(workspace, one), describe(workspace, other)
    if a["name"] == b["name"]:
        raise WrongUse(f"{a['name']} is named twice.", "Name two models of `models list`.")
    measures = {}
    for name in MEASURES:
        values = [_measure(each, name) for each in (a, b)]
        if values != [None, None]:
            measures[name] = {"values": values, "difference": _difference(*values)}
    seeds = [(each["recipe"] or {}).get("seed") for each in (a, b)]
    return {
        "models": [a["name"], b["name"]],
        "passed": [(each["gate"] or {}).get("passed") for each in (a, b)],
        "measures": measures,
        "same_data": a["data_sha256"] == b["data_sha256"] and seeds[0] == seeds[1],
        "differ": {
            f"{part}.{key}": [(a[part] or {}).get(key), (b[part] or {}).get(key)]
            for part in ("recipe", "contexts")
            for key in sorted({*(a[part] or {}), *(b[part] or {})})
            if (a[part] or {}).get(key) != (b[part] or {}).get(key)
        }
        | {
            key: [a[key], b[key]]
            for key in ("base", "examples", "data_sha256", "documents", "system")
            if a[key] != b[key]
        },
    }


def find(workspace: Workspace, name: str) -> StoredModel:
    """The tuned model of this name, suffix or id.

    Raises:
        WrongUse: there is none, or it is the base.
    """
    full = workspace.model_name(name)
    model = workspace.catalog.get_model(full)
    if model is None:
        raise WrongUse(f"{full} is no tuned model.", "Name one of `groundtone models list`.")
    return model


def _base_sha256(base: str) -> str | None:
    """The pinned hash of a known base; None for a file of the user's."""
    from groundtone import weights

    entry = weights.KNOWN.get(base)
    if entry is None:
        return None
    return entry.derived.sha256 if entry.derived else entry.files[0].sha256


def _changed(path: Path, sha256: str) -> bool | None:
    """Whether the examples are other ones than were trained on; None if they are gone."""
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest() != sha256


def _measure(model: dict[str, Any], name: str) -> float | None:
    value = (model["gate"] or {}).get(name, model["metrics"].get(name))
    return float(value) if isinstance(value, int | float) else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(other - one, 6)
