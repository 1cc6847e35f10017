"""``groundtone tune retriever``: what was fitted to the documents, for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.cli.output import Output, duration

if TYPE_CHECKING:
    from groundtone.evaluation.statistics import Interval
    from groundtone.workspace.retriever_gate import Measured
    from groundtone.workspace.tune_retriever import Outcome

WEAK = (
    "Without questions of people the search is fitted to texts cut out of the documents: headings, "
    "first sentences, definitions. They say less than questions do."
)


def tune(workspace: Path | None, questions: Path | None, out: Output, *, seed: int) -> Outcome:
    """Fit, measure and keep, with a bar."""
    from groundtone.evaluation.questions import load_questions
    from groundtone.workspace import Workspace, tune_retriever

    rows = None if questions is None else load_questions(questions)
    if rows is None:
        out.note(WEAK)
    with (
        Workspace.open(workspace) as opened,
        out.keeping("Nothing was changed."),
        out.bar("Tuning the search") as bar,
    ):
        return tune_retriever.tune(
            opened, rows, seed=seed, progress=lambda what, done, of: bar(done, of, what.lower())
        )


def remove(workspace: Path | None, out: Output) -> None:
    """Search as without a tuned retriever."""
    from groundtone.retrieval import tuned
    from groundtone.workspace import Workspace

    with Workspace.open(workspace) as opened:
        name = tuned.remove(opened.catalog)
    out.document({"removed": name, "active": None})
    out.show(f"{name} was removed." if name else "There is no tuned retriever here.")


def shown(outcome: Outcome) -> list[str]:
    """How it went."""
    lines = [
        f"Fitted on {_counted(outcome.fitted_on)}, measured on {_counted(outcome.held_out)} that "
        f"ask for other documents, in {duration(outcome.seconds)}.",
    ]
    if outcome.skipped:
        lines.append(f"{outcome.skipped:,} questions name no document of this workspace.")
    lines.append(f"Chosen by cross-validation: {outcome.chosen}.")
    weights = ", ".join(f"{name} {value:.2f}" for name, value in outcome.weights.items())
    lines.append(f"Weights: {weights}.")
    lines.append(f"held-out nDCG@10: {_measured(outcome.measured)}")
    lines += [f"  {kind}s: {_measured(found)}" for kind, found in outcome.kinds.items()]
    if outcome.passed:
        lines.append(
            f"{outcome.active} is in use. Measure it: groundtone eval retrieval QUESTIONS "
            "--compare tuned=no. Remove it: groundtone tune retriever --off"
        )
    else:
        lines.append(f"Not put to use: {'; '.join(outcome.reasons)}.")
        kept = outcome.active
        lines.append(f"{kept} stays in use." if kept else "The search stays as it was.")
    return lines


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {kind}s" for kind, number in counts.items())


def _measured(found: Measured) -> str:
    told: Interval = found.difference
    return (
        f"{found.before:.3f} before, {found.now:.3f} now, difference {told.value:+.3f} "
        f"[{told.low:+.3f}, {told.high:+.3f}]"
    )
