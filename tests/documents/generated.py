"""One made-up content for all formats: sections with paragraphs, lists, a table and code."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass

_SYLLABLES = re.findall("..", "bacedifogukalemi" + "nopurasetivowuya")


@dataclass(frozen=True)
class Section:
    title: str
    paragraphs: list[str]
    items: list[str]
    table: list[list[str]]
    code: list[str]


def content(seed: int, sections: int = 6) -> list[Section]:
    """The same sections for the same seed; no word of them is a mark of any format."""
    chance = random.Random(seed)

    def word() -> str:
        return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(2, 4)))

    def sentence(length: int) -> str:
        return (" ".join(word() for _ in range(length)) + ".").capitalize()

    return [
        Section(
            title=" ".join(word().capitalize() for _ in range(3)),
            paragraphs=[
                " ".join(sentence(chance.randint(6, 14)) for _ in range(chance.randint(1, 4)))
                for _ in range(3)
            ],
            items=[sentence(5) for _ in range(4)],
            table=[
                [word().capitalize() for _ in range(3)],
                *([word(), str(chance.randint(10, 9999)), word()] for _ in range(4)),
            ],
            code=[f"{word()} --{word()} {chance.randint(1, 99)}" for _ in range(3)],
        )
        for _ in range(sections)
    ]


def words(text: str) -> Counter[str]:
    """Letters and digits between everything else, in lower case."""
    return Counter(re.findall(r"[^\W_]+", text.lower()))


def all_words(sections: list[Section], *, code: bool = True) -> Counter[str]:
    """The words that a reader should find."""
    parts = []
    for section in sections:
        parts += [section.title, *section.paragraphs, *section.items]
        parts += [cell for row in section.table for cell in row]
        parts += section.code if code else []
    return words(" ".join(parts))


def recall_and_precision(found: Counter[str], wanted: Counter[str]) -> tuple[float, float]:
    """Shares of the wanted words that were found, and of the found words that were wanted."""
    both = (found & wanted).total()
    return both / wanted.total(), both / found.total()
