"""Fits a retriever to judged questions: weights of fusion, and an adapter on questions' vectors.

Both are softmax regressions over documents (Cao et al. 2007): a document counts with its best
window, and the relevant ones should come first. The weights are held near those in the code, the
adapter near the identity, by ridge penalties; how strongly is chosen by cross-validation over
documents. Only numpy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundtone.tuning.softmax import Case, adapted, fitted_adapter, fitted_weights, scored

STRENGTHS = (5.0, 25.0, 125.0)  # ridges of the adapter that are tried
FOLDS = 3

Judge = Callable[[Sequence[str], Mapping[str, float]], float]
"""How good an order of documents is, given how relevant each is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is fitted: the weights or not, the adapter with this ridge or not (None)."""

    weights: bool
    strength: float | None

    def __str__(self) -> str:
        parts = ["weights"] * self.weights
        if self.strength is not None:
            parts.append(f"adapter (ridge {self.strength:g})")
        return " and ".join(parts) or "nothing"


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What came out.

    Attributes:
        choice: the one that was best in cross-validation.
        weights: [features]; the given ones if they were not fitted.
        adapter: float32 [d, d], or None.
        validation: mean of the judge in cross-validation by choice.
    """

    choice: Choice
    weights: np.ndarray
    adapter: np.ndarray | None
    validation: Mapping[str, float]


def fit(
    cases: Sequence[Case],
    weights: np.ndarray,
    judge: Judge,
    *,
    with_weights: bool = True,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Choose what to fit by cross-validation, then fit it on everything.

    Args:
        cases: none of them may be used to measure the result.
        weights: float64 [features], the cosine's first: where fitting begins.
        judge: higher is better.
        with_weights: whether weights may be fitted.
        seed: of the folds.
        progress: called with how many fits are done, of how many.
    """
    choices = [Choice(False, None)] + [
        Choice(own, strength)
        for own in ((False, True) if with_weights else (False,))
        for strength in (None, *STRENGTHS)
        if own or strength is not None
    ]
    folds = [_fold(case.group, seed) for case in cases]
    totals = dict.fromkeys(choices, 0.0)
    judged = sum(case.judged for case in cases)
    done, of = 0, FOLDS * len(choices) + 1
    for number in range(FOLDS):
        inside = [case for case, fold in zip(cases, folds, strict=True) if fold != number]
        outside = [
            case for case, fold in zip(cases, folds, strict=True) if fold == number and case.judged
        ]
        for choice in choices:
            made = _fitted(inside, weights, choice)
            totals[choice] += sum(judge(ranked(case, *made), case.gains) for case in outside)
            done += 1
            if progress is not None:
                progress(done, of)
    best = max(choices, key=lambda choice: totals[choice])  # of equal ones the simplest
    own, adapter = _fitted(cases, weights, best)
    if progress is not None:
        progress(of, of)
    means = {str(choice): totals[choice] / max(1, judged) for choice in choices}
    return Fitted(best, own, adapter, means)


def ranked(case: Case, weights: np.ndarray, adapter: np.ndarray | None) -> list[str]:
    """The documents that were found, best first."""
    scores = scored(case, weights, adapted(case.question[None], adapter)[0])
    best = np.full(len(case.names), -np.inf)
    np.maximum.at(best, case.document, scores)
    return [case.names[at] for at in np.argsort(-best, kind="stable") if np.isfinite(best[at])]


def _fold(group: str, seed: int) -> int:
    digest = hashlib.sha256(f"fold {seed} {group}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") % FOLDS


def _fitted(
    cases: Sequence[Case], weights: np.ndarray, choice: Choice
) -> tuple[np.ndarray, np.ndarray | None]:
    own, adapter = weights, None
    if choice.weights:
        own = fitted_weights([case for case in cases if case.judged], own, weights, None)
    if choice.strength is not None:
        adapter = fitted_adapter(cases, own, choice.strength)
        if choice.weights:
            own = fitted_weights([case for case in cases if case.judged], own, weights, adapter)
    return own, adapter
