"""Logistic regression, its cross-validation, and the area under the curve, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FOLDS = 10


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray, ridge: float) -> tuple[np.ndarray, float]:
    """Weights and intercept for features [n, k] and labels [n], by Newton's method.

    The ridge is on standardised features; the weights given back are for the raw ones.
    """
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[(x - mean) / spread, np.ones(len(x))]
    penalty = np.diag([ridge] * x.shape[1] + [0.0])
    found = np.zeros(z.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(z @ found, -30, 30)))
        slope = z.T @ (weight * (chance - y)) + penalty @ found
        bend = (z * (weight * chance * (1 - chance))[:, None]).T @ z + penalty
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
        found = found - step
        if np.abs(step).max() < 1e-8:
            break
    raw = found[:-1] / spread
    return raw, float(found[-1] - raw @ mean)


def held_out(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    groups: np.ndarray,
    ridge: float,
    seed: int = 0,
) -> np.ndarray:
    """For each row the log odds by a fit that saw nothing of the row's group.

    `seed` deals the groups to the folds.
    """
    odds = np.zeros(len(y))
    names = np.unique(groups)
    fold = dict(
        zip(names, np.random.default_rng(seed).permutation(len(names)) % FOLDS, strict=True)
    )
    place = np.array([fold[group] for group in groups])
    for number in range(FOLDS):
        out = place == number
        weights, intercept = fit(x[~out], y[~out], weight[~out], ridge)
        odds[out] = x[out] @ weights + intercept
    return odds


def area(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve; ties count half."""
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    for value in np.unique(score):
        tied = score == value
        if tied.sum() > 1:
            ranks[tied] = ranks[tied].mean()
    ones = int(positive.sum())
    zeros = len(positive) - ones
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def balanced(accepted: np.ndarray, positive: np.ndarray) -> float:
    """Mean of the shares of both classes that are judged right."""
    return float((accepted[positive].mean() + (~accepted[~positive]).mean()) / 2)


def best_threshold(score: np.ndarray, positive: np.ndarray) -> float:
    """The score from which on to accept, for the best balanced accuracy."""
    return float(max(np.unique(score), key=lambda t: balanced(score >= t, positive)))


def by_held_out_threshold(score: np.ndarray, positive: np.ndarray, seed: int = 0) -> float:
    """Balanced accuracy of one score when its threshold is chosen on the other folds."""
    place = np.random.default_rng(seed).permutation(len(score)) % FOLDS
    accepted = np.zeros(len(score), bool)
    for number in range(FOLDS):
        out = place == number
        accepted[out] = score[out] >= best_threshold(score[~out], positive[~out])
    return balanced(accepted, positive)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """A 95% bootstrap interval of a mean."""
    draw = np.random.default_rng(0)
    found = np.array(values)
    means = [found[draw.integers(0, len(found), len(found))].mean() for _ in range(1000)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
