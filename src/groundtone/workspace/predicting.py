"""How long one training will take here: by the last run's speed, or by a few steps made now."""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.tuning.recipe import Contexts, Recipe

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

ANSWER_TOKENS = 150
"""Taken for question, answer and template where no run has counted them."""
TRIED = 4
_TRIED_ANSWER = 60


@dataclass(frozen=True, slots=True)
class Prediction:
    """One training on so many examples with the recipe's defaults.

    Attributes:
        tokens: all that are trained on, every epoch counted.
        seconds: for them; None where the model is trained by a provider.
        source: what both rest on.
        measured: whether the speed was measured on this machine.
    """

    tokens: float
    seconds: float | None
    source: str
    measured: bool


def predict(workspace: Workspace, examples: float, *, calibrate: bool = False) -> Prediction | None:
    """Tokens and time for so many examples; None for none.

    Args:
        calibrate: train for a few steps now, on text without meaning, and keep nothing; it takes
            the extra tune.
    """
    from groundtone.workspace.check import TOKENS_PER_S, _measured_rate

    if not examples:
        return None
    recipe = Recipe()
    each, counted = _tokens_each(workspace)
    tokens = examples * each * recipe.epochs
    how = f"{each:,.0f} tokens an example, {counted}; {recipe.epochs} epochs"
    if remote(workspace.settings.chat.model):
        return Prediction(tokens, None, how, False)
    rate = calibration(workspace, round(each)) if calibrate else None
    if rate is not None:
        return Prediction(tokens, tokens / rate, f"{how}; {rate:,.0f} tokens/s, measured now", True)
    rate = _measured_rate(workspace)
    if rate is not None:
        told = f"{how}; {rate:,.0f} tokens/s, measured by the last run"
        return Prediction(tokens, tokens / rate, told, True)
    told = f"{how}; {TOKENS_PER_S:,.0f} tokens/s assumed, --calibrate measures"
    return Prediction(tokens, tokens / TOKENS_PER_S, told, False)


def remote(model: str) -> bool:
    """Whether a model of the settings is asked, and so trained, somewhere else."""
    return "://" in model or model.startswith("openai:")


def _tokens_each(workspace: Workspace) -> tuple[float, str]:
    for run in workspace.catalog.list_runs():
        taught = sum((run.settings.get("rendered") or {}).values())
        contexts = (run.settings.get("contexts") or {}).get("each", 1)
        if taught and run.settings.get("tokens"):
            return run.settings["tokens"] / (taught / contexts), "counted by the last run"
    answer = workspace.settings.answer
    shown = answer.passages * answer.passage_tokens + ANSWER_TOKENS
    return shown * Contexts().each, "by the settings"


def calibration(workspace: Workspace, tokens: int) -> float | None:
    """Tokens a second of a short training, every epoch counted; None when it cannot be made."""
    from groundtone.tuning import runs
    from groundtone.workspace.bases import base_file

    draw, each = random.Random(0), max(32, tokens // Contexts().each)
    recipe = replace(Recipe(), batch_size=TRIED)
    job = {
        "base": workspace.settings.chat.model,
        "base_gguf": str(base_file(workspace.settings.chat.model)),
        "recipe": asdict(recipe),
        "invocation_tokens": [1],
    }
    with tempfile.TemporaryDirectory(dir=workspace.state, prefix="calibration-") as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(job), "utf-8")
        with (folder / "tokens.jsonl").open("w", encoding="utf-8") as out:
            for _ in range(TRIED):
                ids = [draw.randrange(100, 4000) for _ in range(each)]
                cut = max(1, each - 2 * _TRIED_ANSWER)
                row = {
                    "split": "train",
                    "prefix": ids[:cut],
                    "question": ids[cut:-_TRIED_ANSWER] or ids[-1:],
                    "answer": ids[-_TRIED_ANSWER:],
                }
                out.write(json.dumps(row) + "\n")
        runs.start(folder)
        try:
            steps = [event for event in runs.follow(folder) if event["event"] == "step"]
        finally:
            runs.cancel(folder)
    return float(steps[-1]["tokens_per_s"]) if steps else None
