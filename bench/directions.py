"""How many of the nearest windows a scan of fewer directions finds.

    python bench/directions.py --work WORK [--sets scifact,k8s_docs]

Takes the vectors that `bench/search.py` wrote into WORK, and counts for each question how many of
the hundred nearest are among the candidates that a scan in 8 bits leaves to be compared in full:
what groundtone.index.resident and held do, with other numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from groundtone.index.held import REFINED
from groundtone.index.product import Product, in_steps
from groundtone.index.resident import DIRECTIONS, SAMPLE, widest

NEAREST = 100


def main() -> None:
    """Print a table: collections, and the share found for each pair of numbers."""
    parser = argparse.ArgumentParser(description="What a scan of fewer directions finds.")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default="scifact,medline,squad,k8s_docs")
    parser.add_argument("--limit", type=int, default=200, help="questions")
    given = parser.parse_args()
    tried = [(d, r) for d in (96, 128, DIRECTIONS, 192) for r in (REFINED, 2 * REFINED)]
    print("| collection, windows | " + " | ".join(f"{d}, {r}" for d, r in tried) + " |")
    print("| --- |" + " ---: |" * len(tried))
    for name in given.sets.split(","):
        folder = given.work / name / "export"
        rows, asked = np.load(folder / "vectors.npy"), np.load(folder / "asked.npy")[: given.limit]
        shares = [found(rows, asked, d, r) for d, r in tried]
        cells = " | ".join(f"{share:.5f}" for share in shares)
        print(f"| {name}, {len(rows):,} | {cells} |", flush=True)


def found(rows: np.ndarray, asked: np.ndarray, directions: int, refined: int) -> float:
    """The share of the nearest that are among so many candidates."""
    basis = widest(rows[:: max(1, len(rows) // SAMPLE)], directions)
    product = Product.of(rows @ basis)
    shares = []
    for vector in asked:
        scores = product(in_steps((vector @ basis)[None]))[0]
        candidates = np.argsort(-scores)[:refined]
        nearest = np.argsort(-(rows @ vector))[:NEAREST]
        shares.append(len(np.intersect1d(candidates, nearest)) / len(nearest))
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
