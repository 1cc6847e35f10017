"""A run's numbers as OpenAI tells them: events, the file of metrics, the best checkpoint."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from groundtone.catalog import JobEvent

COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")


def step_event(event: Mapping[str, Any]) -> JobEvent:
    """A step as an event of the type ``metrics``."""
    shown = f"Step {event['step']}/{event['of']}: training loss={event['train_loss']:.2f}"
    if event.get("valid_loss") is not None:
        shown += f", validation loss={event['valid_loss']:.2f}"
    values = {**_metrics(event), "total_steps": event["of"]}
    return JobEvent(shown, kind="metrics", data={k: v for k, v in values.items() if v is not None})


def metrics_csv(told: Sequence[Mapping[str, Any]]) -> str:
    """The result file; a step that was done again after a kill stands in it once."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for event in _steps(told):
        found = _metrics(event)
        values = (
            found["step"],
            found["train_loss"],
            found["train_mean_token_accuracy"],
            found["valid_loss"],
            found["valid_mean_token_accuracy"],
        )
        rows.writerow(["" if value is None else value for value in values])
    return out.getvalue()


def best(told: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The metrics of the state that was kept: of those measured, the one that did best.

    None when that is the untrained one, or nothing was measured.
    """
    measured = [event for event in _steps(told) if event.get("valid_loss") is not None]
    if not measured:
        return None

    def rank(event: Mapping[str, Any]) -> tuple[float, float]:
        return (-event.get("valid_answers", -1.0), event["valid_loss"])

    found = min(measured, key=rank)
    return {name: value for name, value in _metrics(found).items() if value is not None}


def _steps(told: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    steps = {event["step"]: event for event in told if event["event"] == "step"}
    return [steps[number] for number in sorted(steps)]


def _metrics(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": event["step"],
        "train_loss": event["train_loss"],
        "train_mean_token_accuracy": event.get("train_accuracy"),
        "valid_loss": event.get("valid_loss"),
        "valid_mean_token_accuracy": event.get("valid_accuracy"),
    }
