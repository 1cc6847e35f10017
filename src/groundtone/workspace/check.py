"""What an examples file is worth before anything is trained on it: faults, sizes, time, money."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.answering import labels
from groundtone.tuning import examples as reading
from groundtone.tuning import inspecting, learning
from groundtone.tuning.elsewhere import LONGEST, Elsewhere, elsewhere, tokens_of
from groundtone.tuning.examples import Example, Examples, Fault
from groundtone.tuning.learning import Curve
from groundtone.tuning.recipe import KINDS, Contexts, Recipe
from groundtone.workspace import preparing

if TYPE_CHECKING:
    from groundtone.evaluation.style import Style
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
class Histogram:
    """Counts by size: ``counts[i]`` have from ``edges[i]`` on and less than ``edges[i + 1]``."""

    edges: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, sizes: Sequence[int], bars: int = 10) -> Histogram:
        """At most so many bars of one round width."""
        span = max(sizes) + 1
        width = next(w for p in range(9) for w in (10**p, 2 * 10**p, 5 * 10**p) if w * bars >= span)
        counts = [0] * -(-span // width)
        for size in sizes:
            counts[size // width] += 1
        return cls(tuple(width * place for place in range(len(counts) + 1)), tuple(counts))


@dataclass(frozen=True, slots=True)
class Plan:
    """What training will take.

    Attributes:
        train, held_out: examples on each side.
        sequences: training sequences, several per example when it is shown in several contexts.
        tokens: in these, all together, read once per epoch.
        seconds: estimate for all epochs at `tokens_per_s`, without the gate.
        measured: whether that rate is the one of this workspace's last run on this base.
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
        examples: usable lines.
        answers: assistant messages to learn, several in a line of several turns.
        refusals: share of these that refuse, 0 to 1.
        faults: what must be corrected before anything is trained.
        warnings: what is worth a look.
        tokens: "question", "answer", "rendered": spreads in the model's tokens; None when there
            is no workspace to render with, or the file has faults.
        histograms: the same names, as counts by size.
        kinds: rendered sequences by kind.
        unresolved: lines whose citation label names no section of the workspace.
        unsupported: lines whose answer no passage supports; they are left out of training.
        left_out: lines in which tools are called that the base's chat template has no form for.
        plan: None where tokens is.
        elsewhere: the same training at a provider.
        curve: whether more examples would help; None for too few.
        skipped: why there is no plan.
    """

    path: Path
    examples: int
    faults: list[Fault]
    warnings: list[Fault]
    answers: int = 0
    refusals: float = 0.0
    tokens: dict[str, Spread] | None = None
    histograms: dict[str, Histogram] | None = None
    kinds: dict[str, int] = field(default_factory=dict)
    unresolved: list[int] = field(default_factory=list)
    unsupported: list[int] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    plan: Plan | None = None
    elsewhere: Elsewhere | None = None
    curve: Curve | None = None
    skipped: str = ""


def check_form(
    path: Path,
    *,
    held_out: Sequence[Path] = (),
    style: Style | None = None,
    refusal: str = "",
    epochs: int | None = None,
    workspace: Path | None = None,
) -> tuple[Check, Examples]:
    """The checks that need no workspace.

    Args:
        held_out: examples or questions files that must share nothing with this one.
        style: the declared one; None infers one from the examples.
        refusal: the declared one; "" takes the style's, or knows refusals by common words.
        epochs: for the price elsewhere; None takes what OpenAI would choose.
        workspace: the folder whose prices win.

    Raises:
        WrongUse: a file is missing, unreadable or not text.
    """
    found = reading.load(path, held_out=held_out)
    refusal = refusal or (style.refusal if style else "")
    secrets, odd = inspecting.inspect(
        found,
        held_out=held_out,
        refusal=refusal,
        breaks=style.check if style else None,
    )
    faults = [*found.faults, *secrets, *_too_long(found)]
    warnings = [*_oddities(found.rows), *found.warnings, *odd]
    refused = [inspecting.refuses(row.answer, refusal) for row in found.rows]
    result = Check(
        path,
        len(found.lines),
        [replace(fault, file=str(path)) for fault in faults],
        [replace(fault, file=str(path)) for fault in warnings],
        answers=len(found.rows) + len(found.dialogues),
        refusals=round(sum(refused) / max(1, len(refused)), 4),
        elsewhere=elsewhere(found.lines.values(), epochs=epochs, workspace=workspace),
        curve=learning.estimate(found.rows),
    )
    return result, found


def check(
    workspace: Workspace,
    path: Path,
    *,
    held_out: Sequence[Path] = (),
    style: Style | None = None,
    recipe: Recipe | None = None,
    contexts: Contexts | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Check:
    """Check an examples file as :func:`groundtone.workspace.tune.start` will, without training.

    Args:
        style: None takes the workspace's ``style.toml``, where there is one.

    Raises:
        WrongUse: a file is missing, unreadable or not text.
        MissingModel: the weights are needed to count tokens and to find passages.
    """
    recipe, contexts = recipe or Recipe(), contexts or Contexts()
    style = style or workspace.style()
    result, found = check_form(
        path,
        held_out=held_out,
        style=style,
        refusal=workspace.settings.answer.refusal if style is None else style.refusal,
        workspace=workspace.folder,
    )
    result.faults += [
        replace(fault, file=str(path)) for fault in preparing.over_length(workspace, found.rows)
    ]
    if result.faults:
        result.skipped = "the file has faults"
        return result
    if contexts.documents and not workspace.catalog.counts()[0]:
        result.skipped = "the workspace holds no documents yet"
        return result
    chat, renderer = workspace.chat, preparing.renderer_of(workspace)
    rows = found.rows[:limit]
    if not rows:
        result.skipped = "tools are called in every example; add some that answer without a call"
        return result
    taught, kept_out = preparing.split(rows, seed=recipe.seed)
    tell = (lambda done: progress(done, len(taught))) if progress else None
    rendered, about = renderer.render(taught, contexts, progress=tell)
    calls, result.left_out = preparing.rendered_tools(workspace, found)
    rendered += calls
    measured, _ = renderer.render(kept_out, replace(contexts, each=1, absent=0.0))
    if long := preparing.over_context(workspace, [*rendered, *measured]):
        result.faults += [replace(fault, file=str(path)) for fault in long]
        result.skipped = "the file has faults"
        return result
    about.kinds.update(row.kind for row in calls)
    result.kinds = dict(about.kinds)
    result.unresolved, result.unsupported = about.unresolved, about.unsupported
    sizes = [len(row.prefix) + len(row.question) + len(row.answer) for row in rendered]
    if not sizes:
        result.skipped = "no answer is supported by the documents of this workspace"
        return result
    counted = {
        "question": [len(chat.tokens(row.question)) for row in rows],
        "answer": [len(chat.tokens(labels.strip(row.answer))) for row in rows],
        "rendered": sizes,
    }
    result.tokens = {name: Spread.of(counts) for name, counts in counted.items()}
    result.histograms = {name: Histogram.of(counts) for name, counts in counted.items()}
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
    """Tokens a second of the newest model that was trained here from the base of the settings."""
    for model in reversed(workspace.catalog.list_models()):
        if model.kind not in KINDS or model.base != workspace.settings.chat.model:
            continue  # a provider's time, or that of a smaller or larger model, says nothing
        metrics: dict[str, Any] = model.metrics
        if metrics.get("seconds") and metrics.get("trained_tokens"):
            return float(metrics["trained_tokens"]) / float(metrics["seconds"])
    return None


def _too_long(found: Examples) -> list[Fault]:
    """Lines that a provider would cut off before the last answer ends."""
    return [
        Fault(
            number,
            "messages",
            f"about {size:,} tokens; OpenAI trains on the first {LONGEST:,}, so the answer would "
            "be cut off",
            "Shorten the messages before the answer.",
            "over length",
        )
        for number, line in found.lines.items()
        if (size := tokens_of(line)) > LONGEST
    ]


def _oddities(rows: Sequence[Example]) -> list[Fault]:
    odd: list[Fault] = []
    if reading.MINIMUM <= len(rows) < FEW:
        odd.append(
            Fault(
                0,
                "",
                f"{len(rows)} examples teach a style roughly; {FEW} or more do it",
                "Add some, or let `groundtone tune draft` draft them.",
                "few",
            )
        )
    voices = {row.system for row in rows}
    if len(voices) > 1:
        odd.append(
            Fault(
                0,
                "",
                f"{len(voices)} different system messages; the model will be asked with "
                "the one that most examples have",
                "Give all examples one system message.",
                "system",
            )
        )
    return odd
