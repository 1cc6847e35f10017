"""What the advice depends on, as questions: how each is asked, and how an answer is read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from groundtone.errors import WrongUse

Kind = Literal["yes", "rate", "share", "number"]
Value = bool | float

OFTEN = {"never": 0.0, "yearly": 1 / 12, "quarterly": 1 / 3, "monthly": 1.0, "weekly": 4.35}
OFTEN["daily"] = 30.4
_YES = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know.

    Attributes:
        key: its name in answer files; as an option with ``-`` for ``_``.
        kind: ``yes`` (or no), ``rate`` (share of the documents a month, or never … daily),
            ``share`` (0 to 1, or percent) or ``number`` (0 or more).
        text: as it is asked.
        unit: of a number.
    """

    key: str
    kind: Kind
    text: str
    unit: str = ""


QUESTIONS = {
    question.key: question
    for question in (
        Question("facts", "yes", "Do answers need facts that stand in your documents?"),
        Question("changes", "rate", "How often does a typical document change?"),
        Question("citations", "yes", "Must answers cite where they come from?"),
        Question("corpus_tokens", "number", "How long are the documents together?", "tokens"),
        Question("format", "yes", "Must answers keep a strict format or a house style?"),
        Question(
            "format_failures", "share", "How many answers break it with the best prompt so far?"
        ),
        Question(
            "long_prompts",
            "yes",
            "Are instructions and worked examples in the prompt too long, or too dear?",
        ),
        Question("volume", "number", "How many questions are asked in a month?", "questions"),
        Question("examples", "number", "How many good example answers are there?", "examples"),
        Question("hardware", "yes", "Is there a machine, or a provider, that can train?"),
        Question("skill", "yes", "Is there somebody to write examples and to judge the results?"),
        Question("hours", "number", "How long may one training take?", "hours"),
        Question("budget", "number", "What may training and examples cost?", "dollars"),
        Question("data_cost", "number", "What will it cost to write the examples?", "dollars"),
        Question(
            "cached", "share", "How much of a prompt has the provider kept from the last one?"
        ),
        Question("tolerated", "share", "How much of what a model learnt may be out of date?"),
    )
}
ASKED = (
    "facts",
    "changes",
    "citations",
    "format",
    "format_failures",
    "long_prompts",
    "volume",
    "examples",
    "hardware",
    "skill",
    "budget",
)
"""In this order in the terminal; the rest refine the money and are given where they are known."""


def read(key: str, told: Any) -> Value:
    """An answer as its value: ``yes``, ``5%``, ``weekly``, ``1200``.

    Raises:
        WrongUse: no such question, or an answer that it cannot have.
    """
    question = QUESTIONS.get(key)
    if question is None:
        raise WrongUse(
            f"{key!r} is not one of the questions.", f"They are: {', '.join(QUESTIONS)}."
        )
    value = _value(question.kind, told)
    if value is None:
        raise WrongUse(f"{key} = {told!r} is no answer.", f"{question.text} {form(question)}")
    return value


def form(question: Question) -> str:
    """How it can be answered, in a few words."""
    match question.kind:
        case "yes":
            return "Say yes or no."
        case "rate":
            return f"Say {', '.join(OFTEN)}, or the share that changes in a month (5%)."
        case "share":
            return "Say a share of 1, or percent (5%)."
        case "number":
            return f"Say a number{f' of {question.unit}' if question.unit else ''}, 0 or more."


def load(path: Path) -> dict[str, Value]:
    """Read a file of answers, TOML or JSON by its ending: question keys and answers.

    Raises:
        WrongUse: it cannot be read, or holds something that is no answer.
    """
    try:
        text = path.read_text("utf-8")
        told = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # both parsers' errors, and text that is none
        raise WrongUse(f"{path} is no {path.suffix[1:] or 'TOML'} file: {error}.") from None
    if not isinstance(told, Mapping):
        raise WrongUse(f"{path} holds no answers by name.", "Write lines such as citations = true.")
    return {key: read(key, value) for key, value in told.items()}


def _value(kind: Kind, told: Any) -> Value | None:
    if kind == "yes":
        if isinstance(told, bool):
            return told
        return _YES.get(told.strip().lower()) if isinstance(told, str) else None
    if isinstance(told, bool):
        return None
    if kind == "rate" and isinstance(told, str) and told.strip().lower() in OFTEN:
        return OFTEN[told.strip().lower()]
    number = _number(told)
    if number is None or not 0 <= number < float("inf"):
        return None
    return None if kind == "share" and number > 1 else number


def _number(told: Any) -> float | None:
    if isinstance(told, int | float):
        return float(told)
    if not isinstance(told, str):
        return None
    text, percent = told.strip().replace(",", "").removesuffix("%"), told.strip().endswith("%")
    try:
        return float(text) / (100 if percent else 1)
    except ValueError:
        return None
