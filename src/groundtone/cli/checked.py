"""An examples file checked, with or without a workspace, and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.cli.output import Output, duration, table
from groundtone.errors import DamagedModel, MissingModel, NoWorkspace

if TYPE_CHECKING:
    from groundtone.workspace.check import Check

SHOWN = 40


def look(file: Path, workspace: Path | None, out: Output, **options: Any) -> Check:
    """Check in the workspace, or only the form where there is none, or no weights."""
    from groundtone.workspace import Workspace, check

    form, _ = check.check_form(file, held_out=options["held_out"])
    try:
        opened = Workspace.open(workspace)
    except NoWorkspace:
        if workspace is not None:
            raise
        form.skipped = "there is no workspace here"
        return form
    with opened, out.bar("Finding passages") as bar:
        try:
            return check.check(
                opened, file, progress=lambda done, of: bar(done, of, "examples"), **options
            )
        except (MissingModel, DamagedModel) as error:
            form.skipped = str(error)
            return form


def as_document(check: Check) -> dict[str, Any]:
    """The shape that ``tune check --json`` prints."""
    return {
        "file": check.path,
        "examples": check.examples,
        "faults": check.faults,
        "warnings": check.warnings,
        "tokens": check.tokens,
        "kinds": check.kinds,
        "unresolved_labels": check.unresolved,
        "unsupported": check.unsupported,
        "plan": check.plan,
        "skipped": check.skipped or None,
    }


def shown(check: Check) -> list[Any]:
    """The check for people."""
    parts: list[Any] = [f"{check.path}: {check.examples} usable examples"]
    for title, found in (("fault", check.faults), ("warning", check.warnings)):
        parts += [f"{title}: {each}" for each in found[:SHOWN]]
        if len(found) > SHOWN:
            parts.append(f"… and {len(found) - SHOWN} more {title}s; --json lists them all")
    for lines, what in (
        (check.unresolved, "have a citation label that names no section of the documents"),
        (check.unsupported, "have an answer that no passage supports, and are left out"),
    ):
        if lines:
            parts.append(f"warning: {len(lines)} examples {what} (line {_lines(lines)})")
    if check.tokens:
        sizes = table(
            "tokens", "min", "median", "95%", "max", right=("min", "median", "95%", "max")
        )
        for name, spread in check.tokens.items():
            title = "rendered with passages" if name == "rendered" else name
            sizes.add_row(
                title, *(f"{n:,}" for n in (spread.min, spread.median, spread.p95, spread.max))
            )
        parts.append(sizes)
    if check.plan:
        parts.append(_plan(check))
    if check.faults:
        count = len(check.faults)
        parts.append(f"{count} fault{'s' * (count != 1)}: correct them before tuning.")
    elif check.skipped:
        parts.append(f"The form is right. Tokens and time were not counted: {check.skipped}")
    else:
        parts.append("No faults.")
    return parts


def _plan(check: Check) -> str:
    plan = check.plan
    assert plan is not None
    kinds = ", ".join(f"{count} {kind}" for kind, count in check.kinds.items())
    how = "measured by the last run" if plan.measured else "assumed until a run was measured"
    return (
        f"Training: {plan.train} examples as {plan.sequences} sequences ({kinds}), "
        f"{plan.held_out} held out; {plan.epochs} epochs, {plan.steps} steps, "
        f"{plan.tokens * plan.epochs:,} tokens: about {duration(plan.seconds)} "
        f"at {plan.tokens_per_s:,.0f} tokens/s ({how})."
    )


def _lines(numbers: list[int]) -> str:
    few = ", ".join(map(str, numbers[:12]))
    return few + (", …" if len(numbers) > 12 else "")
