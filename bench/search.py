"""How well and how fast passages are found: each search alone, and every rule to fuse them.

    python bench/search.py --workspace kb --source docs --questions questions.jsonl

Syncs the source into the workspace (nothing to do the second time), then prints for each rule how
often a passage of the gold file is first, among the first five, and the mean reciprocal rank among
the first twenty; then the time of a search. Questions: JSONL with "question" and
"evidence": [{"doc": path under the source}].
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundtone import Workspace
from groundtone.catalog import Key
from groundtone.embedding import Embedder
from groundtone.index import Hit, Index
from groundtone.retrieval import Retriever

Scores = dict[Key, float]
Rule = Callable[[Scores, Scores], Scores]
DEPTH = 20


@dataclass(frozen=True)
class Case:
    """A question's gold files and what each search found for it, by chunk."""

    gold: frozenset[str]
    dense: Scores
    lexical: Scores


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--source", type=Path, help="synced first; not needed the second time")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--strangers", type=Path, help="questions on other documents: the gate")
    given = parser.parse_args()
    for path in (given.source, given.questions, given.strangers):
        if path is not None and not path.exists():
            sys.exit(f"There is no {path}: this measurement needs it.")
    with Workspace.create(given.workspace) as workspace:
        if given.source is not None:
            report = workspace.sync(given.source)
            print(f"synced in {report.seconds:.1f} s, {report.windows} windows made")
        measure(workspace, given)


def measure(workspace: Workspace, given: argparse.Namespace) -> None:
    """All tables for one workspace."""
    catalog, embedder = workspace.catalog, workspace.embedder
    index = workspace.indexes.current(embedder.dimensions)
    questions = [json.loads(line) for line in given.questions.read_text("utf-8").splitlines()]
    paths = {document.version: document.path for document in catalog.documents()}
    cases = collect(index, embedder, questions, given.candidates)
    known = [case for case in cases if case.gold & set(paths.values())]
    documents, chunks = catalog.counts()
    print(
        f"{documents} documents, {chunks} chunks, {index.count()} windows, {len(known)} questions"
    )
    print("\n| rule | recall@1 | recall@5 | MRR@20 |\n| --- | --- | --- | --- |")
    for name, rule in rules().items():
        print(
            f"| {name} | "
            + " | ".join(f"{value:.3f}" for value in judge(known, rule, paths))
            + " |"
        )
    print()
    print_times(workspace.retriever, index, embedder, questions)
    if given.strangers is not None:
        others = [json.loads(line) for line in given.strangers.read_text("utf-8").splitlines()]
        print_gate(known, collect(index, embedder, others, given.candidates))


def collect(index: Index, embedder: Embedder, questions: list[dict], candidates: int) -> list[Case]:
    """Both searches for every question."""
    vectors = embedder.embed([question["question"] for question in questions])
    return [
        Case(
            frozenset(evidence["doc"] for evidence in question["evidence"]),
            by_chunk(index.dense(vector, candidates)),
            by_chunk(index.lexical(question["question"], candidates)),
        )
        for question, vector in zip(questions, vectors, strict=True)
    ]


def by_chunk(hits: list[Hit]) -> Scores:
    """The best score of each chunk's windows."""
    scores: Scores = {}
    for hit in hits:
        key = (hit.version, hit.chunk)
        scores[key] = max(hit.score, scores.get(key, hit.score))
    return scores


def rules() -> dict[str, Rule]:
    """Every way to order chunks that is compared."""
    found: dict[str, Rule] = {
        "vectors only": lambda dense, _: dense,
        "words only (BM25)": lambda _, lexical: lexical,
    }
    for constant in (10, 60):
        found[f"reciprocal ranks, k {constant}"] = reciprocal(constant)
    scalings = {
        "min-max": (scaled_by_range, scaled_by_range),
        "by best": (scaled_by_best, scaled_by_best),
        "min-max and by best": (scaled_by_range, scaled_by_best),
    }
    for name, scaled in scalings.items():
        for weight in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
            found[f"convex {name}, vectors {weight}"] = convex(*scaled, weight)
    return found


def reciprocal(constant: int) -> Rule:
    """Reciprocal rank fusion (Cormack et al. 2009)."""

    def rule(dense: Scores, lexical: Scores) -> Scores:
        fused: Scores = {}
        for scores in (dense, lexical):
            for rank, key in enumerate(sorted(scores, key=lambda key: (-scores[key], key)), 1):
                fused[key] = fused.get(key, 0.0) + 1 / (constant + rank)
        return fused

    return rule


def convex(
    scale_dense: Callable[[Scores], Scores],
    scale_lexical: Callable[[Scores], Scores],
    weight: float,
) -> Rule:
    """A weighted sum of scaled scores (Bruch et al. 2023)."""

    def rule(dense: Scores, lexical: Scores) -> Scores:
        meaning, words = scale_dense(dense), scale_lexical(lexical)
        return {
            key: weight * meaning.get(key, 0.0) + (1 - weight) * words.get(key, 0.0)
            for key in meaning.keys() | words.keys()
        }

    return rule


def scaled_by_range(scores: Scores) -> Scores:
    """The worst candidate is 0, the best 1."""
    low, high = min(scores.values(), default=0), max(scores.values(), default=1)
    return {key: (score - low) / (high - low or 1.0) for key, score in scores.items()}


def scaled_by_best(scores: Scores) -> Scores:
    """The best candidate is 1; 0 means no shared word, or a cosine of 0."""
    high = max(scores.values(), default=1)
    return {key: max(0.0, score / high) for key, score in scores.items()}


def judge(cases: list[Case], rule: Rule, paths: dict[str, str]) -> tuple[float, float, float]:
    """Recall@1, recall@5 and MRR@20 of the gold files' passages."""
    first = five = reciprocals = 0.0
    for case in cases:
        scores = rule(case.dense, case.lexical)
        ordered = sorted(scores, key=lambda key: (-scores[key], paths.get(key[0], ""), key[1]))
        right = [paths.get(version) in case.gold for version, _ in ordered[:DEPTH]]
        rank = right.index(True) + 1 if True in right else 0
        first += rank == 1
        five += 1 <= rank <= 5
        reciprocals += 1 / rank if rank else 0
    return first / len(cases), five / len(cases), reciprocals / len(cases)


def print_times(
    retriever: Retriever, index: Index, embedder: Embedder, questions: list[dict]
) -> None:
    """Times of a search and of its parts, and the ratio to a bare scan of as many vectors.

    The scan is the limit of an exact search: one matrix product in numpy and nothing else, no
    words, no filter, no text.
    """
    vectors = np.random.default_rng(0).random((index.count(), embedder.dimensions), np.float32)
    names = ("whole search", "embed", "vectors", "words", "bare matrix product")
    parts: dict[str, list[float]] = {name: [] for name in names}
    for question in [question["question"] for question in questions[:100]]:
        for name, act in (
            ("whole search", lambda q=question: retriever.search(q)),
            ("embed", lambda q=question: embedder.embed([q])),
        ):
            started = time.perf_counter()
            result = act()
            parts[name].append(time.perf_counter() - started)
        for name, act in (
            ("vectors", lambda v=result[0]: index.dense(v, 100)),
            ("words", lambda q=question: index.lexical(q, 100)),
            ("bare matrix product", lambda v=result[0]: np.argpartition(vectors @ v, -100)),
        ):
            started = time.perf_counter()
            act()
            parts[name].append(time.perf_counter() - started)
    print("| milliseconds | p50 | p95 | to the product |\n| --- | --- | --- | --- |")
    limit = statistics.median(parts["bare matrix product"])
    for name, seconds in parts.items():
        p50 = statistics.median(seconds)
        p95 = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
        print(f"| {name} | {1e3 * p50:.1f} | {1e3 * p95:.1f} | {p50 / limit:.1f} |")


def print_gate(known: list[Case], strangers: list[Case]) -> None:
    """How well the best cosine tells questions on these documents from questions on others."""
    mine = [max(case.dense.values(), default=-1.0) for case in known]
    other = [max(case.dense.values(), default=-1.0) for case in strangers]
    above = sum((a > b) + 0.5 * (a == b) for a in mine for b in other) / (len(mine) * len(other))
    print(f"\nbest cosine, questions on these documents against others: AUROC {above:.3f}")
    print("\n| refuse_below | refused wrongly | refused rightly |\n| --- | --- | --- |")
    for bound in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6):
        wrong = sum(score < bound for score in mine) / len(mine)
        right = sum(score < bound for score in other) / len(other)
        print(f"| {bound:.2f} | {wrong:.3f} | {right:.3f} |")


if __name__ == "__main__":
    main()
