"""An examples file checked, with or without a workspace, and shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.cli.output import Output, duration, table
from groundtone.errors import DamagedModel, MissingModel, NoWorkspace

if TYPE_CHECKING:
    from groundtone.evaluation.style import Style
    from groundtone.tuning.recipe import Contexts, Recipe
    from groundtone.workspace.check import Check, Histogram
    from groundtone.workspace.learning_curve import Measured

SHOWN = 40


def look(
    file: Path,
    workspace: Path | None,
    out: Output,
    *,
    held_out: Sequence[Path],
    style: Path | None,
    epochs: int | None,
    **options: Any,
) -> Check:
    """Check in the workspace, or only the form where there is none, or no weights."""
    from groundtone.workspace import Workspace, check

    declared = _style(style)
    try:
        opened = Workspace.open(workspace)
    except NoWorkspace:
        if workspace is not None:
            raise
        form, _ = check.check_form(file, held_out=held_out, style=declared, epochs=epochs)
        form.skipped = "there is no workspace here"
        return form
    with opened, out.bar("Finding passages") as bar:
        try:
            return check.check(
                opened,
                file,
                held_out=held_out,
                style=declared,
                progress=lambda done, of: bar(done, of, "examples"),
                **options,
            )
        except (MissingModel, DamagedModel) as error:
            form, _ = check.check_form(
                file,
                held_out=held_out,
                style=declared or opened.style(),
                refusal=opened.settings.answer.refusal,
                epochs=epochs,
                workspace=opened.folder,
            )
            form.skipped = str(error)
            return form


def learn(
    file: Path, workspace: Path | None, out: Output, recipe: Recipe, contexts: Contexts
) -> Measured:
    """Train on half of the examples and on all of them."""
    from groundtone.workspace import Workspace
    from groundtone.workspace import learning_curve as curve

    with Workspace.open(workspace) as opened, out.bar("Training") as bar:
        return curve.measure(
            opened,
            file,
            recipe=recipe,
            contexts=contexts,
            progress=lambda name, step, of: bar(step, of, f"steps on {name} of the examples"),
        )


def learned(found: Measured) -> list[Any]:
    """A measured learning curve for people."""
    rows = table("", "half", "all", right=("half", "all"))
    rows.add_row("examples", *map(str, found.examples))
    rows.add_row("held-out loss", *(f"{loss:.3f}" for loss in found.valid_loss))
    rows.add_row("house style", *(f"{share:.0%}" for share in found.form))
    rows.add_row("facts (F1)", *(f"{f1:.3f}" for f1 in found.facts))
    kept = f"The model of all of them is kept: {found.model}"
    return [rows, f"{found.hint} ({duration(found.seconds)} of training)", kept]


def _style(path: Path | None) -> Style | None:
    if path is None:
        return None
    from groundtone.evaluation.style import Style

    return Style.load(path)


def as_document(check: Check) -> dict[str, Any]:
    """The shape that ``tune check --json`` prints."""
    return {
        "file": check.path,
        "examples": check.examples,
        "answers": check.answers,
        "refusals": check.refusals,
        "faults": check.faults,
        "warnings": check.warnings,
        "tokens": check.tokens,
        "histograms": check.histograms,
        "kinds": check.kinds,
        "unresolved_labels": check.unresolved,
        "unsupported": check.unsupported,
        "left_out": check.left_out,
        "plan": check.plan,
        "elsewhere": _elsewhere(check),
        "curve": check.curve,
        "skipped": check.skipped or None,
    }


def shown(check: Check) -> list[Any]:
    """The check for people."""
    parts: list[Any] = [_title(check)]
    for title, found in (("fault", check.faults), ("warning", check.warnings)):
        said: set[str] = set()
        for each in found[:SHOWN]:
            parts.append(f"{title}: {each}")
            if each.remedy and each.remedy not in said:  # once for all of its kind
                parts.append(f"    {each.remedy}")
                said.add(each.remedy)
        if len(found) > SHOWN:
            parts.append(f"… and {len(found) - SHOWN} more {title}s; --json lists them all")
    parts += [f"warning: {what}" for what in set_aside(check)]
    if check.tokens:
        sizes = table(
            "tokens", "min", "median", "95%", "max", right=("min", "median", "95%", "max")
        )
        for name, spread in check.tokens.items():
            sizes.add_row(
                named(name),
                *(f"{n:,}" for n in (spread.min, spread.median, spread.p95, spread.max)),
            )
        parts.append(sizes)
    if check.histograms:
        parts += _bars("answer", check.histograms["answer"])
    if check.plan:
        parts.append(plan(check))
    parts += [text for text in (money(check), check.curve.hint if check.curve else "") if text]
    if check.faults:
        count = len(check.faults)
        parts.append(f"{count} fault{'s' * (count != 1)}: correct them before tuning.")
    elif check.skipped:
        parts.append(f"The form is right. Tokens and time were not counted: {check.skipped}")
    else:
        parts.append("No faults.")
    return parts


def write_page(check: Check, out: Path) -> None:
    """Write the check as one page that needs nothing else.

    Raises:
        WrongUse: it cannot be written.
    """
    from groundtone.cli.pages import write

    write(
        "check.html.j2",
        out,
        check=check,
        title=_title(check),
        kinds=Counter(fault.kind for fault in [*check.faults, *check.warnings]),
        aside=set_aside(check),
        histograms=[(named(name), bars) for name, bars in (check.histograms or {}).items()],
        plan=plan(check) if check.plan else "",
        money=money(check),
        named=named,
    )


def named(part: str) -> str:
    """What a part's token counts are called."""
    return "rendered with passages" if part == "rendered" else part


def set_aside(check: Check) -> list[str]:
    """What the documents, or the base, cannot make anything of."""
    return [
        f"{len(lines)} examples {what} (line {_lines(lines)})"
        for lines, what in (
            (check.unresolved, "have a citation label that names no section of the documents"),
            (check.unsupported, "have an answer that no passage supports, and are left out"),
            (check.left_out, "call tools, for which this base has no form, and are left out"),
        )
        if lines
    ]


def _title(check: Check) -> str:
    more = f", {check.answers} answers to learn" if check.answers != check.examples else ""
    refuse = f", {check.refusals:.0%} of them refuse" if check.refusals else ""
    return f"{check.path}: {check.examples} usable examples{more}{refuse}"


def _bars(name: str, histogram: Histogram) -> list[str]:
    most = max(histogram.counts)
    edges = histogram.edges
    width = len(f"{edges[-1]:,}")
    return [f"Tokens of {name}s:"] + [
        f"{low:>{width},}–{high - 1:<{width},} {'█' * round(40 * count / most)} {count}".rstrip()
        for (low, high), count in zip(pairwise(edges), histogram.counts, strict=True)
    ]


def money(check: Check) -> str:
    """What it would cost elsewhere."""
    if check.elsewhere is None:
        return ""
    found = check.elsewhere
    billed = f"{found.epochs} epochs, about {found.tokens:,} tokens billed"
    if not found.offers:
        return f"At a provider: {billed}; no price of training is known (add one to prices.toml)."
    prices = ", ".join(
        f"{offer.model} ${offer.usd:,.2f}" + (f" (seen {offer.seen})" if offer.stale else "")
        for offer in found.offers[:4]
    )
    return f"At a provider: {billed}: {prices}."


def _elsewhere(check: Check) -> dict[str, Any] | None:
    if check.elsewhere is None:
        return None
    return {
        "epochs": check.elsewhere.epochs,
        "tokens": check.elsewhere.tokens,
        "offers": [
            {
                "provider": offer.provider,
                "model": offer.model,
                "usd": offer.usd,
                "seen": offer.seen.isoformat(),
                "stale": offer.stale,
            }
            for offer in check.elsewhere.offers
        ],
    }


def plan(check: Check) -> str:
    """What training here will take."""
    found = check.plan
    assert found is not None
    kinds = ", ".join(f"{count} {kind}" for kind, count in check.kinds.items())
    how = "measured by the last run" if found.measured else "assumed until a run was measured"
    return (
        f"Training: {found.train} examples as {found.sequences} sequences ({kinds}), "
        f"{found.held_out} held out; {found.epochs} epochs, {found.steps} steps, "
        f"{found.tokens * found.epochs:,} tokens: about {duration(found.seconds)} "
        f"at {found.tokens_per_s:,.0f} tokens/s ({how})."
    )


def _lines(numbers: list[int]) -> str:
    few = ", ".join(map(str, numbers[:12]))
    return few + (", …" if len(numbers) > 12 else "")
