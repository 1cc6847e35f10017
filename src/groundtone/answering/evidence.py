"""Passages as sentences: each read once, embedded at most once, and weighed by how rare it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from groundtone.answering.statements import Statement, cells, statements
from groundtone.answering.wording import Wording, wording
from groundtone.retrieval import Passage

Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts → L2-normalised vectors, float32 [len(texts), dimensions]."""

LONGEST = 1_200  # characters of one sentence that count: a table poured into one line


@dataclass(frozen=True, slots=True)
class Unit:
    """One statement of a passage: a sentence, or the row of a table.

    Attributes:
        passage: index of the passage.
        start, end: its span in the passage's text.
        wording: what it says; a row's content words are its header's as well.
        header: the row of names above a row of a table; "" for what has none.
    """

    passage: int
    start: int
    end: int
    wording: Wording
    header: str = ""


class Evidence:
    """What sentences are held against.

    Args:
        passages: passages, or plain strings.
        embed: makes the vectors of sentences; None compares words only.
    """

    def __init__(self, passages: Sequence[Passage | str], embed: Embed | None = None) -> None:
        self.passages = passages
        self.embed = embed
        self._vectors: dict[str, np.ndarray] = {}

    def text(self, index: int) -> str:
        """The text of a passage."""
        passage = self.passages[index]
        return passage if isinstance(passage, str) else passage.text

    @cached_property
    def units(self) -> list[Unit]:
        """Every statement of every passage, in order."""
        return [
            Unit(index, one.start, one.end, _read(self.text(index), one), one.header)
            for index, passage in enumerate(self.passages)
            for one in statements(self.text(index), getattr(passage, "document", ""))
        ]

    @cached_property
    def about(self) -> list[frozenset[str]]:
        """For each passage, the words of its title and headings: said of all its sentences."""
        return [
            wording(" ".join([p.title, *p.headings])).content
            if isinstance(p, Passage)
            else frozenset()
            for p in self.passages
        ]

    @cached_property
    def weights(self) -> dict[str, float]:
        """Inverse document frequency over the sentences: rare words tell more."""
        counts = Counter(word for unit in self.units for word in unit.wording.content)
        return {word: math.log(1 + len(self.units) / n) for word, n in counts.items()}

    @cached_property
    def unseen(self) -> float:
        """The weight of a word that stands in no sentence: as much as the rarest."""
        return max(self.weights.values(), default=1.0)

    def coverage(self, said: frozenset[str], found: frozenset[str]) -> float:
        """The weighed share of the said words that was found, 0..1."""
        # fsum: the order of a set differs from run to run, and must not decide between equals.
        total = math.fsum(self.weights.get(word, self.unseen) for word in said)
        if not total:
            return 0.0
        return math.fsum(self.weights.get(word, self.unseen) for word in said & found) / total

    def vectors(self, texts: Sequence[str]) -> np.ndarray | None:
        """The vectors of these texts, those of earlier calls remembered; None without `embed`."""
        if self.embed is None:
            return None
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self.embed(new), strict=True))
        return np.stack([self._vectors[text] for text in texts])

    def unit_text(self, unit: Unit) -> str:
        """The sentence itself."""
        return self.text(unit.passage)[unit.start : min(unit.end, unit.start + LONGEST)]

    def spoken(self, unit: Unit) -> str:
        """The same as its vector is made of: each cell of a row with its name."""
        text = self.unit_text(unit)
        if not unit.header:
            return text
        names, held = cells(unit.header), cells(text)
        if len(names) != len(held):
            return text
        return "; ".join(f"{name}: {cell}" for name, cell in zip(names, held, strict=True) if cell)


def _read(text: str, one: Statement) -> Wording:
    said = wording(text[one.start : min(one.end, one.start + LONGEST)])
    if not one.header:
        return said
    return replace(said, content=said.content | wording(one.header[:LONGEST]).content)
