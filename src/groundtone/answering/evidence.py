"""Passages as sentences: each read once, embedded at most once, and weighed by how rare it is."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from groundtone.answering.statements import Statement, cells, statements
from groundtone.answering.wording import Wording, union, wording
from groundtone.retrieval import Passage

Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts → L2-normalised vectors, float32 [len(texts), dimensions]."""

_PRONOUN = re.compile(
    r"\W*(?:it|its|they|their|he|his|she|her|this|these|that|those|such|both|there|also)\b", re.I
)
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")
_ITEM = re.compile(r"(?:[-*+•]|\(?\d{1,2}[.)])\s")
_ENDS = tuple(".!?:;\"'”’)]")
ADJACENT = 3  # sentences
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
    def whole(self) -> Wording:
        """All statements as one: what is said anywhere."""
        return union([unit.wording for unit in self.units])

    @cached_property
    def names(self) -> frozenset[str]:
        """The words that are a name in some sentence."""
        return frozenset().union(*(unit.wording.names for unit in self.units))

    @cached_property
    def known(self) -> frozenset[str]:
        """The words of every sentence, title and heading."""
        return frozenset().union(*self.reaches)

    @cached_property
    def origins(self) -> list[int | None]:
        """For each statement the index of the one it goes on from: the one before where it begins
        with a pronoun, is a line of its own, or stands behind a colon or a question; for an item
        what its list is of."""
        found: list[int | None] = []
        head, before, end = 0, -1, ""
        for index, unit in enumerate(self.units):
            text = self.unit_text(unit).strip()
            item = _ITEM.match(text) is not None
            origin = None
            if unit.passage == before and not unit.header:
                if item:
                    origin = head
                elif _PRONOUN.match(text) or end in (":", "?") or text[-1:] not in _ENDS:
                    origin = index - 1
            found.append(origin)
            before, end = unit.passage, text[-1:]
            head = head if item and origin is not None else index
        return found

    @cached_property
    def reaches(self) -> list[frozenset[str]]:
        """For each statement its words, those above it, in headings and title, and those of what
        it goes on from."""
        found: list[frozenset[str]] = []
        for unit, origin in zip(self.units, self.origins, strict=True):
            words = unit.wording.content | unit.wording.values | self.about[unit.passage]
            found.append(words if origin is None else words | found[origin])
        return found

    def context(self, index: int) -> str:
        """The text of a statement, behind that of what it goes on from."""
        text = self.unit_text(self.units[index])
        origin = self.origins[index]
        return text if origin is None else f"{self.context(origin)} {text}"

    @cached_property
    def windows(self) -> list[frozenset[str]]:
        """What stands together: what `ADJACENT` statements of a paragraph reach, and its first
        one (in tables there is none)."""
        found = []
        for block in self.blocks:
            first = frozenset() if self.units[block[0]].header else self.reaches[block[0]]
            found += [
                first.union(*(self.reaches[index] for index in block[at : at + ADJACENT]))
                for at in range(len(block))
            ]
        return found

    @cached_property
    def blocks(self) -> list[list[int]]:
        """Paragraphs, as indexes of their statements. A list belongs to the paragraph before it,
        and plain strings of one sentence follow one another."""
        blocks: list[list[int]] = []
        counts = Counter(unit.passage for unit in self.units)
        for index, unit in enumerate(self.units):
            last = self.units[index - 1] if index else None
            if last is None:
                follows = False
            elif unit.passage != last.passage:
                plain = isinstance(self.passages[unit.passage], str)
                follows = plain and counts[unit.passage] == 1
            else:
                between = self.text(unit.passage)[last.end : unit.start]
                item = _ITEM.match(self.unit_text(unit)) is not None
                follows = bool(unit.header) or item or not _PARAGRAPH.search(between)
            if follows:
                blocks[-1].append(index)
            else:
                blocks.append([index])
        return blocks

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
