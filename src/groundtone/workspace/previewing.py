"""Examples rendered by a workspace as a run would, to be looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.errors import BadExamples, WrongUse
from groundtone.tuning import examples as reading
from groundtone.tuning.preview import Preview
from groundtone.tuning.preview import preview as show
from groundtone.tuning.recipe import Contexts
from groundtone.workspace import bases, preparing

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace


def preview(
    workspace: Workspace,
    path: Path,
    *,
    line: int = 0,
    contexts: int | None = None,
    seed: int = 0,
) -> list[Preview]:
    """The training sequences that a line becomes: one for each context of each learned message.

    Args:
        line: its number; 0 takes the first that becomes any.
        contexts: sets of passages; None takes the default.

    Raises:
        BadExamples: the line has faults.
        WrongUse: there is no such line, or nothing is trained on it.
    """
    from groundtone.chat.vocabulary import vocabulary

    found = reading.load(path)
    faults = [fault for fault in found.faults if fault.line == line and fault.kind == "form"]
    if line and faults:
        raise BadExamples(path, [str(fault) for fault in faults])
    if line and line not in found.lines:
        raise WrongUse(f"{path} has no example on line {line}.", "Name a line that holds one.")
    varied = Contexts(seed=seed)
    if not workspace.catalog.counts()[0]:
        varied = Contexts.none(seed=seed)
    elif contexts is not None:
        varied = replace(varied, each=contexts)
    renderer = preparing.renderer_of(workspace)
    words = vocabulary(bases.base_file(workspace.settings.chat.model))
    for number in [line] if line else sorted(found.lines):
        rows, about = renderer.render([r for r in found.rows if r.line == number], varied)
        calls, left_out = preparing.rendered_tools(
            workspace,
            replace(found, dialogues=[d for d in found.dialogues if d.line == number]),
        )
        if shown := [show(row, words.decode) for row in [*rows, *calls]]:
            return shown
        if line:
            why = (
                "the base's chat template has no form for tools"
                if left_out
                else "no passage supports its answer"
            )
            raise WrongUse(
                f"Nothing is trained on line {line}: {why}.",
                "Correct its citation label or answer, or sync the documents it is from."
                if about.unsupported
                else "Choose a base that calls tools.",
            )
    raise WrongUse(f"Nothing in {path} would be trained on.", "Run `groundtone tune check`.")
