"""Stores beside one another: the same windows added and searched, as multiples of LanceDB.

    python bench/stores.py [--windows 3000] [--questions 50] [--only lancedb,chroma] [--json FILE]

Vectors are random directions around a few hundred centres, texts random words of a vocabulary as
uneven as a language's: what a store does with them does not depend on their meaning. Recall is
measured against all cosines. Stores whose package is missing are left out and named. Servers are
started on loopback where the package allows it (Chroma's own, pgserver's PostgreSQL). Weaviate and
Pinecone are left out: a stand-in's times would say nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests.servers

DIMENSIONS = 384
K = 20
NEEDS = {
    "lancedb": "lancedb",
    "chroma": "chromadb",
    "chroma server": "chromadb",
    "pgvector": "pgserver",
    "qdrant": "qdrant_client",
}


@dataclass(frozen=True)
class Measured:
    """One store. Times in milliseconds but for ``add_s``; p50 of all questions."""

    store: str
    add_s: float
    dense_ms: float
    lexical_ms: float
    filtered_ms: float
    recall: float
    recall_filtered: float
    megabytes: float


@dataclass(frozen=True)
class Data:
    """What all stores get."""

    texts: list[str]
    vectors: np.ndarray
    labels: list[tuple[str, ...]]
    questions: np.ndarray
    words: list[str]


def made(windows: int, questions: int) -> Data:
    """Windows and questions, the same for the same numbers."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(max(10, windows // 30), DIMENSIONS))
    drawn = centres[random.integers(len(centres), size=windows + questions)]
    points = (drawn + 0.8 * random.normal(size=drawn.shape)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    vocabulary = np.array([f"w{number}" for number in range(20_000)])
    rarity = 1.0 / np.arange(1, len(vocabulary) + 1)
    rarity /= rarity.sum()
    texts = [" ".join(random.choice(vocabulary, 90, p=rarity)) for _ in range(windows)]
    words = [" ".join(random.choice(vocabulary, 8, p=rarity)) for _ in range(questions)]
    labels = [(f"tenth={number % 10}", "group=*") for number in range(windows)]
    return Data(texts, points[:windows], labels, points[windows:], words)


def places(name: str, stack: ExitStack) -> tuple[str, str]:
    """The store and its address; servers are started."""
    from tests.servers import chroma_server, postgres_server

    if name == "chroma server":
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return "chroma", stack.enter_context(chroma_server(folder))
    if name == "pgvector":
        return "pgvector", stack.enter_context(postgres_server())
    return name, ""


def measured(name: str, data: Data) -> Measured:
    """One store filled and asked."""
    from groundtone.index import Entry, open_index
    from groundtone.index.filters import Filter

    with ExitStack() as stack:
        store, url = places(name, stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        index = stack.enter_context(closing(open_index(store, folder, DIMENSIONS, url=url)))
        began = time.perf_counter()
        for start in range(0, len(data.texts), 512):
            index.add(
                [
                    Entry(
                        f"v{n // 20}:{n:06}:000000", f"v{n // 20}", n, 0, data.texts[n],
                        data.vectors[n], data.labels[n], n,
                    )
                    for n in range(start, min(start + 512, len(data.texts)))
                ]
            )  # fmt: skip
        index.optimise()
        add = time.perf_counter() - began
        some = Filter((frozenset({"tenth=3"}),))
        cosines = data.questions @ data.vectors.T
        inside = np.where(np.arange(len(data.texts)) % 10 == 3, cosines, -2.0)
        found: list[set[int]] = []
        found_inside: list[set[int]] = []
        dense = timed(data.questions, lambda q: found.append({h.chunk for h in index.dense(q, K)}))
        filtered = timed(
            data.questions,
            lambda q: found_inside.append({h.chunk for h in index.dense(q, K, some)}),
        )
        lexical = timed(data.words, lambda words: index.lexical(words, K))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        return Measured(
            name,
            round(add, 2),
            dense,
            lexical,
            filtered,
            recall(found, cosines),
            recall(found_inside, inside),
            0.0 if url else round(size / 1e6, 1),
        )


def timed(asked: Sequence[object], ask: Callable[..., object]) -> float:
    """The middle of the times, in milliseconds, after three that do not count."""
    times = []
    for number, question in enumerate(asked):
        began = time.perf_counter()
        ask(question)
        if number >= 3:
            times.append(time.perf_counter() - began)
    return round(1000 * float(np.median(times)), 2)


def recall(found: Sequence[set[int]], cosines: np.ndarray) -> float:
    """Share of the K nearest that were found."""
    best = [set(np.argsort(-row)[:K].tolist()) for row in cosines]
    met = sum(len(one & other) for one, other in zip(found, best, strict=True))
    return round(met / (K * len(best)), 4)


def rows(results: Sequence[Measured]) -> Iterator[str]:
    """A table in Markdown: LanceDB's own numbers, the others as multiples of them."""
    first = results[0]
    yield "| store | add | dense | words | filtered | recall | recall filtered | MB on disk |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    yield (
        f"| {first.store} | {first.add_s:.2f} s | {first.dense_ms:.1f} ms | "
        f"{first.lexical_ms:.1f} ms | {first.filtered_ms:.1f} ms | {first.recall:.3f} | "
        f"{first.recall_filtered:.3f} | {first.megabytes:.1f} |"
    )
    for one in results[1:]:
        ratios = (
            one.add_s / first.add_s,
            one.dense_ms / first.dense_ms,
            one.lexical_ms / first.lexical_ms,
            one.filtered_ms / first.filtered_ms,
        )
        told = " | ".join(f"{ratio:.2f} ×" for ratio in ratios)
        disk = f"{one.megabytes:.1f}" if one.megabytes else "server"
        yield f"| {one.store} | {told} | {one.recall:.3f} | {one.recall_filtered:.3f} | {disk} |"


def main() -> None:
    """Measure what is installed and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--windows", type=int, default=3_000)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--only", default=",".join(NEEDS), help="stores, with commas between")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    wanted = ["lancedb", *(one for one in given.only.split(",") if one != "lancedb")]
    data = made(given.windows, given.questions)
    results = []
    for name in wanted:
        if importlib.util.find_spec(NEEDS[name]) is None:
            print(f"{name}: left out, {NEEDS[name]} is not installed", file=sys.stderr)
            continue
        print(f"{name} …", file=sys.stderr)
        results.append(measured(name, data))
    print(
        f"{given.windows:,} windows of {DIMENSIONS} numbers, {given.questions} questions, k {K}\n"
    )
    print("\n".join(rows(results)))
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in results], indent=1), "utf-8")


if __name__ == "__main__":
    main()
