"""Tuned models shown to people: one whole, two side by side."""

from __future__ import annotations

import time
from typing import Any

from groundtone.cli.output import size, table

_NAMES = {
    "form": "house style",
    "form_before": "house style, base",
    "facts": "facts (F1)",
    "facts_before": "facts (F1), base",
    "facts_low": "facts, difference at least",
    "questions": "held-out questions",
    "valid_loss": "held-out loss",
    "trained_tokens": "tokens trained on",
    "seconds": "seconds of training",
    "steps": "steps",
}


def model(told: dict[str, Any]) -> list[Any]:
    """All that is known of one."""
    gate = told["gate"]
    changed = {True: " (changed since)", False: "", None: " (no longer there)"}
    lines = [
        ("model", told["name"] + (" (in use)" if told["active"] else "")),
        ("base", f"{told['base']}, sha256 {told['base_sha256'] or 'not pinned'}"),
        ("kind", told["kind"]),
        ("made", _when(told["created_at"]) + (f" by {told['run']}" if told["run"] else "")),
        ("examples", f"{told['examples'] or '–'}{changed[told['data_changed']]}"),
        ("their sha256", told["data_sha256"]),
        ("shown with", "documents" if told["documents"] else "no documents"),
        ("sequences", _pairs(told["rendered"])),
        ("recipe", _pairs(told["recipe"])),
        ("contexts", _pairs(told["contexts"])),
        ("training", _pairs(told["metrics"])),
        ("gate", "not measured" if not gate else "passed" if gate["passed"] else "refused"),
        *(("", reason) for reason in (gate or {}).get("reasons", ())),
        ("adapter", f"{told['path']} ({size(told['bytes'])})" if told["bytes"] else "–"),
        *(("used", f"{_when(used['at'])}: {used['reason']}") for used in told["used"]),
    ]
    return [f"{name + ':' if name else '':<14}{value}" for name, value in lines]


def pair(told: dict[str, Any]) -> list[Any]:
    """Two beside each other."""
    one, other = told["models"]
    rows = table("", one, other, "difference", right=(one, other, "difference"))
    passed = ["–" if each is None else "passed" if each else "refused" for each in told["passed"]]
    rows.add_row("gate", *passed, "")
    for name, found in told["measures"].items():
        rows.add_row(
            _NAMES[name], *map(_number, found["values"]), _number(found["difference"], signed=True)
        )
    parts: list[Any] = [rows]
    parts += [
        f"{name}: {values[0]} | {values[1]}"
        for name, values in told["differ"].items()
        if name != "system"
    ]
    if not told["same_data"]:
        parts.append(
            "They were measured on other held-out examples: ask both the same questions with "
            "`groundtone compare` before you choose."
        )
    return parts


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    text = f"{value:+,.3f}" if signed else f"{value:,.3f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _pairs(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{key} {value}" for key, value in (values or {}).items()) or "–"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
