"""Question files: JSONL with gold answers and gold evidence, checked line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from groundtone.errors import WrongUse

_FIELDS = ("id", "question", "answers", "evidence", "answerable")
_EVIDENCE_FIELDS = ("doc", "page", "section", "text")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the answer stands.

    Attributes:
        doc: path of the document under its source, with forward slashes.
        page: page number from 1, or None when the question's author gave none.
        section: number ("2.1") or title of the section, or None.
        text: the words that prove the answer, or None.
    """

    doc: str
    page: int | None = None
    section: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question to put to every arm.

    Attributes:
        id: unique in its file; the line number where the file gives none.
        question: as a user would ask it.
        answers: acceptable gold answers, alternatives of one another; () when there are none.
        evidence: alternatives again: an answer that cites any of them is right.
        answerable: False when the documents hold no answer, so that the right reply is a refusal.
    """

    id: str
    question: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answerable: bool = True


def load_questions(path: str | Path) -> list[Question]:
    """Reads a question file.

    Each line is one object: ``{"id", "question", "answers"?: [str], "evidence"?: [{"doc",
    "page"?, "section"?, "text"?}], "answerable"?: bool}``. Blank lines are skipped and fields of
    other names are left alone, unless they look like a misspelling of one of these.

    Raises:
        WrongUse: the file is missing, is not UTF-8, holds no question, or has faults; every fault
            is named with its line and field.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongUse(
            f"{path}: {error.strerror or error}.", "Name a question file that can be read."
        ) from error
    except UnicodeDecodeError as error:
        raise WrongUse(
            f"{path}: not UTF-8 (byte {error.start}).", "Save the file as UTF-8."
        ) from error
    questions, faults = parse_questions(text.split("\n"))
    if not questions and not faults:
        faults = ["the file holds no question"]
    if faults:
        shown = "\n".join(f"  {fault}" for fault in faults)
        raise WrongUse(
            f"{path} has {len(faults)} fault(s):\n{shown}\n",
            "Correct these lines and run the command again.",
        )
    return questions


def parse_questions(lines: Iterable[str]) -> tuple[list[Question], list[str]]:
    """Questions and faults of JSONL lines; a line with a fault gives no question."""
    questions: list[Question] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found: list[str] = []
        question = _question(line, number, found)
        if question is not None and not found and question.id in seen:
            found.append(f'field id: "{question.id}" is already on line {seen[question.id]}')
        faults.extend(f"line {number}: {fault}" for fault in found)
        if question is not None and not found:
            seen[question.id] = number
            questions.append(question)
    return questions, faults


def _question(line: str, number: int, faults: list[str]) -> Question | None:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        faults.append(f"not JSON: {error.msg} (column {error.colno})")
        return None
    except RecursionError:
        faults.append("not usable JSON: nested too deeply")
        return None
    if not isinstance(row, dict):
        faults.append(f"must be an object, not {_kind(row)}")
        return None
    _misspelt(row, _FIELDS, "", faults)
    identifier = _identifier(row.get("id"), number, faults)
    text = row.get("question")
    if not isinstance(text, str) or not text.strip():
        faults.append(f"field question: must be a text that is not empty, not {_kind(text)}")
        text = ""
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        faults.append(f"field answerable: must be true or false, not {_kind(answerable)}")
        answerable = True
    answers = _answers(row.get("answers"), faults)
    if answers and not answerable:
        faults.append("field answers: must be left out where answerable is false")
    return Question(identifier, text.strip(), answers, _evidence(row, faults), answerable)


def _identifier(value: Any, number: int, faults: list[str]) -> str:
    if value is None:
        return str(number)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value
    faults.append(
        f"field id: must be a text that is not empty or a whole number, not {_kind(value)}"
    )
    return ""


def _answers(value: Any, faults: list[str]) -> tuple[str, ...]:
    from groundtone.evaluation.metrics import normalise

    if value is None:
        return ()
    if not isinstance(value, list):
        faults.append(f"field answers: must be a list of texts, not {_kind(value)}")
        return ()
    for place, answer in enumerate(value):
        if not isinstance(answer, str):
            faults.append(f"field answers[{place}]: must be a text, not {_kind(answer)}")
        elif not normalise(answer):
            faults.append(f"field answers[{place}]: holds no word or number to compare with")
    return tuple(answer for answer in value if isinstance(answer, str))


def _evidence(row: dict[str, Any], faults: list[str]) -> tuple[Evidence, ...]:
    value = row.get("evidence")
    if value is None:
        return ()
    if not isinstance(value, list):
        faults.append(f"field evidence: must be a list of objects, not {_kind(value)}")
        return ()
    return tuple(
        found
        for place, item in enumerate(value)
        if (found := _one_evidence(item, f"evidence[{place}]", faults)) is not None
    )


def _one_evidence(item: Any, field: str, faults: list[str]) -> Evidence | None:
    if not isinstance(item, dict):
        faults.append(f"field {field}: must be an object, not {_kind(item)}")
        return None
    before = len(faults)
    _misspelt(item, _EVIDENCE_FIELDS, f"{field}.", faults)
    doc, page, section, text = (item.get(name) for name in _EVIDENCE_FIELDS)
    if not isinstance(doc, str) or not doc.strip():
        faults.append(f"field {field}.doc: must be a path, not {_kind(doc)}")
    if page is not None and (not isinstance(page, int) or isinstance(page, bool) or page < 1):
        faults.append(f"field {field}.page: must be a whole number from 1, not {_kind(page)}")
    if isinstance(section, int | float) and not isinstance(section, bool):
        section = str(section)  # {"section": 2.1} is what people write
    if section is not None and not isinstance(section, str):
        faults.append(f"field {field}.section: must be a text, not {_kind(section)}")
    if text is not None and not isinstance(text, str):
        faults.append(f"field {field}.text: must be a text, not {_kind(text)}")
    if len(faults) > before:
        return None
    return Evidence(str(doc), page, str(section) if section else None, text)


def _misspelt(row: dict[str, Any], known: tuple[str, ...], prefix: str, faults: list[str]) -> None:
    for name in row:
        near = get_close_matches(name.lower(), known, n=1, cutoff=0.85)
        if name not in known and near and near[0] not in row:
            faults.append(f'field {prefix}{name}: unknown; is "{near[0]}" meant?')


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value[:40]}"' if value.strip() else "an empty text"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a list" if isinstance(value, list) else "an object"
