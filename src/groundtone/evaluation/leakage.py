"""Questions that a model was trained on: what is trained on cannot be measured on.

A question leaks when a training example asks the same, or nearly: after normalisation nine tenths
of the words are shared, or four fifths of the character 4-grams, and every figure, name of a key
or code is the same. "What does ERR-1101 mean?" and "What does ERR-2202 mean?" are two questions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from groundtone.errors import WrongUse
from groundtone.evaluation.metrics import tokens
from groundtone.evaluation.questions import Question

WORDS = 0.9
GRAMS = 0.8
_SHOWN = 5
_CODE = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Leak:
    """One question and the example that gives it away.

    Attributes:
        example: the training example's question.
        alike: how near it is, 0 to 1; 1 is the same question.
    """

    question: Question
    example: str
    alike: float


def leaks(questions: Sequence[Question], trained: Sequence[str]) -> list[Leak]:
    """The questions that `trained` (the questions of training examples) give away, each once."""
    known = [_Text(text) for text in dict.fromkeys(trained)]
    by_word: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(known):
        for word in text.words:
            by_word[word].append(place)
    found = []
    for question in questions:
        asked = _Text(question.question)
        near = {place for word in asked.words for place in by_word.get(word, ())}
        best = max(((asked.alike(known[at]), -at) for at in near), default=(0.0, 0))
        if best[0]:
            found.append(Leak(question, known[-best[1]].text, best[0]))
    return found


def refuse(found: Sequence[Leak]) -> None:
    """Raise for leaks.

    Raises:
        WrongUse: there are any; it names the first few.
    """
    if not found:
        return
    shown = "\n".join(f"  {leak.question.id}: {leak.question.question}" for leak in found[:_SHOWN])
    more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    are = "question is" if len(found) == 1 else "questions are"
    raise WrongUse(
        f"{len(found)} {are} in the examples that the tuned model learned from, or nearly so:\n"
        f"{shown}{more}\n",
        "What is trained on cannot be measured on: take these out, or leave them out with "
        "--skip-leaks.",
    )


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text
        normal = tokens(text)
        self.words = frozenset(normal)
        self._codes = frozenset(word for word in normal if _CODE.search(word))
        joined = " ".join(normal)
        self._grams = frozenset(joined[at : at + 4] for at in range(max(1, len(joined) - 3)))

    def alike(self, other: _Text) -> float:
        """How near two questions are, where that is near enough to be the same; else 0."""
        if self._codes != other._codes or not _near_in_size(self._grams, other._grams):
            return 0.0
        words, grams = _share(self.words, other.words), _share(self._grams, other._grams)
        return max(words, grams) if words >= WORDS or grams >= GRAMS else 0.0


def _near_in_size(one: frozenset[str], other: frozenset[str]) -> bool:
    """Quick to see: texts of lengths so different share too little, whatever they say."""
    return 2 * min(len(one), len(other)) > max(len(one), len(other))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
