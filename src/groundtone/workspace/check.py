"""What an examples file is worth before anything is trained on it: faults, sizes, time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.answering import labels
from groundtone.tuning import examples as reading
from groundtone.tuning.examples import Example, Examples, Fault
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import tune

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

TOKENS_PER_S = 450.0
"""Rendered tokens a second, all epochs counted, on two cores; used before a run was measured."""
FEW = 50
"""Fewer examples than this teach a style only roughly."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, middle, 95th percentile and most of some counts."""

    min: int
    median: int
    p95: int
    max: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> Spread:
        """The spread of at least one count."""
        found = sorted(counts)
        at = [0, len(found) // 2, math.ceil(0.95 * len(found)) - 1, -1]
        return cls(*(found[place] for place in at))


@dataclass(frozen=True, slots=True)
class Plan:
    """What training will take.

    Attributes:
        train, held_out: examples on each side.
        sequences: training sequences, several per example when it is shown in several contexts.
        tokens: in these, all together, read once per epoch.
        seconds: estimate for all epochs at `tokens_per_s`, without the gate.
        measured: whether that rate is the one of this workspace's last run.
    """

    train: int
    held_out: int
    sequences: int
    epochs: int
    steps: int
    tokens: int
    tokens_per_s: float
    seconds: float
    measured: bool


@dataclass(slots=True)
class Check:
    """The result of :func:`check`.

    Attributes:
        examples: usable ones.
        faults: what must be corrected before anything is trained.
        warnings: what is worth a look.
        tokens: "question", "answer", "rendered": spreads in the model's tokens; None when there
            is no workspace to render with, or the file has faults.
        kinds: rendered sequences by kind.
        unresolved: lines whose citation label names no section of the workspace.
        unsupported: lines whose answer no passage supports; they are left out of training.
        plan: None where tokens is.
        skipped: why there is no plan.
    """

    path: Path
    examples: int
    faults: list[Fault]
    warnings: list[Fault]
    tokens: dict[str, Spread] | None = None
    kinds: dict[str, int] = field(default_factory=dict)
    unresolved: list[int] = field(default_factory=list)
    unsupported: list[int] = field(default_factory=list)
    plan: Plan | None = None
    skipped: str = ""


def check_form(path: Path, *, held_out: Path | None = None) -> tuple[Check, Examples]:
    """The checks that need no workspace.

    Raises:
        WrongUse: a file is missing, unreadable or not text.
    """
    found = reading.load(path, held_out=held_out)
    warnings = [*found.warnings, *_oddities(found.rows)]
    return Check(path, len(found.rows), list(found.faults), warnings), found


def check(
    workspace: Workspace,
    path: Path,
    *,
    held_out: Path | None = None,
    recipe: Recipe | None = None,
    contexts: Contexts | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Check:
    """Check an examples file as :func:`groundtone.workspace.tune.start` will, without training.

    Raises:
        WrongUse: a file is missing, unreadable or not text.
        MissingModel: the weights are needed to count tokens and to find passages.
    """
    recipe, contexts = recipe or Recipe(), contexts or Contexts()
    result, found = check_form(path, held_out=held_out)
    result.faults += tune._over_length(workspace, found.rows)
    if result.faults:
        result.skipped = "the file has faults"
        return result
    if contexts.documents and not workspace.catalog.counts()[0]:
        result.skipped = "the workspace holds no documents yet"
        return result
    chat, renderer = workspace.chat, tune.renderer_of(workspace)
    rows = found.rows[:limit]
    taught, kept_out = tune.split(rows, seed=recipe.seed)
    tell = (lambda done: progress(done, len(taught))) if progress else None
    rendered, about = renderer.render(taught, contexts, progress=tell)
    result.kinds = dict(about.kinds)
    result.unresolved, result.unsupported = about.unresolved, about.unsupported
    sizes = [len(row.prefix) + len(row.question) + len(row.answer) for row in rendered]
    if not sizes:
        result.skipped = "no answer is supported by the documents of this workspace"
        return result
    result.tokens = {
        "question": Spread.of([len(chat.tokens(row.question)) for row in rows]),
        "answer": Spread.of([len(chat.tokens(labels.strip(row.answer))) for row in rows]),
        "rendered": Spread.of(sizes),
    }
    rate = _measured_rate(workspace)
    speed = rate or TOKENS_PER_S
    result.plan = Plan(
        train=len(taught),
        held_out=len(kept_out),
        sequences=len(rendered),
        epochs=recipe.epochs,
        steps=recipe.epochs * math.ceil(len(rendered) / recipe.batch_size),
        tokens=sum(sizes),
        tokens_per_s=round(speed, 1),
        seconds=round(recipe.epochs * sum(sizes) / speed, 1),
        measured=rate is not None,
    )
    return result


def _measured_rate(workspace: Workspace) -> float | None:
    """Tokens a second of the newest model trained here."""
    for model in reversed(workspace.catalog.list_models()):
        metrics: dict[str, Any] = model.metrics
        if metrics.get("seconds") and metrics.get("trained_tokens"):
            return float(metrics["trained_tokens"]) / float(metrics["seconds"])
    return None


def _oddities(rows: Sequence[Example]) -> list[Fault]:
    odd: list[Fault] = []
    if reading.MINIMUM <= len(rows) < FEW:
        odd.append(Fault(0, "", f"{len(rows)} examples teach a style roughly; {FEW} or more do it"))
    voices = {row.system for row in rows}
    if len(voices) > 1:
        odd.append(
            Fault(
                0,
                "",
                f"{len(voices)} different system messages; the model will be asked with "
                "the one that most examples have",
            )
        )
    labelled = [labels.strip(row.answer) != row.answer.strip() for row in rows]
    if rows and sum(labelled) > len(rows) / 2:
        bare = [row for row, has in zip(rows, labelled, strict=True) if not has]
        repeated = {row.answer for row in bare if sum(r.answer == row.answer for r in bare) > 1}
        odd += [
            Fault(row.line, "messages", "the answer has no citation label, most others have one")
            for row in bare
            if row.answer not in repeated  # the refusal
        ]
    return odd
