"""Would more examples help? A free estimate, from a word model that learns the form of answers.

Facts come from documents, form from training; so all words but the common ones are blanked ("Go to
W > W > W."), and a model of word triples is shown a quarter, a half and all of the examples but a
tenth, and asked each time how surprised it is by that tenth. Where the last doubling still made it
less surprised, the file does not yet hold the forms that answers take. This is no measurement of
the model: `tune check --learning-curve` makes one.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundtone.answering import labels
from groundtone.tuning.examples import Example

ROUNDS = 5
FEWEST = 40
"""Examples below which a tenth says nothing."""
SLIGHT = 0.05  # bits a word that are no difference
_WORD = re.compile(r"\d+|[^\W\d_]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Curve:
    """Bits a word that the held-out tenth takes, by the share of the others that was learned.

    Attributes:
        gain: share by which the last doubling lowered the bits, 0 to 1 (less than 0: raised).
        hint: what follows, in a sentence.
        method: ``word model`` for the free estimate.
    """

    quarter: float
    half: float
    all: float
    gain: float
    hint: str
    method: str = "word model"


def estimate(rows: Sequence[Example], *, seed: int = 0) -> Curve | None:
    """The estimate, the mean of `ROUNDS` draws; None for fewer than `FEWEST` examples."""
    if len(rows) < FEWEST:
        return None
    texts = _forms([labels.strip(row.answer) for row in rows])
    words = len({word for text in texts for word in text}) + 1
    sums = [0.0, 0.0, 0.0]
    for number in range(ROUNDS):
        order = list(texts)
        random.Random(f"{seed}/{number}").shuffle(order)
        size = max(4, len(order) // 10)
        held, rest = order[:size], order[size:]
        for place, share in enumerate((4, 2, 1)):
            sums[place] += _bits(rest[: len(rest) // share], held, words)
    quarter, half, whole = (round(total / ROUNDS, 3) for total in sums)
    gain = round(1 - whole / half, 4) if half else 0.0
    return Curve(quarter, half, whole, gain, _hint(gain if half - whole > SLIGHT else 0.0))


def _hint(gain: float) -> str:
    if gain >= 0.05:
        return (
            "The second half of the examples still brought new forms of answers: more are worth "
            "collecting."
        )
    if gain >= 0.02:
        return "The second half of the examples brought a few new forms: more may help a little."
    return "The second half of the examples brought no new forms: more of the kind teach little."


def _forms(answers: Sequence[str]) -> list[list[str]]:
    """Answers as words, of which only those that stand in one of twenty answers are kept."""
    texts = [_WORD.findall(answer) for answer in answers]
    often = Counter(word for text in texts for word in {word.casefold() for word in text})
    least = max(3, len(texts) / 20)

    def shown(word: str) -> str:
        if word.isdigit():
            return "0"
        if often[word.casefold()] >= least or not word[0].isalpha():
            return word.casefold()
        return "W" if word[0].isupper() else "w"

    return [[shown(word) for word in text] for text in texts]


def _bits(taught: Sequence[Sequence[str]], held: Sequence[Sequence[str]], words: int) -> float:
    """Mean bits a word; a word's chance is mixed from triples, pairs, single words, even odds."""
    counts: list[Counter[tuple[str, ...]]] = [Counter(), Counter(), Counter()]
    for text in taught:
        for at, gram in _grams(text):
            counts[at][gram] += 1
    before: list[Counter[tuple[str, ...]]] = [Counter(), Counter(), Counter()]
    for own, over in zip(counts, before, strict=True):
        for gram, count in own.items():
            over[gram[:-1]] += count
    bits, total = 0.0, 0
    for text in held:
        chance = 1 / words
        for at, gram in _grams(text):
            seen = before[at][gram[:-1]]
            trust = seen / (seen + 4)
            chance = (1 - trust) * chance + (trust * counts[at][gram] / seen if seen else 0.0)
            if at == 2:
                bits -= math.log2(max(chance, 1e-6))
                total += 1
                chance = 1 / words
    return bits / max(1, total)


def _grams(text: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Of each word: itself, with the one before, with the two before."""
    padded = ("^", "^", *text, "$")
    for end in range(2, len(padded)):
        for at in range(3):
            yield at, padded[end - at : end + 1]
