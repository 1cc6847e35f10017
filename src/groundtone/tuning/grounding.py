"""Which passages hold the answer of an example: one that does, or a few that do together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from groundtone import sentences
from groundtone.answering import overlap
from groundtone.answering.overlap import Support
from groundtone.retrieval import Passage

SUPPORTED = 0.5
"""An answer, or a sentence of it, stands in a passage from this support on."""
ENOUGH = 0.75
"""Share of an answer's text whose sentences must stand in passages, where no passage holds all."""


def holders(answer: str, candidates: Sequence[Passage], most: int) -> list[Passage]:
    """The passages that hold an answer, the one that holds most of it first.

    A single passage that supports the answer as a whole is enough. A longer answer is otherwise
    looked at sentence by sentence, for it may say what stands in several places, of one passage
    or of several.

    Args:
        answer: without labels.
        candidates: passages, in order of preference.
        most: passages at most.

    Returns:
        Them, each with the window that holds what is said of it; empty: the answer does not stand
        there.
    """
    whole = [overlap.align([answer], [passage])[0] for passage in candidates]
    best = max(range(len(whole)), key=lambda at: _score(whole[at]), default=None)
    if best is not None and _score(whole[best]) >= SUPPORTED:
        return [_windowed(candidates[best], [whole[best]])]
    parts = [answer[start:end] for start, end in sentences.split(answer)]
    if len(parts) < 2:
        return []
    told = [overlap.align(parts, [passage]) for passage in candidates]
    left = set(range(len(parts)))
    chosen: list[Passage] = []
    while left and len(chosen) < most:
        gains = [
            sum(len(parts[at]) for at in left if _score(supports[at]) >= SUPPORTED)
            for supports in told
        ]
        best = max(range(len(gains)), key=gains.__getitem__, default=None)
        if best is None or not gains[best]:
            break
        held = {at for at in left if _score(told[best][at]) >= SUPPORTED}
        chosen.append(_windowed(candidates[best], [told[best][at] for at in held]))
        left -= held
    missing = sum(len(parts[at]) for at in left)
    return chosen if missing <= (1 - ENOUGH) * sum(map(len, parts)) else []


def _score(support: Support | None) -> float:
    return support.score if support else 0.0


def _windowed(passage: Passage, supports: Sequence[Support | None]) -> Passage:
    """The passage with a window that holds what supports, whichever window was found."""
    known = [support for support in supports if support is not None]
    start = passage.start + min(support.start for support in known)
    end = passage.start + max(support.end for support in known)
    low, high = passage.window
    return passage if low <= start and end <= high else replace(passage, window=(start, end))
