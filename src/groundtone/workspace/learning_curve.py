"""Would more examples help? Measured: trained on half of them and on all, asked the same.

The same examples are held out both times. What is compared is their loss and what the gate measures
on them. It takes the time of one and a half trainings and two gates, so it is done only on demand;
`groundtone.tuning.learning` estimates for free.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import BadExamples, GroundtoneError, WrongUse
from groundtone.tuning import examples as reading
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import preparing

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

FEWEST = 40
"""Lines from which on half of them can be trained on."""
WORTH = 0.02
"""Share by which the loss must have fallen for more examples to be worth collecting."""
SUFFIX = "curve"


@dataclass(frozen=True, slots=True)
class Measured:
    """Half of the examples, then all: in this order in every pair.

    Attributes:
        examples: lines trained on.
        held_out: examples that both were measured on.
        valid_loss: per token on these.
        form, facts: what the gate measured; see `groundtone.evaluation.gate.Gate`.
        gain: share by which all of them lowered the loss of half.
        seconds: of both trainings.
        model: the one trained on all, which is kept; the other is removed.
        hint: what follows, in a sentence.
    """

    examples: tuple[int, int]
    held_out: int
    valid_loss: tuple[float, float]
    form: tuple[float, float]
    facts: tuple[float, float]
    gain: float
    seconds: float
    model: str
    hint: str


def measure(
    workspace: Workspace,
    path: Path,
    *,
    recipe: Recipe | None = None,
    contexts: Contexts | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Measured:
    """Train twice and compare.

    Args:
        progress: called with (what is trained on, step, steps).

    Raises:
        BadExamples: the file has faults.
        WrongUse: there are fewer than `FEWEST` lines.
        GroundtoneError: a run failed.
    """
    recipe = recipe or Recipe()
    found = reading.load(path)
    if found.faults:
        raise BadExamples(path, [str(fault) for fault in found.faults])
    if len(found.lines) < FEWEST:
        raise WrongUse(
            f"{path} has {len(found.lines)} examples; a learning curve takes {FEWEST}.",
            "Collect more first: with so few, more help.",
        )
    _, kept_out = preparing.split(found.rows, seed=recipe.seed)
    out = sorted({row.line for row in kept_out})
    rest = [number for number in sorted(found.lines) if number not in out]
    random.Random(recipe.seed).shuffle(rest)
    ends: list[dict[str, Any]] = []
    folder = workspace.state / "curve"  # kept: the model that stays was made of it
    folder.mkdir(exist_ok=True)
    held = _part(path, out, folder / "held-out.jsonl")
    for name, numbers in (("half", rest[: len(rest) // 2]), ("all", rest)):
        run = workspace.tune(
            _part(path, sorted(numbers), folder / f"{name}.jsonl"),
            suffix=f"{SUFFIX}-{name}",
            recipe=recipe,
            contexts=contexts,
            validation=held,
        )
        ends.append(_end(run.events(), name, progress))
    half, whole = ends
    losses = [float(end["valid_loss"]) for end in ends]
    gain = round(1 - losses[1] / losses[0], 4) if losses[0] else 0.0
    workspace.delete_model(half["model"])
    return Measured(
        examples=(len(rest) // 2, len(rest)),
        held_out=len(kept_out),
        valid_loss=(losses[0], losses[1]),
        form=(half["gate"]["form"], whole["gate"]["form"]),
        facts=(half["gate"]["facts"], whole["gate"]["facts"]),
        gain=gain,
        seconds=round(sum(float(end["seconds"]) for end in ends), 1),
        model=whole["model"],
        hint=_hint(gain),
    )


def _part(path: Path, numbers: Sequence[int], out: Path) -> Path:
    lines = reading.lines_of(path)
    out.write_text("".join(f"{lines[number - 1]}\n" for number in numbers), "utf-8")
    return out


def _end(
    events: Any, name: str, progress: Callable[[str, int, int], None] | None
) -> dict[str, Any]:
    """A run's last event, with the held-out loss of its training."""
    loss: float | None = None
    last: dict[str, Any] = {}
    for event in events:
        last = event
        if event["event"] == "trained":
            loss = event["valid_loss"]
        if event["event"] == "step" and progress:
            progress(name, event["step"], event["of"])
    if last.get("event") != "done" or loss is None:
        raise GroundtoneError(
            f"Training on {name} of the examples did not end well: {last.get('error')}.",
            "Run `groundtone tune status`.",
        )
    return {**last, "valid_loss": loss}


def _hint(gain: float) -> str:
    if gain >= WORTH:
        return f"All examples lowered the held-out loss by {gain:.1%}: more are worth collecting."
    return f"All examples changed the held-out loss by {-gain:+.1%}: more of the kind add little."
