"""Answers that were given, turned into what they are good for: records, questions, examples."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groundtone.catalog.answers import RATINGS, StoredAnswer
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace


def find(workspace: Workspace, id: str) -> StoredAnswer:
    """The answer whose id begins so; ``last`` is the newest.

    Raises:
        WrongUse: none does, or several.
    """
    if id == "last":
        found = workspace.catalog.list_answers(1)
    else:
        found = workspace.catalog.find_answers(id)
    if len(found) == 1:
        return found[0]
    raise WrongUse(
        f"{'Several answers have' if found else 'No answer has'} an id that begins with {id!r}.",
        "Run `groundtone log` to see the ids.",
    )


def rate(workspace: Workspace, id: str, rating: str, note: str = "") -> StoredAnswer:
    """Rate the answer whose id begins so: ``good``, ``bad``, or "" to take a rating back.

    Raises:
        WrongUse: no such answer, or another word.
    """
    if rating and rating not in RATINGS:
        raise WrongUse(f"{rating!r} is no rating.", f"Say {' or '.join(RATINGS)}.")
    answer = find(workspace, id)
    workspace.catalog.rate(answer.id, rating, note)
    return find(workspace, answer.id)


def export(
    workspace: Workspace, form: str, *, rating: str | None = None, since: float = 0.0
) -> Iterator[dict[str, Any]]:
    """Answers as JSON objects, oldest first.

    Args:
        form: ``records`` (everything), ``questions`` (for `compare` and `eval`) or ``examples``
            (for `tune`). The last two take only answers rated good: what nobody has looked at
            must not become a gold answer. Nor do they take one that was stopped. Examples are
            also made of answers that somebody corrected, from the correction.
        rating: only those rated so; for ``records``.

    Raises:
        WrongUse: another form.
    """
    forms: dict[str, Callable[[Workspace, StoredAnswer], dict[str, Any]]] = {
        "records": lambda _, stored: record(stored),
        "questions": _question,
        "examples": _example,
    }
    if form not in forms:
        raise WrongUse(f"There is no export {form!r}.", f"Choose one of: {', '.join(forms)}.")
    wanted = rating if form == "records" else "good"
    answers = workspace.catalog.list_answers(None, rating=wanted, since=since)
    if form == "examples":
        answers = _with_corrections(workspace, answers, since)
    seen: set[str] = set()
    for answer in reversed(answers):
        if form != "records" and answer.answer.get("stopped"):
            continue  # unfinished and unchecked, whatever its rating
        key = " ".join(answer.question.casefold().split())
        if form != "records" and key in seen:
            continue  # the same question twice would be a duplicate for either use
        seen.add(key)
        yield forms[form](workspace, answer)


def _with_corrections(
    workspace: Workspace, good: list[StoredAnswer], since: float
) -> list[StoredAnswer]:
    """Answers rated good, and those that were corrected with the correction for their text."""
    every = workspace.catalog.list_answers(None, since=since)
    said = workspace.catalog.corrections([one.id for one in every])
    fine = {one.id for one in good}
    return [
        replace(one, answer={**one.answer, "answer": said[one.id], "stopped": False})
        if one.id in said
        else one
        for one in every
        if one.id in said or one.id in fine
    ]


def record(stored: StoredAnswer) -> dict[str, Any]:
    """An answer with all that is known of it: what `ask --json` printed, when, how rated."""
    return {
        "id": stored.id,
        "created_at": stored.created_at,
        "question": stored.question,
        "rating": stored.rating or None,
        "note": stored.note,
        **stored.answer,
    }


def _question(workspace: Workspace, stored: StoredAnswer) -> dict[str, Any]:
    answer = stored.answer
    row: dict[str, Any] = {"id": stored.id, "question": stored.question}
    row["answerable"] = not answer["refused"]
    if not answer["refused"]:
        # A sentence with several citations stands in each of them.
        sentences = dict.fromkeys(citation["sentence"] for citation in answer["citations"])
        row["answers"] = [" ".join(sentences) or answer["answer"]]
        row["evidence"] = [
            {
                "doc": citation["document"],
                "text": citation["quote"],
                **({"page": citation["page"]} if citation["page"] else {}),
                **({"section": citation["section"]} if citation["section"] else {}),
            }
            for citation in answer["citations"]
        ]
    return row


def _example(workspace: Workspace, stored: StoredAnswer) -> dict[str, Any]:
    voice = workspace.voice(stored.model) or workspace.settings.answer.system
    return {
        "messages": [
            {"role": "system", "content": voice},
            {"role": "user", "content": stored.question},
            {"role": "assistant", "content": stored.answer["answer"]},
        ]
    }


def lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The rows as lines of a JSONL file."""
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
