"""From a situation, yes or no in each respect, to one of four ways: the rules, and nothing else.

Kept this small so that it can be run for every situation that is possible: what is unknown is
tried both ways, and what would change the verdict is found by trying.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Literal

Verdict = Literal["prompt only", "RAG", "fine-tune", "both", "not enough evidence yet"]
Situation = Mapping[str, bool]

RESPECTS = (
    "facts",
    "cited",
    "fits",
    "changing",
    "form",
    "held",
    "heavy",
    "trainable",
    "enough",
    "plenty",
    "gains",
)
"""
facts: answers need what stands in the documents.
cited: they must say where.
fits: all of it fits into a prompt.
changing: it changes faster than training again would pay.
form: a strict format or house style is needed.
held: prompting alone keeps it.
heavy: what training could take out of the prompt costs more than training.
trainable: training can be afforded.
enough, plenty: examples for a style; examples for a domain.
gains: training was not measured to bring nothing.
"""


def decide(s: Situation) -> Verdict:
    """The way for a situation that is known in each of RESPECTS."""
    can_train = s["trainable"] and s["enough"] and s["gains"]
    into_weights = can_train and s["plenty"] and s["heavy"]
    if not s["facts"]:
        retrieves = False
    elif s["cited"]:
        retrieves = True  # a weight has no page that could be opened
    elif s["fits"]:
        retrieves = False  # the prompt holds it all, today's version
    else:
        retrieves = s["changing"] or not into_weights
    trains = can_train and ((s["form"] and not s["held"]) or s["heavy"])
    if retrieves:
        return "both" if trains else "RAG"
    return "fine-tune" if trains else "prompt only"


def possible(known: Mapping[str, bool | None]) -> dict[Verdict, list[dict[str, bool]]]:
    """Every verdict that what is unknown (None) leaves open, with its situations."""
    found: dict[Verdict, list[dict[str, bool]]] = {}
    for situation in _situations(known):
        found.setdefault(decide(situation), []).append(situation)
    return found


def undecided(known: Mapping[str, bool | None]) -> list[str]:
    """The unknown respects that the verdict depends on, in the order of RESPECTS."""
    return [
        name
        for name in RESPECTS
        if known[name] is None
        and any(
            decide({**situation, name: True}) != decide({**situation, name: False})
            for situation in _situations(known)
        )
    ]


def turning(known: Mapping[str, bool]) -> list[tuple[tuple[str, ...], Verdict]]:
    """What would change the verdict: each respect alone, then two together where neither would."""
    verdict = decide(known)
    found: list[tuple[tuple[str, ...], Verdict]] = []
    for size in (1, 2):
        for names in itertools.combinations(RESPECTS, size):
            if any(set(fewer) <= set(names) for fewer, _ in found):
                continue
            other = {**known, **{name: not known[name] for name in names}}
            if _consistent(other) and decide(other) != verdict:
                found.append((names, decide(other)))
    return found


def _situations(known: Mapping[str, bool | None]) -> Iterator[dict[str, bool]]:
    unknown = [name for name in RESPECTS if known[name] is None]
    for values in itertools.product((False, True), repeat=len(unknown)):
        told = {name: bool(value) for name, value in known.items() if value is not None}
        situation = {**told, **dict(zip(unknown, values, strict=True))}
        if _consistent(situation):
            yield situation


def _consistent(situation: Mapping[str, bool]) -> bool:
    return situation["enough"] or not situation["plenty"]
