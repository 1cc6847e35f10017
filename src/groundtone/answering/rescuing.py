"""The passage sentence that speaks most of what was asked: quoted where the answer does not stand,
or is about something else."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from groundtone.answering.attribution import Source, likeness
from groundtone.answering.evidence import Evidence
from groundtone.answering.wording import wording

_COUNTS = re.compile(
    r"\b(?:how\s+(?:long|many|much|often|far|old|large|big|high|fast|late|soon)|when|at\s+most|"
    r"at\s+least|maximum|minimum|limit)\b",
    re.IGNORECASE,
)
_FIGURE = 0.4  # what a figure is worth there
_BESIDE = 0.35  # weighed share of what is asked that an answer about something else lacks


def telling(question: str, read: Evidence) -> Source | None:
    """The passage sentence that speaks most of what is asked; None where none does.

    It must share half of the question's words, or more than one, and say something more. What it
    goes on from counts, and comes with it: "It includes 3 seats" alone says not what does.
    """
    said = wording(question)
    if not read.units:
        return None
    shares = likeness(question, said, read)
    shares += [
        read.coverage(said.content, reach) - read.coverage(said.content, unit.wording.content)
        for unit, reach in zip(read.units, read.reaches, strict=True)
    ]
    if _COUNTS.search(question):  # who asks how long wants a figure
        shares += [_FIGURE * bool(u.wording.values - said.values) for u in read.units]
    for index in map(int, np.argsort(-shares, kind="stable")[:5]):
        unit, reach = read.units[index], read.reaches[index]
        shared = reach & said.content
        enough = len(shared) > 1 or 2 * len(shared) >= len(said.content) > 0
        if enough and unit.wording.content - said.content:
            first = index
            while (origin := read.origins[first]) is not None and origin == first - 1:
                first = origin
            return Source(unit.passage, read.units[first].start, unit.end)
    return None


def besides(question: str, told: Source, sources: Iterable[Source], read: Evidence) -> bool:
    """Whether an answer is about something else than what was asked.

    That is so where the paragraphs that it rests on lack much of what is asked, and one sentence,
    the one that `telling` finds, has it: "Pump A is serviced by Ada" tells not where pump A is.
    Of the answers that people wrote (`bench/refusal.py`'s questions) 1 in 240 is taken for such.

    Args:
        sources: what the answer rests on.
    """
    asked = wording(question).content & read.known
    rests = {(source.passage, source.end) for source in sources}
    held: set[str] = set()
    best = 0.0
    for block in read.blocks:
        ends = {(read.units[index].passage, read.units[index].end): index for index in block}
        if rests & ends.keys():
            held.update(*(read.reaches[index] for index in block))
        if (told.passage, told.end) in ends:
            best = read.coverage(asked, read.reaches[ends[told.passage, told.end]])
    return best - read.coverage(asked, frozenset(held)) >= _BESIDE
