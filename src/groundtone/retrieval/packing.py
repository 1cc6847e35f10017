"""Ranked passages into the room that a prompt has: each fact once, in few and whole pieces.

Near-duplicates are folded into the best of them, passages that follow one another in a document
become one, and what costs more than it brings is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from groundtone.retrieval.passage import Passage

ALIKE = 0.85  # share of a passage's runs of words that another holds too
RUN = 4
_WORD = re.compile(r"[^\W_]+")
_NUMBERED = re.compile(r"\S*\d\S*")
_GAP = 200  # characters between neighbours: a heading line, blank lines

Text = Callable[[str, int, int], str]
Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Packed:
    """What found room.

    Attributes:
        passages: best first. A joined one has the rank and the scores of its best part, and the
            span of all.
        folded: ranks of near-duplicates, each with the rank of the passage that stands for it.
        left_out: ranks of those for which there was no room.
    """

    passages: tuple[Passage, ...]
    folded: tuple[tuple[int, int], ...] = ()
    left_out: tuple[int, ...] = ()


def pack(
    passages: Sequence[Passage],
    budget: int,
    *,
    count: Count,
    text: Text | None = None,
    most: int | None = None,
    longest: int | None = None,
) -> Packed:
    """Choose passages for a prompt.

    Args:
        passages: ranked, best first, more than will fit.
        budget: tokens that all may take together.
        count: tokens of a text.
        text: the characters of a document's version from start to end, to join neighbours
            (`Catalog.text`); None joins none.
        most: passages at most, counted before joining.
        longest: tokens that count for one passage at most, where the prompt shows only that much
            of a longer one; None counts it whole.

    Passages are taken in their order; one that does not fit is left out, and shorter ones after it
    may still fit. So the best passage is always there if it fits at all.
    """
    kept: list[Passage] = []
    shingles: list[tuple[Passage, frozenset[int], frozenset[str]]] = []
    folded: list[tuple[int, int]] = []
    left_out: list[int] = []
    for passage in passages:
        mine = (passage, _runs(passage.text), _numbered(passage.text))
        twin = next((other for other in shingles if _alike(mine, other)), None)
        if twin is not None:
            folded.append((passage.rank, twin[0].rank))
            continue
        cost = count(passage.text)
        if longest is not None:
            cost = min(cost, longest)
        if cost > budget or (most is not None and len(kept) >= most):
            left_out.append(passage.rank)
            continue
        budget -= cost
        kept.append(passage)
        shingles.append(mine)
    joined = _joined(kept, text) if text is not None else kept
    return Packed(tuple(joined), tuple(folded), tuple(left_out))


def _alike(
    one: tuple[Passage, frozenset[int], frozenset[str]],
    other: tuple[Passage, frozenset[int], frozenset[str]],
) -> bool:
    """Whether one says what the other says: the same words, and every number the same.

    Pages of two versions of a product are near-duplicates whose difference is the answer.
    """
    if not one[1]:
        return one[0].text.split() == other[0].text.split()
    if not one[2] <= other[2]:
        return False
    return len(one[1] & other[1]) >= ALIKE * len(one[1])


def _runs(text: str) -> frozenset[int]:
    words = _WORD.findall(text.casefold())
    return frozenset(hash(tuple(words[at : at + RUN])) for at in range(len(words) - RUN + 1))


def _numbered(text: str) -> frozenset[str]:
    return frozenset(found.strip(".,;:()[]`\"'") for found in _NUMBERED.findall(text.casefold()))


def _joined(passages: Sequence[Passage], text: Text) -> list[Passage]:
    """Runs of neighbours as one passage each, in the place of the best of them."""
    place = {(passage.version, passage.chunk): passage for passage in passages}
    taken: set[tuple[str, int]] = set()
    found: list[Passage] = []
    for passage in passages:
        if (passage.version, passage.chunk) in taken:
            continue
        first = last = passage
        while (before := place.get((passage.version, first.chunk - 1))) and _adjacent(
            before, first, taken
        ):
            first = before
        while (after := place.get((passage.version, last.chunk + 1))) and _adjacent(
            last, after, taken
        ):
            last = after
        taken.update((passage.version, chunk) for chunk in range(first.chunk, last.chunk + 1))
        if first is not last:
            passage = replace(
                passage,
                start=first.start,
                end=last.end,
                text=text(passage.version, first.start, last.end),
            )
        found.append(passage)
    return found


def _adjacent(first: Passage, second: Passage, taken: set[tuple[str, int]]) -> bool:
    """Whether one follows the other in one section of one page: a citation names both."""
    return (
        first.headings == second.headings
        and first.page == second.page
        and (first.version, first.chunk) not in taken
        and (second.version, second.chunk) not in taken
        and 0 <= second.start - first.end <= _GAP
    )
