"""A made-up comparison with known differences between the arms."""

from __future__ import annotations

import random

import pytest

from groundtone.evaluation.arms import Outcome
from groundtone.evaluation.measuring import measure
from groundtone.evaluation.questions import Evidence, Question
from groundtone.evaluation.report import Report
from groundtone.evaluation.style import Style

REFUSAL = "The manual does not say."
# Chance of: a right fact, the house style, a right refusal.
SKILL = {
    "base": (0.05, 0.0, 0.1),
    "few-shot": (0.15, 0.55, 0.2),
    "rag": (0.72, 0.03, 0.6),
    "tuned": (0.08, 0.98, 0.4),
    "both": (0.74, 0.97, 0.9),
}
PROMPT = {"base": 48, "few-shot": 1620, "rag": 980, "tuned": 48, "both": 985}


def make_style() -> Style:
    return Style.of(
        {
            "name": "Orchard support",
            "label": "[Source: {title}, Section {section}]",
            "refusal": REFUSAL,
            "max_sentences": 3,
            "banned_phrases": ["as an AI"],
        }
    )


def make_questions(count: int = 60, unanswerable: int = 10) -> list[Question]:
    return [
        Question(
            f"q{number}",
            f"After how many days does the harvest plan number {number} expire?",
            () if number < unanswerable else (f"{number + 10} days",),
            ()
            if number < unanswerable
            else (Evidence(f"guides/plan-{number % 7}.md", section=f"2.{number % 4 + 1}"),),
            number >= unanswerable,
        )
        for number in range(count)
    ]


def make_outcomes(questions: list[Question], arms: tuple[str, ...], seed: int) -> list[Outcome]:
    chance = random.Random(seed)
    return [_outcome(arm, question, chance) for arm in arms for question in questions]


def _outcome(arm: str, question: Question, chance: random.Random) -> Outcome:
    fact, form, refuse = SKILL[arm]
    number = int(question.id[1:])
    refused = chance.random() < (0.03 if question.answerable else refuse)
    right = chance.random() < fact
    styled = chance.random() < form
    days = number + 10 if right else number + 11
    title, section = f"Plan Guide {number % 7}", f"2.{number % 4 + 1}"
    if styled:
        bare = f"Open Plans > Harvest > Expiry. The plan ends after {days} days."
    else:
        bare = (
            f"Great question! As an AI I would think that it is {days} days. There is more. "
            "You can look it up. Let me know."
        )
    cites = arm in ("rag", "both") and not refused
    citation = {
        "document": f"guides/plan-{number % 7 if chance.random() < 0.85 else 6}.md",
        "section": section,
        "title": title,
        "page": 3,
        "start": 120,
        "end": 171,
        "quote": f"A harvest plan ends {days} days after its last change.",
        "resolvable": True,
    }
    label = f" [Source: {title}, Section {section}]" if cites or (styled and arm != "base") else ""
    words = 12 if styled else 38
    first = PROMPT[arm] / 0.9 * chance.uniform(0.9, 1.2)
    return Outcome(
        arm=arm,
        question_id=question.id,
        text=REFUSAL if refused else bare + label,
        bare_text=REFUSAL if refused else bare,
        refused=refused,
        citations=[citation] if cites else [],
        prompt_tokens=PROMPT[arm] + chance.randrange(40),
        completion_tokens=words + chance.randrange(6),
        first_token_ms=first,
        total_ms=first + words * 22,
        model="smol-q8_0" + ("+orchard" if arm in ("tuned", "both") else ""),
        passages=["guides/plan-1.md"] if cites else [],
    )


@pytest.fixture(scope="session")
def style() -> Style:
    return make_style()


@pytest.fixture(scope="session")
def questions() -> list[Question]:
    return make_questions()


@pytest.fixture(scope="session")
def outcomes(questions: list[Question]) -> list[Outcome]:
    return make_outcomes(questions, tuple(SKILL), seed=7)


@pytest.fixture(scope="session")
def report(outcomes: list[Outcome], questions: list[Question], style: Style) -> Report:
    return measure(
        outcomes,
        questions,
        style,
        notes={"Command": "groundtone compare questions.jsonl --limit 60", "Questions": "made up"},
    )
