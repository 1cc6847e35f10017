"""The questions of a comparison: from a file, as a list, or from answers rated good."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.errors import WrongUse
from groundtone.evaluation.questions import Question, load_questions, parse_questions
from groundtone.workspace import ledger

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace


def asked(
    workspace: Workspace, questions: str | Path | Sequence[Question] | None
) -> list[Question]:
    """The questions; None takes those of the log whose answers were rated good.

    Raises:
        WrongUse: faults in the file, or no answer was rated good.
    """
    if isinstance(questions, str | Path):
        return load_questions(questions)
    if questions is not None:
        return list(questions)
    lines = (json.dumps(row) for row in ledger.export(workspace, "questions"))
    found, _ = parse_questions(lines)
    if not found:
        raise WrongUse(
            "No answer in the log was rated good.",
            "Rate some with `groundtone log rate ID good`, or name a question file.",
        )
    return found
