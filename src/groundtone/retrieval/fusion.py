"""Two searches, one order: every chunk that either found gets one score, 0 to 1.

The rules were compared on six collections: docs/retrieval.md, made by bench/fusion.py.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from groundtone.catalog import Key
from groundtone.index import Hit
from groundtone.retrieval.nearness import Pairs

Parts = dict[str, float]
"""What each part of a rule adds to the score of one chunk, by name."""

WEIGHTS = {"vectors": 8.5, "words": 2.7, "phrases": 1.3, "nearness": 3.4}
"""Of the features; fitted by bench/fusion.py, only their ratios count."""

READ = 64
RANK_CONSTANT = 60  # of reciprocal rank fusion, as Cormack et al. (2009) chose it


class Sides:
    """What both searches found, by chunk: a chunk has the score of its best window.

    Args:
        dense, lexical: hits of one search, best first.
        live: versions that count; None: all.

    Attributes:
        dense: cosine of each chunk that the search by vectors found.
        lexical: BM25 score of each that the search by words found.
        cosine: every cosine that is known, also of chunks that only words found.
        window: the window that matched best: by its vector if that is known.
        words: the words of the windows that were found, where the store tells them.
    """

    def __init__(
        self,
        dense: Sequence[Hit],
        lexical: Sequence[Hit],
        live: Container[str] | None = None,
    ) -> None:
        if live is not None:
            dense = [hit for hit in dense if hit.version in live]
            lexical = [hit for hit in lexical if hit.version in live]
        self.dense: dict[Key, float] = {}
        self.lexical: dict[Key, float] = {}
        self.window: dict[Key, int] = {}
        self.words: dict[Key, list[str]] = {}
        seen: set[tuple[str, int, int]] = set()
        for hit in (*dense, *lexical):
            place = (hit.version, hit.chunk, hit.window)
            if hit.words is not None and place not in seen:
                seen.add(place)
                self.words.setdefault(place[:2], []).append(hit.words)
        for hit in dense:
            key = (hit.version, hit.chunk)
            if key not in self.dense:
                self.dense[key] = hit.score
                self.window[key] = hit.window
        self.cosine = dict(self.dense)
        for hit in lexical:
            key = (hit.version, hit.chunk)
            self.lexical.setdefault(key, hit.score)
            self.window.setdefault(key, hit.window)
            if hit.cosine is not None and hit.cosine > self.cosine.get(key, -2.0):
                self.cosine[key] = hit.cosine


def fuse(
    rule: str,
    sides: Sides,
    question: str,
    dense_weight: float,
    weights: Mapping[str, float] = WEIGHTS,
) -> dict[Key, Parts]:
    """Score every chunk by one rule.

    Args:
        rule: "learned", "weighted", "ranks", "vectors" or "words".
        sides: what was found.
        question: what was asked; only "learned" reads it.
        dense_weight: share of vectors under "weighted".
        weights: of the features under "learned"; a tuned retriever has its own.

    Returns:
        the parts of each chunk's score; their sum is the score.
    """
    if rule == "learned":
        return _learned(sides, question, weights)
    if rule == "weighted":
        return _weighted(sides, dense_weight)
    return {"ranks": _ranks, "vectors": _vectors, "words": _words}[rule](sides)


def _learned(sides: Sides, question: str, weights: Mapping[str, float]) -> dict[Key, Parts]:
    """A linear model of four features, fitted by bench/fusion.py."""
    total = sum(weights.values())
    return {
        key: {name: weights[name] * value / total for name, value in found.items()}
        for key, found in features(sides, question).items()
    }


def features(sides: Sides, question: str) -> dict[Key, dict[str, float]]:
    """What "learned" knows of each chunk, each 0 to 1.

    vectors: the cosine, as it is. words: BM25 as a share of the best. phrases: how many of the
    question's neighbouring words stand side by side in the windows that were found; and nearness:
    how many stand within a few words, in any order (`nearness`). Stop words do not count. The last
    two are looked up for the `READ` chunks that are best by the first two.
    """
    best = max(sides.lexical.values(), default=0.0) or 1.0
    found = {
        key: {
            "vectors": min(1.0, max(0.0, sides.cosine.get(key, 0.0))),
            "words": sides.lexical.get(key, 0.0) / best,
            "phrases": 0.0,
            "nearness": 0.0,
        }
        for key in sides.window
    }
    pairs = Pairs(question)
    if pairs and sides.words:
        first = sorted(found, key=lambda key: (-_first(found[key]), key))[:READ]
        within = pairs.within([sides.words.get(key, ()) for key in first])
        for key, (phrases, near) in zip(first, within, strict=True):
            found[key]["phrases"], found[key]["nearness"] = phrases, near
    return found


def _first(found: Parts) -> float:
    return WEIGHTS["vectors"] * found["vectors"] + WEIGHTS["words"] * found["words"]


def _weighted(sides: Sides, dense_weight: float) -> dict[Key, Parts]:
    """A convex combination (Bruch et al. 2023).

    Cosines are scaled from the worst candidate to the best, since no text is at 0; BM25 scores by
    the best alone, since 0 means no shared word. What a search did not find has 0 there.
    """
    low, high = _bounds(sides.dense)
    best = max(sides.lexical.values(), default=0.0) or 1.0
    found: dict[Key, Parts] = {key: {} for key in sides.window}
    for key, score in sides.dense.items():
        scaled = (score - low) / (high - low) if high > low else 1.0
        found[key]["vectors"] = dense_weight * scaled
    for key, score in sides.lexical.items():
        found[key]["words"] = (1 - dense_weight) * score / best
    return found


def _ranks(sides: Sides) -> dict[Key, Parts]:
    """Reciprocal rank fusion (Cormack et al. 2009), scaled so that first in both is 1."""
    found: dict[Key, Parts] = {key: {} for key in sides.window}
    for name, scores in (("vectors", sides.dense), ("words", sides.lexical)):
        rank, last = 0, None
        for number, key in enumerate(sorted(scores, key=lambda key: -scores[key]), 1):
            if scores[key] != last:  # equal scores have the same rank, so that answers repeat
                rank, last = number, scores[key]
            found[key][name] = (RANK_CONSTANT + 1) / (2 * (RANK_CONSTANT + rank))
    return found


def _vectors(sides: Sides) -> dict[Key, Parts]:
    """Cosines alone, from -1..1 to 0..1."""
    return {key: {"vectors": (1 + score) / 2} for key, score in sides.dense.items()}


def _words(sides: Sides) -> dict[Key, Parts]:
    """BM25 alone, by its best."""
    best = max(sides.lexical.values(), default=0.0) or 1.0
    return {key: {"words": score / best} for key, score in sides.lexical.items()}


def _bounds(scores: dict[Key, float]) -> tuple[float, float]:
    return min(scores.values(), default=0.0), max(scores.values(), default=0.0)
