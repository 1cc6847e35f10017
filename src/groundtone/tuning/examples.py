"""Training examples, read from a file: one for each assistant message that is to be learned.

The form of a line is OpenAI's (see `chat_format`). A line of several turns teaches each of its
assistant messages whose ``weight`` is 1 (the default), as OpenAI does: it becomes one example a
message, each with the turns before it. A message of weight 0 is only shown. What is trained on is
read here and nowhere else, so this stays quick; what is worth a look is found by `inspecting`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from groundtone.errors import WrongUse
from groundtone.tuning.chat_format import Fault, Line, parse

__all__ = ["MINIMUM", "Dialogue", "Example", "Examples", "Fault", "lines_of", "load"]

MINIMUM = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One example: what is asked, in which voice, after which turns, and the answer to learn.

    Attributes:
        turn: which of its line's learned messages, from 0.
        group: what `tune split` keeps together; "" is a group of its own.
    """

    line: int
    system: str
    history: tuple[dict[str, str], ...]
    question: str
    answer: str
    turn: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """An example in which tools are called: its last message is learned, as the API has it."""

    line: int
    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...]
    turn: int = 0
    group: str = ""


@dataclass(slots=True)
class Examples:
    """All examples of a file, with every fault and warning found while reading.

    Attributes:
        rows: one for each assistant message to learn.
        dialogues: those of lines in which tools are called.
        lines: the lines whose form is right, by their number.
    """

    path: Path
    rows: list[Example] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    dialogues: list[Dialogue] = field(default_factory=list)
    lines: dict[int, Line] = field(default_factory=dict)


def load(path: Path | str, *, held_out: Path | str | Sequence[Path] | None = None) -> Examples:
    """Read an examples file and check its form.

    Args:
        path: JSONL in UTF-8.
        held_out: examples or questions files, one or several, that must share no question with
            this one.

    Raises:
        WrongUse: a file is missing, unreadable or not text.
    """
    found = Examples(Path(path))
    for number, text in enumerate(lines_of(found.path), start=1):
        if not text.strip():
            continue
        line = parse(text, number, found.faults, found.warnings)
        if line is not None:
            found.lines[number] = line
            if line.calls:
                found.dialogues += dialogues_of(line, number)
            else:
                found.rows += examples_of(line, number)
    _duplicates(found)
    others = [held_out] if isinstance(held_out, str | Path) else held_out or ()
    for other in others:
        _leaks(found, Path(other))
    if len(found.lines) < MINIMUM:
        found.faults.append(
            Fault(
                0,
                "",
                f"{len(found.lines)} usable examples; at least {MINIMUM} are needed",
                "Write more examples, or let `groundtone tune draft` draft some.",
                "too few",
            )
        )
    found.faults = [replace(fault, file=str(path)) for fault in found.faults]
    found.warnings = [replace(fault, file=str(path)) for fault in found.warnings]
    return found


def lines_of(path: Path) -> list[str]:
    """The lines of a text file in UTF-8.

    Raises:
        WrongUse: the file is missing, unreadable or not text.
    """
    try:
        # Not splitlines(): JSON may hold U+2028 and the like, which end no line of JSONL.
        return path.read_text("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise WrongUse(f"There is no file {path}.", "Name a JSONL file of examples.") from None
    except UnicodeDecodeError as error:
        raise WrongUse(
            f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8 and try again."
        ) from None
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}.") from None


def examples_of(line: Line, number: int) -> list[Example]:
    """One example for each message of a line that is to be learned."""
    messages = [{"role": m["role"], "content": m["content"]} for m in line.messages]
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    first = 1 if messages[0]["role"] == "system" else 0
    learned = [
        place
        for place, message in enumerate(line.messages)
        if message["role"] == "assistant" and message["weight"]
    ]
    return [
        Example(
            number,
            system,
            tuple(messages[first : place - 1]),
            messages[place - 1]["content"],
            messages[place]["content"],
            turn,
            line.group,
        )
        for turn, place in enumerate(learned)
    ]


def dialogues_of(line: Line, number: int) -> list[Dialogue]:
    """The same of a line in which tools are called."""
    plain = [{k: v for k, v in message.items() if k != "weight"} for message in line.messages]
    learned = [
        place
        for place, message in enumerate(line.messages)
        if message["role"] == "assistant" and message["weight"]
    ]
    return [
        Dialogue(number, tuple(plain[: place + 1]), line.tools, turn, line.group)
        for turn, place in enumerate(learned)
    ]


def key_of(question: str, history: Iterable[dict[str, str]] = ()) -> str:
    """Questions of the same key are the same question: case and signs do not matter."""
    asked = " ".join([*(turn["content"] for turn in history), question])
    return " ".join("".join(c if c.isalnum() else " " for c in asked.lower()).split())


def _duplicates(found: Examples) -> None:
    first: dict[str, Example] = {}
    turns = {row.line: row.turn for row in found.rows}  # of the last message of each line
    for row in found.rows:
        key = key_of(row.question, row.history)
        earlier = first.setdefault(key, row)
        if earlier is row:
            continue
        if key_of(row.answer) == key_of(earlier.answer):
            if row.turn < turns[row.line] or earlier.turn < turns[earlier.line]:
                continue  # the same beginning of two talks that go on differently
            what, remedy, kind = "repeats", "Remove one of the two.", "duplicate"
        else:
            what, remedy = "contradicts", "Keep the right answer and remove the other line."
            kind = "contradiction"
        found.faults.append(
            Fault(
                row.line,
                "messages",
                f"{what} line {earlier.line}: the same question",
                remedy,
                kind,
            )
        )


def _leaks(found: Examples, path: Path) -> None:
    held = {key_of(*asked): number for number, asked in reversed(questions_of(path))}
    for row in found.rows:
        if number := held.get(key_of(row.question, row.history), 0):
            found.faults.append(
                Fault(
                    row.line,
                    "messages",
                    f"the question is also in {path.name}, line {number}; "
                    "what is trained on cannot be measured on",
                    "Remove it from one of the two files, or make them with `tune split`.",
                    "leak",
                )
            )


def questions_of(path: Path) -> list[tuple[int, tuple[str, Sequence[dict[str, str]]]]]:
    """The questions of a questions or examples file: (line, (question, turns before it)).

    Lines of other forms are left out: that file's own check names them.
    """
    asked: list[tuple[int, tuple[str, Sequence[dict[str, str]]]]] = []
    for number, text in enumerate(lines_of(path), start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            continue
        if isinstance(value, dict) and isinstance(value.get("question"), str):
            asked.append((number, (value["question"], ())))
        elif isinstance(value, dict) and isinstance(value.get("messages"), list):
            line = parse(text, number, [])
            if line is not None:
                asked += [
                    (number, (row.question, row.history)) for row in examples_of(line, number)
                ]
    return asked
