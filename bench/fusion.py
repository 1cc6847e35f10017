"""Fits the weights of the rule "learned" and proves that they hold on collections not fitted on.

    python bench/fusion.py --data DATA --work WORK

Syncs each collection that `judged` knows into a workspace (the vectors are remembered), searches
for every question, and fits the weights of `groundtone.retrieval.fusion.features` so that the
documents that are relevant come first (softmax over documents, Cao et al. 2007, each collection
counting the same). Then the same with one collection left out, for each: what a rule is worth on
documents that nobody fitted it to. Last, the table of every rule with intervals.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from groundtone.catalog import Key
from groundtone.evaluation.ranking import ndcg
from groundtone.evaluation.statistics import Interval, mean_interval, paired_interval
from groundtone.retrieval import fusion
from groundtone.retrieval.fusion import Sides, features, fuse
from judged import NAMES, Collection, load, synced

CANDIDATES = 100
PENALTY = 1e-3
PLAIN = "plain weighted sum, vectors 0.6"
OURS = "**learned**"
FOUND = tuple(fusion.WEIGHTS)


@dataclass(frozen=True)
class Case:
    """One question: what was found, the document of each chunk, and what is right."""

    question: str
    sides: Sides
    document: Mapping[Key, str]
    gains: Mapping[str, float]
    features: Mapping[Key, Mapping[str, float]]

    def ndcg(self, scores: Mapping[Key, float]) -> float:
        """nDCG@10 of documents by their best chunk."""
        order = sorted(scores, key=lambda key: (-scores[key], self.document[key], key[1]))
        return ndcg(list(dict.fromkeys(self.document[key] for key in order)), self.gains)


def main() -> None:
    """Read the arguments, search, fit, print."""
    parser = argparse.ArgumentParser(description="Fits the rule of fusion.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(NAMES))
    parser.add_argument("--limit", type=int, help="questions of each collection")
    parser.add_argument(
        "--every",
        action="append",
        default=[],
        metavar="NAME=N",
        help="of this collection only each Nth document that no question asks for",
    )
    given = parser.parse_args()
    every = dict(one.split("=") for one in given.every)
    sets: dict[str, list[Case]] = {}
    for name in given.sets.split(","):
        collection = load(name, given.data, given.work, int(every.get(name, 1)))
        sets[name] = search(collection, given.work, given.limit)
        print(f"{name}: {len(sets[name])} questions", flush=True)
    rows = {name: [points(case) for case in cases] for name, cases in sets.items()}
    weights = fit(rows.values())
    print("\nfitted on all:", shown(weights), " in the code:", fusion.WEIGHTS)
    left_out = {}
    for name in sets:
        others = [some for other, some in rows.items() if other != name]
        left_out[name] = fit(others) if others else weights
        print(f"without {name}:", shown(left_out[name]))
    table(sets, left_out)


def search(collection: Collection, work: Path, limit: int | None) -> list[Case]:
    """Both searches for every question."""
    cases = []
    with synced(collection, work) as workspace:
        index = workspace.indexes.current(workspace.embedder.dimensions)
        paths = {document.version: document.path for document in workspace.catalog.documents()}
        asked = collection.questions[:limit]
        vectors = workspace.embedder.embed([each.text for each in asked])
        for each, vector in zip(asked, vectors, strict=True):
            sides = Sides(
                index.dense(vector, CANDIDATES),
                index.lexical(each.text, CANDIDATES, near=vector),
            )
            document = {key: paths[key[0]] for key in sides.window}
            found = features(sides, each.text)
            cases.append(Case(each.text, sides, document, each.gains, found))
        workspace.embedder.save()  # type: ignore[attr-defined]
    return cases


@dataclass(frozen=True)
class Points:
    """One question in numbers: features [chunks, 4], number of each chunk's document, and the
    share of relevance of each document."""

    values: np.ndarray
    place: np.ndarray
    target: np.ndarray


def points(case: Case) -> Points | None:
    """None where nothing relevant was found."""
    names = sorted(set(case.document.values()))
    number = {name: at for at, name in enumerate(names)}
    target = np.array([case.gains.get(name, 0.0) for name in names])
    if not target.sum():
        return None
    values = np.array([[found[name] for name in FOUND] for found in case.features.values()])
    place = np.array([number[case.document[key]] for key in case.features])
    return Points(values, place, target / target.sum())


def fit(sets: Sequence[Sequence[Points | None]], rounds: int = 4) -> np.ndarray:
    """Weights under which the relevant documents come first."""
    known = [[each for each in some if each is not None] for some in sets]
    spread = np.concatenate([each.values for some in known for each in some]).std(axis=0) + 1e-9
    weights = np.ones(len(FOUND))
    for _ in range(rounds):
        # A document counts with the chunk that is its best under the weights so far.
        data = [
            (best(each, weights / spread) / spread, each.target, 1 / len(some) / len(known))
            for some in known
            for each in some
        ]
        weights = minimize(loss, weights, args=(data,), jac=True, method="L-BFGS-B").x
    return weights / spread


def best(each: Points, weights: np.ndarray) -> np.ndarray:
    """Each document's best chunk: [documents, features]."""
    scores = each.values @ weights
    order = np.lexsort((-scores, each.place))
    first = np.searchsorted(each.place[order], np.arange(len(each.target)))
    return each.values[order[first]]


def loss(
    weights: np.ndarray, data: Sequence[tuple[np.ndarray, np.ndarray, float]]
) -> tuple[float, np.ndarray]:
    """Cross-entropy between relevance and the softmax of scores, and its gradient."""
    total, slope = PENALTY * weights @ weights, 2 * PENALTY * weights
    for values, target, share in data:
        scores = values @ weights
        odds = np.exp(scores - scores.max())
        chance = odds / odds.sum()
        total -= share * float(target @ np.log(chance + 1e-30))
        slope = slope + share * values.T @ (chance - target)
    return total, slope


def linear(weights: np.ndarray) -> Callable[[Case], dict[Key, float]]:
    """The rule with these weights."""
    return lambda case: {
        key: float(sum(w * found[name] for w, name in zip(weights, FOUND, strict=True)))
        for key, found in case.features.items()
    }


def plain(case: Case) -> dict[Key, float]:
    """Both scores scaled from the worst candidate to the best, 0.6 of vectors."""
    scores = dict.fromkeys(case.sides.window, 0.0)
    for side, weight in ((case.sides.dense, 0.6), (case.sides.lexical, 0.4)):
        low, high = min(side.values(), default=0.0), max(side.values(), default=0.0)
        for key, score in side.items():
            scores[key] += weight * ((score - low) / (high - low) if high > low else 1.0)
    return scores


def by_rule(rule: str, dense_weight: float = 0.2) -> Callable[[Case], dict[Key, float]]:
    """A rule that the settings can name."""
    return lambda case: {
        key: sum(parts.values())
        for key, parts in fuse(rule, case.sides, case.question, dense_weight).items()
    }


def table(sets: Mapping[str, list[Case]], left_out: Mapping[str, np.ndarray]) -> None:
    """nDCG@10 of every rule on every collection, and what ours gains."""
    rules: dict[str, Callable[[str], Callable[[Case], dict[Key, float]]]] = {
        "words (BM25)": lambda _: by_rule("words"),
        "vectors": lambda _: by_rule("vectors"),
        "ranks": lambda _: by_rule("ranks"),
        PLAIN: lambda _: plain,
        "weighted, vectors 0.2": lambda _: by_rule("weighted"),
        OURS: lambda _: by_rule("learned"),
        "learned without this collection": lambda name: linear(left_out[name]),
    }
    values = {
        rule: {name: [case.ndcg(of(name)(case)) for case in cases] for name, cases in sets.items()}
        for rule, of in rules.items()
    }
    print(f"\n| nDCG@10 | {' | '.join(sets)} | mean |")
    print("| --- |" + " --- |" * (len(sets) + 1))
    for rule, found in values.items():
        mean = np.mean([np.mean(some) for some in found.values()])
        cells = [written(mean_interval(some)) for some in found.values()]
        print(f"| {rule} | {' | '.join(cells)} | {mean:.3f} |")
    for rule in (PLAIN, "words (BM25)", "vectors"):
        cells = [
            written(paired_interval(some, values[rule][name]), sign=True)
            for name, some in values[OURS].items()
        ]
        gain = np.mean([np.mean(values[OURS][n]) - np.mean(values[rule][n]) for n in sets])
        print(f"| learned minus {rule} | {' | '.join(cells)} | {gain:+.3f} |")


def written(interval: Interval | None, *, sign: bool = False) -> str:
    """A mean with its 95% interval."""
    assert interval is not None
    form = "+.3f" if sign else ".3f"
    return f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def shown(weights: np.ndarray) -> dict[str, float]:
    """Rounded, by name."""
    return {name: round(float(weight), 2) for name, weight in zip(FOUND, weights, strict=True)}


if __name__ == "__main__":
    main()
