"""How far passages support a sentence: a calibrated score from a handful of plain signs.

A few signs are read and put through a logistic regression: how many of the sentence's content
words stand together in three adjacent passage sentences, how much of it the best three sentences
cover, how near their vectors lie, how many of its figures (with their units) and names stand
nowhere, whether one stands in another's place, and whether a negation or an opposite turns its
sense. The weights were fitted by bench/support.py on the development halves of WiCE and ClapNQ and
stand in ``fitted.json``; docs/answers.md has the measurements. Without an embedder a second set of
weights goes without the vectors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from groundtone.answering.alignment import swapped
from groundtone.answering.evidence import ADJACENT, Embed, Evidence, Unit
from groundtone.answering.wording import (
    Wording,
    missing_quantities,
    stem_of,
    turned,
    union,
    wording,
)
from groundtone.errors import GroundtoneError
from groundtone.retrieval import Passage

NAMES = (
    "together", "near", "nearest", "figures", "apart", "names", "opposed", "other_name", "swapped",
)  # fmt: skip
WORDS_ONLY = tuple(name for name in NAMES if name not in ("near", "nearest"))
AHEAD = 24  # sentences whose vectors are looked at, those that share most words first
_SAME = 0.7  # share of a sentence's plain words from which on another says nearly the same
_BEGINNING = 5  # letters that two forms of a word share


def support(sentence: str, passages: Sequence[Passage | str]) -> float:
    """How far the passages' text supports the sentence: 0..1, 0.5 where it is a toss-up.

    The default embedder is used when its weights are on this machine; without them words alone
    are compared.

    >>> text = "Deleted boards stay in the trash for 30 days."
    >>> support("A deleted board is kept for 30 days.", [text]) > 0.5
    True
    >>> support("A deleted board is kept for 90 days.", [text]) < 0.5
    True
    """
    return score(sentence, Evidence(passages, _default_embed()))


def score(sentence: str, evidence: Evidence) -> float:
    """The same against evidence that is already read; 0 when either says nothing."""
    said = wording(sentence)
    if not said.content or not evidence.units:
        return 0.0
    signs = features(sentence, evidence)
    return chance("support" if evidence.embed else "support_words", signs)


def features(sentence: str, evidence: Evidence) -> dict[str, float]:
    """The signs, by name; "near" and "nearest" only with an embedder.

    together: share of content words (by stem, or by the first five letters) found in the best
        three adjacent sentences.
    near, nearest: cosine with the mean of the three nearest sentences; mean cosine of the two
        nearest.
    figures, names: how many stand nowhere in the evidence (a figure with another unit counts).
    apart: how many figures do not stand in the three sentences that cover most.
    opposed, other_name: only where one passage sentence says nearly the same: 1 where a negation or
        an opposite turns its sense; how many names stand nowhere.
    swapped: 1 where something stands in another's place, see `alignment`.
    """
    said = wording(sentence)
    chosen, _ = best_together(said, evidence)
    best = union([evidence.units[index].wording for index in chosen])
    held = evidence.whole
    titles = frozenset().union(*evidence.about)
    strange = len(said.names - held.content - titles)
    echo = _echo(said, evidence)
    signs = {
        "together": _together(said, evidence),
        "figures": min(3.0, float(missing_quantities(said, held))),
        "apart": min(3.0, float(missing_quantities(said, best))),
        "names": min(4.0, float(strange)),
        "opposed": float(echo is not None and (said.negated != echo.negated or turned(said, echo))),
        "other_name": min(2.0, float(strange)) if echo else 0.0,
        "swapped": float(swapped(sentence, evidence)),
    }
    if evidence.embed is not None:
        signs |= _nearness(sentence, evidence)
    return signs


def best_together(said: Wording, evidence: Evidence, most: int = 3) -> tuple[list[int], float]:
    """The sentences that cover most of what is said, chosen one after the other.

    Returns:
        Indexes into ``evidence.units``, and the share they cover together, 0..1.
    """
    chosen: list[int] = []
    found: frozenset[str] = frozenset()
    covered = 0.0
    content = [unit.wording.content for unit in evidence.units]
    rest = [index for index, words in enumerate(content) if words & said.content]
    while rest and len(chosen) < most:
        gained = {i: evidence.coverage(said.content, found | content[i]) for i in rest}
        best = max(rest, key=lambda i: (gained[i], -i))
        if gained[best] <= covered + 1e-9:
            break
        chosen.append(best)
        found, covered = found | content[best], gained[best]
        rest.remove(best)
    return chosen, covered


def chance(model: str, signs: dict[str, float]) -> float:
    """A fitted logistic regression's probability for these signs."""
    fitted = constants()[model]
    total = fitted["intercept"] + sum(w * signs[name] for name, w in fitted["weights"].items())
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, total)))), 4)


@cache
def constants() -> dict[str, Any]:
    """What bench/support.py fitted."""
    text = (Path(__file__).parent / "fitted.json").read_text("utf-8")
    fitted: dict[str, Any] = json.loads(text)
    return fitted


def echoes(said: Wording, evidence: Evidence) -> list[Unit]:
    """The passage sentences that say nearly the same, figures and names aside."""
    words = said.content - said.values - said.names - {stem_of(pole) for pole in said.poles}
    if not words:
        return []
    return [
        unit for unit in evidence.units if evidence.coverage(words, unit.wording.content) >= _SAME
    ]


def _together(said: Wording, evidence: Evidence) -> float:
    best = 0
    words = [(word, _beginning(word)) for word in said.content]
    for run in _runs(evidence.units, evidence):
        heads = [{_beginning(word) for word in unit.wording.content} for unit in run]
        for at in range(len(run)):
            seen = set().union(*heads[at : at + ADJACENT])
            best = max(best, sum(head in seen for _, head in words))
    return best / len(words)


def _echo(said: Wording, evidence: Evidence) -> Wording | None:
    """The passage sentence that says nearly the same, figures and names aside; None without one."""
    best = max(
        echoes(said, evidence),
        key=lambda unit: evidence.coverage(said.content, unit.wording.content),
        default=None,
    )
    return best.wording if best else None


def _runs(units: Sequence[Unit], evidence: Evidence) -> list[list[Unit]]:
    """Sentences that stand together: those of one passage; plain strings follow one another."""

    def key(unit: Unit) -> int:
        return unit.passage if isinstance(evidence.passages[unit.passage], Passage) else -1

    return [list(run) for _, run in groupby(units, key)]


def _beginning(word: str) -> str:
    return word[:_BEGINNING] if word.isalpha() else word


def _nearness(sentence: str, evidence: Evidence) -> dict[str, float]:
    said = wording(sentence).content
    ahead = sorted(evidence.units, key=lambda unit: -evidence.coverage(said, unit.wording.content))[
        :AHEAD
    ]
    vectors = evidence.vectors([sentence, *(evidence.spoken(unit) for unit in ahead)])
    assert vectors is not None
    cosines = vectors[1:] @ vectors[0]
    order = np.argsort(-cosines)
    mean = vectors[1:][order[:3]].mean(0)
    return {
        "near": float(mean @ vectors[0] / max(float(np.linalg.norm(mean)), 1e-9)),
        "nearest": float(cosines[order[:2]].mean()),
    }


@cache
def _default_embed() -> Embed | None:
    from groundtone.embedding import open_embedder

    try:
        return open_embedder("all-minilm-l6-v2").embed
    except GroundtoneError:
        return None
