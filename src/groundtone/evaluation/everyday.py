"""Thirty everyday questions that no manual answers: what a model knew before it was tuned.

A tuned model that fails them has lost more than it should. They are asked without documents, of the
base and of the tuned model, in the same voice; an answer is right when it holds an accepted word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundtone.evaluation.statistics import mcnemar

TOKENS = 12
"""Tokens of an answer: a tiny model names it within its first sentence, or not at all."""

QUESTIONS: tuple[tuple[str, str], ...] = (
    ("What is the capital of France?", "Paris"),
    ("What is the capital of Italy?", "Rome"),
    ("What is the capital of Japan?", "Tokyo"),
    ("What is the capital of Spain?", "Madrid"),
    ("On which continent is Egypt?", "Africa"),
    ("On which continent is Brazil?", "South America|America"),
    ("Which planet do we live on?", "Earth"),
    ("Which star is nearest to the Earth?", "Sun"),
    ("Which planet is called the red planet?", "Mars"),
    ("What do bees make?", "honey"),
    ("What does a cow give that people drink?", "milk"),
    ("What colour is the sky on a clear day?", "blue"),
    ("What colour is grass?", "green"),
    ("What colour is snow?", "white"),
    ("How many days has a week?", "seven|7"),
    ("How many months has a year?", "twelve|12"),
    ("How many hours has a day?", "twenty-four|24"),
    ("How many legs has a spider?", "eight|8"),
    ("How many legs has a dog?", "four|4"),
    ("What is two plus two?", "four|4"),
    ("What is ten minus three?", "seven|7"),
    ("What is frozen water called?", "ice"),
    ("What is the opposite of hot?", "cold"),
    ("What is the opposite of up?", "down"),
    ("Which day comes after Monday?", "Tuesday"),
    ("Which month comes after March?", "April"),
    ("Who wrote the play Romeo and Juliet?", "Shakespeare"),
    ("What is the largest ocean?", "Pacific"),
    ("Which gas do people need to breathe?", "oxygen"),
    ("What do you use to cut paper?", "scissors"),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """How many of the questions were answered rightly, and whether the difference is luck.

    Attributes:
        before, after: share of right answers, base and tuned.
        p: of a McNemar test of the questions that only one of them answered.
        questions: how many were asked.
    """

    before: float
    after: float
    p: float
    questions: int

    @property
    def lost(self) -> bool:
        """Whether the tuned model answers significantly fewer."""
        return self.after < self.before and self.p < 0.05


def right(number: int, answer: str) -> bool:
    """Whether this is a right answer to the question of that number.

    >>> right(14, "A week has 7 days."), right(14, "17")
    (True, False)
    """
    return re.search(rf"\b(?:{QUESTIONS[number][1]})\b", answer, re.IGNORECASE) is not None


def probed(before: list[str], after: list[str]) -> Probe:
    """Judge two lists of answers, in the order of :data:`QUESTIONS`."""
    one = [right(number, answer) for number, answer in enumerate(before)]
    two = [right(number, answer) for number, answer in enumerate(after)]
    lost = sum(a and not b for a, b in zip(one, two, strict=True))
    gained = sum(b and not a for a, b in zip(one, two, strict=True))
    p = mcnemar(lost, gained) if lost or gained else 1.0
    return Probe(sum(one) / len(one), sum(two) / len(two), p, len(one))
