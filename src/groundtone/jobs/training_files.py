"""The files of a fine-tuning job: checked as OpenAI checks them, and made ready to train on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import WrongUse
from groundtone.tuning import examples as reading
from groundtone.tuning.examples import MINIMUM, Fault
from groundtone.tuning.recipe import Contexts
from groundtone.workspace import preparing
from groundtone.workspace.files import Files

if TYPE_CHECKING:
    from groundtone.workspace import Workspace

SPARED = frozenset({"duplicate", "contradiction", "leak"})
"""Faults that OpenAI does not know: here such a line is left out, and the job goes on."""
SHOWN = 5
SAMPLE = 64
"""Examples that are looked up in the documents to decide whether to train with these."""
MOST = 0.5
"""With documents, if they support the answers of at least this share."""


class Bad(Exception):
    """A file that cannot be trained on: how the job's ``error`` says it."""

    def __init__(self, code: str, message: str, param: str = "training_file") -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param

    def to_json(self) -> dict[str, str]:
        """The job's ``error``."""
        return {"code": self.code, "message": self.message, "param": self.param}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether examples are shown with documents, and why, for the job's events."""

    documents: bool
    reason: str


@dataclass(slots=True)
class Prepared:
    """What is known of a job's files before it is decided whether documents are shown.

    Attributes:
        warnings: for the job's events.
        without_documents: why they cannot be trained on without; None: they can.
    """

    warnings: list[str] = field(default_factory=list)
    without_documents: Bad | None = None


def prepare(workspace: Workspace, payload: Mapping[str, Any], folder: Path) -> Prepared:
    """Check the job's files and write what is trained on to `folder`.

    Raises:
        Bad: one of them cannot be used.
    """
    valid = payload["validation_file"]
    held_out = None
    told = Prepared()
    if valid:
        held_out = folder / "validation.jsonl"
        _prepare(workspace, valid, held_out, "validation_file", told, least=1)
    _prepare(
        workspace, payload["training_file"], folder / "training.jsonl", "training_file", told,
        least=MINIMUM, held_out=held_out,
    )  # fmt: skip
    return told


def decide(
    workspace: Workspace,
    folder: Path,
    wanted: bool | None,
    *,
    check: Callable[[], None] = lambda: None,
) -> Decision:
    """Whether to train with documents.

    Args:
        wanted: what the request says; None: with them, if they say what the examples say.
        check: called between examples.

    Raises:
        Bad: they are wanted, and there are none.
    """
    if wanted is False:
        return Decision(False, "Training without documents, as the request says")
    if not workspace.catalog.counts()[0]:
        if wanted:
            raise Bad("no_documents", "The workspace holds no documents to train with.")
        return Decision(False, "Training without documents: the workspace holds none")
    rows = reading.load(folder / "training.jsonl").rows[:SAMPLE]
    _, about = preparing.renderer_of(workspace).render(
        rows, Contexts(each=1, absent=0.0), progress=lambda _: check()
    )
    found = len(rows) - len(about.unsupported)
    if wanted or found >= MOST * len(rows):
        return Decision(
            True,
            f"Training with the workspace's documents: {found} of {len(rows)} examples looked at "
            "are answered by them; each is shown with passages, as questions are",
        )
    return Decision(
        False,
        f"Training without documents: only {found} of {len(rows)} examples looked at are "
        "answered by those of the workspace",
    )


def _prepare(
    workspace: Workspace,
    id: str,
    to: Path,
    param: str,
    result: Prepared,
    *,
    least: int,
    held_out: Path | None = None,
) -> None:
    file = workspace.catalog.get_file(id)
    if file is None:
        raise Bad("file_not_found", f"The file {id} does not exist any more.", param)
    source = Files(workspace).path(id)
    invalid = f"invalid_{param}"
    try:
        found = reading.load(source, held_out=held_out)
    except WrongUse as error:
        raise Bad(invalid, error.message.replace(str(source), file.name), param) from None
    found.faults += preparing.over_length(workspace, found.rows)
    if param == "training_file":  # a model is not measured on calls of tools
        found.faults += preparing.over_context_tools(workspace, found)
    faults = [fault for fault in found.faults if fault.line and fault.kind not in SPARED]
    if faults:
        raise _faulty(file.name, faults, param)
    left_out = {fault.line: fault for fault in found.faults if fault.line}
    lines = source.read_text("utf-8-sig").split("\n")
    kept = [text for number, text in enumerate(lines, 1) if number not in left_out and text.strip()]
    told = [f"{file.name}, {fault}; the line is left out" for fault in left_out.values()]
    if len(kept) < least:
        what = "Training" if param == "training_file" else "Validation"
        other = f" that differ ({len(left_out)} are left out)" if left_out else ""
        raise Bad(
            "invalid_n_examples",
            f"{what} file has {len(kept)} example(s){other}, but must have at least {least} "
            "examples",
            param,
        )
    if all(row.line in left_out for row in found.rows):
        calls = "calls tools in every example; a model is measured on those that call none"
        raise Bad(invalid, f"{file.name} {calls}.", param)
    to.write_text("\n".join(kept) + "\n", "utf-8")
    if len(told) > SHOWN:
        told = [*told[:SHOWN], f"and {len(told) - SHOWN} more lines are left out"]
    result.warnings += told
    if result.without_documents is None:
        long = preparing.over_context_whole(workspace, found)
        if long := [fault for fault in long if fault.line not in left_out]:
            result.without_documents = _faulty(file.name, long, param)


def _faulty(name: str, faults: Sequence[Fault], param: str) -> Bad:
    shown = "; ".join(str(fault) for fault in faults[:SHOWN])
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return Bad(f"invalid_{param}", f"{name} has {len(faults)} fault(s): {shown}{more}.", param)
