"""The questions of a comparison: from a file, a list, answers rated good, or drafted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.errors import WrongUse
from groundtone.evaluation.questions import Question, load_questions, parse_questions
from groundtone.workspace import drafting, ledger

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


def draft(
    workspace: Workspace,
    *,
    count: int = 50,
    model: str | None = None,
    beside: Sequence[Path] = (),
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Draft lines of a question file from the documents, each with its answer and where it stands.

    They are drafted as training examples are (see :func:`groundtone.workspace.drafting.draft`), so
    what a tuned model of this workspace was trained on, or nearly, is never among them.

    Args:
        count: so many at most.
        model: a chat engine that writes them; None writes by rules.
        beside: further examples or question files whose questions must not be asked again.
        progress: called with (kept, count).

    Raises:
        WrongUse: the workspace holds no documents, or nothing could be drafted.
        EngineError: the engine failed.
    """
    trained = [
        path
        for stored in workspace.catalog.list_models()
        if (path := Path(str(stored.settings.get("examples", "")))).is_file()
    ]
    found = drafting.draft(
        workspace,
        count=count,
        model=model,
        beside=list(dict.fromkeys([*beside, *trained])),
        seed=seed,
        progress=progress,
    )
    if not found.kept:
        raise WrongUse(
            "No question could be drafted from these documents.",
            "Sync more of them, let a model write (--model), or write some yourself.",
        )
    return [
        {
            "id": f"draft-{number}",
            "question": each.question,
            "answers": [each.answer],
            "evidence": [
                {
                    "doc": each.source.document,
                    **({"section": each.source.section} if each.source.section else {}),
                    **({"page": each.source.page} if each.source.page else {}),
                    **({"text": each.source.quote} if each.source.quote else {}),
                }
            ],
            "answerable": True,
        }
        for number, each in enumerate(found.kept, start=1)
    ]
