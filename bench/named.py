"""What it brings to put documents behind that do not know a name of the question.

    python bench/named.py --data DATA --work WORK [--shares 0,0.1,0.2,0.3]

For the collections that `judged` knows and, where DATA has them, the filings of sec10q: nDCG@10 of
documents for each share of the score that is taken away (`groundtone.retrieval.naming.SHARE`), how
many questions have names that tell documents apart, and whether the first document is a right one.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from groundtone.evaluation.ranking import ndcg
from groundtone.evaluation.statistics import mean_interval, paired_interval
from groundtone.retrieval import naming
from judged import NAMES, Collection, load, own, synced

DEEP = 40  # passages, of which ten documents are told


def main() -> None:
    """Sync, search with each share, print."""
    parser = argparse.ArgumentParser(description="What names of documents bring to a search.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--collections", default=",".join([*NAMES, "sec10q"]))
    parser.add_argument("--shares", default="0,0.1,0.2,0.3")
    parser.add_argument("--limit", type=int, default=400, help="questions of each")
    given = parser.parse_args()
    shares = [float(share) for share in given.shares.split(",")]
    print("| collection | share | nDCG@10 | against none | first is right | questions changed |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in given.collections.split(","):
        collection = chosen(name, given.data, given.work)
        asked = collection.questions[: given.limit]
        before: list[list[str]] = []
        with synced(collection, given.work) as workspace:
            for share in shares:
                naming.SHARE = share  # type: ignore[misc]
                found = []
                for row in asked:
                    [trace] = workspace.retriever.traces([row.text], DEEP)
                    ranked = [trace.paths[version] for version, _ in trace.order]
                    found.append(list(dict.fromkeys(ranked)))
                before = before or found
                show(name, share, found, before, asked)


def show(name: str, share: float, found: list, before: list, asked: tuple) -> None:
    """One row of the table."""
    scores = [ndcg(some[:10], row.gains) for some, row in zip(found, asked, strict=True)]
    plain = [ndcg(some[:10], row.gains) for some, row in zip(before, asked, strict=True)]
    mean, apart = mean_interval(scores), paired_interval(scores, plain)
    first = sum(
        some[:1] != [] and some[0] in row.gains for some, row in zip(found, asked, strict=True)
    )
    changed = sum(some[:10] != other[:10] for some, other in zip(found, before, strict=True))
    assert mean is not None and apart is not None
    print(
        f"| {name} | {share:g} | {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}] | "
        f"{apart.value:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}] | {first} of {len(asked)} | "
        f"{changed} |",
        flush=True,
    )


def chosen(name: str, data: Path, work: Path) -> Collection:
    """One collection."""
    if name != "sec10q":
        return load(name, data, work, every=5 if name == "aws_docs" else 1)
    folder = data / name
    return replace(own(folder / "docs", folder / "queries.jsonl"), name=name)


if __name__ == "__main__":
    sys.exit(main())
