"""Reading and checking training examples in OpenAI's chat format.

One JSON object a line: ``{"messages": [{"role": "system" | "user" | "assistant", "content": str},
…]}``; the last message is the assistant's answer, which is what is trained. ``weight`` (0 or 1) on
assistant messages is accepted; an example whose last answer has weight 0 teaches nothing and is a
fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundtone.errors import WrongUse

ROLES = frozenset({"system", "developer", "user", "assistant"})
MINIMUM = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One example: what is asked, in which voice, after which turns, and the answer to learn."""

    line: int
    system: str
    history: tuple[dict[str, str], ...]
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where, what, and what to do."""

    line: int
    field: str
    problem: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        return (
            f"{place}, {self.field}: {self.problem}" if self.field else f"{place}: {self.problem}"
        )


@dataclass(slots=True)
class Examples:
    """All examples of a file, with every fault and warning found while reading."""

    path: Path
    rows: list[Example] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def load(path: Path | str, *, held_out: Path | str | None = None) -> Examples:
    """Read an examples file and check its form.

    Args:
        path: JSONL in UTF-8.
        held_out: an examples or questions file that must share no question with this one.

    Raises:
        WrongUse: the file is missing, unreadable or not text.
    """
    found = Examples(Path(path))
    for number, text in enumerate(_lines(found.path), start=1):
        if not text.strip():
            continue
        row = _parse(text, number, found.faults)
        if row is not None:
            found.rows.append(row)
    _duplicates(found)
    if held_out is not None:
        _leaks(found, Path(held_out))
    if len(found.rows) < MINIMUM:
        found.faults.append(
            Fault(0, "", f"{len(found.rows)} usable examples; at least {MINIMUM} are needed")
        )
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise WrongUse(f"There is no file {path}.", "Name a JSONL file of examples.") from None
    except UnicodeDecodeError as error:
        raise WrongUse(
            f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8 and try again."
        ) from None
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}.") from None


def _parse(text: str, number: int, faults: list[Fault]) -> Example | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        faults.append(Fault(number, "", f"not JSON: {error.msg} at column {error.colno}"))
        return None
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        faults.append(Fault(number, "messages", "missing, or not a list of messages"))
        return None
    before = len(faults)
    messages: list[dict[str, str]] = []
    for i, message in enumerate(value["messages"]):
        messages += _message(message, f"messages[{i}]", number, faults)
    if len(faults) > before:
        return None
    return _example(messages, value["messages"], number, faults)


def _message(value: Any, where: str, number: int, faults: list[Fault]) -> list[dict[str, str]]:
    if not isinstance(value, dict):
        faults.append(Fault(number, where, "is not an object"))
        return []
    role, content = value.get("role"), value.get("content")
    if role not in ROLES:
        allowed = ", ".join(sorted(ROLES))
        faults.append(Fault(number, f"{where}.role", f"is {role!r}; allowed are {allowed}"))
    if not isinstance(content, str) or not content.strip():
        faults.append(Fault(number, f"{where}.content", "is empty or not text"))
    if "weight" in value and value["weight"] not in (0, 1):
        faults.append(Fault(number, f"{where}.weight", f"is {value['weight']!r}; use 0 or 1"))
    if role not in ROLES or not isinstance(content, str):
        return []
    return [{"role": "system" if role == "developer" else role, "content": content.strip()}]


def _example(
    messages: list[dict[str, str]], raw: list[Any], number: int, faults: list[Fault]
) -> Example | None:
    roles = [message["role"] for message in messages]
    if "assistant" not in roles:
        faults.append(Fault(number, "messages", "there is no assistant message to learn from"))
        return None
    if roles[-1] != "assistant":
        faults.append(
            Fault(
                number,
                f"messages[{len(roles) - 1}].role",
                "the last message must be the assistant's",
            )
        )
        return None
    if "system" in roles[1:]:
        place = roles.index("system", 1)
        faults.append(Fault(number, f"messages[{place}].role", "system may only come first"))
        return None
    system = messages[0]["content"] if roles[0] == "system" else ""
    spoken = messages[1:] if system else messages
    if len(spoken) < 2 or [m["role"] for m in spoken] != ["user", "assistant"] * (len(spoken) // 2):
        faults.append(Fault(number, "messages", "user and assistant must take turns, user first"))
        return None
    if raw[-1].get("weight") == 0:
        faults.append(
            Fault(
                number, f"messages[{len(roles) - 1}].weight", "is 0, so the example teaches nothing"
            )
        )
        return None
    return Example(number, system, tuple(spoken[:-2]), spoken[-2]["content"], spoken[-1]["content"])


def _key(question: str, history: Iterable[dict[str, str]] = ()) -> str:
    asked = " ".join([*(turn["content"] for turn in history), question])
    return " ".join("".join(c if c.isalnum() else " " for c in asked.lower()).split())


def _duplicates(found: Examples) -> None:
    first: dict[str, Example] = {}
    for row in found.rows:
        key = _key(row.question, row.history)
        earlier = first.setdefault(key, row)
        if earlier is row:
            continue
        same = _key(row.answer) == _key(earlier.answer)
        what = "repeats" if same else "contradicts"
        found.faults.append(
            Fault(row.line, "messages", f"{what} line {earlier.line}: the same question")
        )


def _leaks(found: Examples, path: Path) -> None:
    held: dict[str, int] = {}
    for number, text in enumerate(_lines(path), start=1):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            continue  # that file's own check names it
        if isinstance(value, dict) and isinstance(value.get("question"), str):
            held.setdefault(_key(value["question"]), number)
        elif isinstance(value, dict) and isinstance(value.get("messages"), list):
            row = _parse(text, number, [])
            if row is not None:
                held.setdefault(_key(row.question, row.history), number)
    for row in found.rows:
        if number := held.get(_key(row.question, row.history), 0):
            found.faults.append(
                Fault(
                    row.line,
                    "messages",
                    f"the question is also in {path.name}, line {number}; "
                    "what is trained on cannot be measured on",
                )
            )
