"""Softmax regression over documents, each by its best window: of weights, or of an adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PRIOR = 0.5  # ridge of the weights, in questions: enough to hold 30 questions back
ROUNDS = 2  # each chooses every document's best window anew
STEPS = 25
WIDEST = 40  # documents of one question that are fitted on


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One question in numbers.

    Attributes:
        question: float32 [d], of length 1.
        windows: float32 [n, d]: what the searches found.
        others: float32 [n, features - 1]: the features besides the cosine.
        document: int [n]: the number of each window's document.
        names: the documents.
        gains: how relevant each document is, those that were not found included.
        group: of documents that must not be split between fitting and measuring.
        share: how much it counts.
        judged: False: it helps to fit the adapter; weights and choices are not made on it.
    """

    question: np.ndarray
    windows: np.ndarray
    others: np.ndarray
    document: np.ndarray
    names: tuple[str, ...]
    gains: Mapping[str, float]
    group: str
    share: float = 1.0
    judged: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Questions [c, d], windows [c, w, d], features besides the cosine [c, w, f], shares of
    relevance [c, w], which documents there are [c, w], shares of the questions [c]."""

    questions: np.ndarray
    windows: np.ndarray
    others: np.ndarray
    wanted: np.ndarray
    there: np.ndarray
    share: np.ndarray


def _batch(cases: Sequence[Case], weights: np.ndarray, adapter: np.ndarray | None) -> _Batch | None:
    """None where no question found what it wants."""
    rows = [(case, *found) for case in cases if (found := _best(case, weights, adapter))]
    if not rows:
        return None
    wide = max(len(at) for _, at, _ in rows)
    count, (dimensions,) = len(rows), rows[0][0].question.shape
    batch = _Batch(
        np.stack([case.question for case, _, _ in rows]).astype(np.float32),
        np.zeros((count, wide, dimensions), np.float32),
        np.zeros((count, wide, rows[0][0].others.shape[1])),
        np.zeros((count, wide)),
        np.zeros((count, wide), bool),
        np.array([case.share for case, _, _ in rows]),
    )
    for number, (case, at, wanted) in enumerate(rows):
        batch.windows[number, : len(at)] = case.windows[at]
        batch.others[number, : len(at)] = case.others[at]
        batch.wanted[number, : len(at)] = wanted
        batch.there[number, : len(at)] = True
    return batch


def _best(
    case: Case, weights: np.ndarray, adapter: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Each document's best window, the best `WIDEST` and all that are relevant; shares of
    relevance."""
    gains = np.array([max(0.0, case.gains.get(name, 0.0)) for name in case.names])
    found = np.zeros(len(case.names), bool)
    found[case.document] = True
    gains = gains * found
    if not gains.any():
        return None
    scores = scored(case, weights, adapted(case.question[None], adapter)[0])
    order = np.argsort(-scores, kind="stable")
    _, first = np.unique(case.document[order], return_index=True)
    at = order[np.sort(first)]  # best document first
    kept = np.concatenate([at[:WIDEST], at[WIDEST:][gains[case.document[at[WIDEST:]]] > 0]])
    wanted = gains[case.document[kept]]
    return kept, wanted / wanted.sum()


def adapted(questions: np.ndarray, adapter: np.ndarray | None) -> np.ndarray:
    """Questions [c, d] with the adapter, each of length 1."""
    if adapter is None:
        return questions
    turned = questions + questions @ adapter
    unit: np.ndarray = turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
    return unit


def scored(case: Case, weights: np.ndarray, question: np.ndarray) -> np.ndarray:
    """Of each window: [n]."""
    cosine = np.clip(case.windows @ question, 0.0, 1.0)
    scores: np.ndarray = weights[0] * cosine + case.others @ weights[1:]
    return scores


def _odds(scores: np.ndarray, batch: _Batch) -> tuple[float, np.ndarray]:
    """Cross-entropy of relevance and the softmax of scores; chances [c, w]."""
    scores = np.where(batch.there, scores, -np.inf)
    scores = scores - scores.max(axis=1, keepdims=True)
    odds = np.exp(scores)
    total = odds.sum(axis=1, keepdims=True)
    logs = np.where(batch.there, scores - np.log(total), 0.0)
    loss = -float((batch.share[:, None] * batch.wanted * logs).sum())
    return loss, odds / total


# -- weights: Newton's method ------------------------------------------------------------------


def fitted_weights(
    cases: Sequence[Case], start: np.ndarray, prior: np.ndarray, adapter: np.ndarray | None
) -> np.ndarray:
    """Weights [features] by Newton's method, none below 0, held near ``prior``."""
    weights = start
    for _ in range(ROUNDS):
        batch = _batch(cases, weights, adapter)
        if batch is None:
            return start
        turned = adapted(batch.questions, adapter)
        cosine = np.clip(np.einsum("cwd,cd->cw", batch.windows, turned), 0.0, 1.0)
        values = np.concatenate([cosine[..., None].astype(np.float64), batch.others], axis=2)
        weights = _newton(values, batch, weights, prior)
    return weights


def _newton(values: np.ndarray, batch: _Batch, start: np.ndarray, prior: np.ndarray) -> np.ndarray:
    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        found, chance = _odds(values @ weights, batch)
        return found + PRIOR * float((weights - prior) @ (weights - prior)), chance

    weights = start
    now, chance = loss(weights)
    for _ in range(STEPS):
        weighed = batch.share[:, None] * chance
        slope = np.einsum("cw,cwf->f", weighed - batch.share[:, None] * batch.wanted, values)
        slope += 2 * PRIOR * (weights - prior)
        mean = np.einsum("cw,cwf->cf", chance, values)
        curve = np.einsum("cw,cwf,cwg->fg", weighed, values, values, optimize=True)
        curve -= np.einsum("c,cf,cg->fg", batch.share, mean, mean)
        step = np.linalg.solve(curve + 2 * PRIOR * np.eye(len(weights)), slope)
        for length in (1.0, 0.5, 0.25, 0.125, 0.0625):
            tried = np.maximum(weights - length * step, 0.0)  # more of a sign is never worse
            then, chances = loss(tried)
            if then < now:
                break
        if not then < now - 1e-6:
            break
        weights, now, chance = tried, then, chances
    return weights


# -- the adapter: gradient steps of Barzilai and Borwein (1988) --------------------------------


def fitted_adapter(
    cases: Sequence[Case], weights: np.ndarray, strength: float
) -> np.ndarray | None:
    """A matrix [d, d] held near 0, by gradient steps of Barzilai and Borwein (1988); None where
    no question found what it wants."""
    adapter: np.ndarray | None = None
    for _ in range(ROUNDS):
        batch = _batch(cases, weights, adapter)
        if batch is None:
            return None
        dimensions = batch.questions.shape[1]
        start = np.zeros((dimensions, dimensions), np.float32) if adapter is None else adapter
        adapter = _descended(batch, weights, strength, start)
    return adapter


def _descended(
    batch: _Batch, weights: np.ndarray, strength: float, adapter: np.ndarray
) -> np.ndarray:
    now, slope = _slope(batch, weights, strength, adapter)
    length = 1.0 / (2 * strength + float(batch.share.sum()))
    for _ in range(STEPS):
        step = _step(batch, weights, strength, adapter, now, slope, length)
        if step is None:
            break
        tried, then, after = step
        moved, bent = (tried - adapter).ravel(), (after - slope).ravel()
        curve = float(moved @ bent)
        length = float(moved @ moved) / curve if curve > 0 else 2 * length
        gained, adapter, now, slope = now - then, tried, then, after
        if gained < 1e-4 * abs(now):
            break
    return adapter


def _step(
    batch: _Batch,
    weights: np.ndarray,
    strength: float,
    adapter: np.ndarray,
    now: float,
    slope: np.ndarray,
    length: float,
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """The longest of some steps down the slope that leads below ``now``, with loss and slope."""
    for _ in range(6):
        tried = adapter - np.float32(length) * slope
        then, after = _slope(batch, weights, strength, tried)
        if then < now:
            return tried, then, after
        length /= 4
    return None


def _slope(
    batch: _Batch, weights: np.ndarray, strength: float, adapter: np.ndarray
) -> tuple[float, np.ndarray]:
    """Loss and its gradient, through the scaling to length 1."""
    turned = batch.questions + batch.questions @ adapter
    length = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
    unit = turned / length
    cosine = np.matmul(batch.windows, unit[..., None])[..., 0]
    loss, chance = _odds(weights[0] * cosine + batch.others @ weights[1:], batch)
    pull = (batch.share[:, None] * (chance - batch.wanted) * weights[0]).astype(np.float32)
    onto = np.matmul(pull[:, None, :], batch.windows)[:, 0]
    onto = (onto - (onto * unit).sum(axis=1, keepdims=True) * unit) / length
    slope = batch.questions.T @ onto + np.float32(2 * strength) * adapter
    return loss + strength * float((adapter * adapter).sum()), slope
