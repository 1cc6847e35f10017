"""What a prompt holds of the answer, by how passages are put into its budget.

    python bench/packing.py --data DATA --work WORK [--sets k8s_docs,squad,aws_docs] [--limit N]

Syncs each collection of `judged` that has answers, searches, and fills the budget of a prompt (3
passages of 240 tokens, counted by the embedder's tokenizer) in several ways. A question counts as
covered if the parts that are shown of one right document hold all words of one accepted answer.
Printed with 95% intervals, each way also as paired difference from the first.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from groundtone import Workspace
from groundtone.answering.prompt import excerpt
from groundtone.evaluation.statistics import mean_interval, paired_interval
from groundtone.index.words import telling
from groundtone.retrieval import Passage
from groundtone.retrieval.packing import pack
from judged import Remembering, load, synced

SHOWN, TOKENS = 3, 240
BUDGET = SHOWN * TOKENS
WIDE = 12  # passages that packing chooses from
Shown = list[tuple[str, str]]
"""Document and text of each passage in the prompt."""


def main() -> None:
    """Read the arguments; print a table."""
    parser = argparse.ArgumentParser(description="Passages into a prompt.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default="k8s_docs,squad,aws_docs")
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    for name in given.sets.split(","):
        measure(name, given)


def measure(name: str, given: argparse.Namespace) -> None:
    """One collection's rows of the table."""
    collection = load(name, given.data, given.work)
    lines = (given.data / name / "queries.jsonl").read_text("utf-8").splitlines()
    answers = {row["question"]: row.get("answers", []) for row in map(json.loads, lines)}
    asked = [each for each in collection.questions if answers.get(each.text)][: given.limit]
    with synced(collection, given.work) as workspace:
        ways = ways_of(workspace)
        covered: dict[str, list[float]] = {way: [] for way in ways}
        tokens: dict[str, list[float]] = {way: [] for way in ways}
        found = workspace.retriever.search_many([each.text for each in asked], WIDE)
        for each, passages in zip(asked, found, strict=True):
            for way, fill in ways.items():
                shown = fill(passages)
                right = " ".join(text for document, text in shown if each.gains.get(document))
                covered[way].append(float(any(within(a, right) for a in answers[each.text])))
                tokens[way].append(sum(len(workspace.embedder.encode(t)) for _, t in shown))
        embedder = workspace.embedder
        assert isinstance(embedder, Remembering)
        embedder.save()
    first = next(iter(covered))
    for way, values in covered.items():
        mean, gain = mean_interval(values), paired_interval(values, covered[first])
        assert mean is not None and gain is not None
        print(
            f"| {name} ({len(asked)}) | {way} | {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}] "
            f"| {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] "
            f"| {sum(tokens[way]) / len(asked):.0f} |",
            flush=True,
        )


def ways_of(workspace: Workspace) -> dict[str, Callable[[Sequence[Passage]], Shown]]:
    """How the budget can be filled; the first is what answers do without packing."""

    def count(text: str) -> int:
        return len(workspace.embedder.encode(text))

    def show(passages: Sequence[Passage], tokens: int = TOKENS) -> Shown:
        return [(p.document, excerpt(p, count, tokens)) for p in passages]

    def packed(passages: Sequence[Passage], most: int | None) -> Sequence[Passage]:
        return pack(passages, BUDGET, count=count, most=most, longest=TOKENS).passages

    def nearest(passages: Sequence[Passage]) -> Shown:
        """The parts that are nearly as near as the nearest, of as many as have room."""
        parts = [replace(p, text=p.excerpt) for p in passages]
        kept = pack(parts, BUDGET, count=count, longest=TOKENS).passages
        return [(p.document, head(p.text, TOKENS)) for p in kept]

    def head(text: str, tokens: int) -> str:
        spans = workspace.embedder.encode(text)
        return text if len(spans) <= tokens else text[: spans[tokens - 1][1]]

    return {
        "the first three": lambda found: show(found[:SHOWN]),
        "three, duplicates folded": lambda found: show(packed(found, SHOWN)),
        "as many as have room": lambda found: show(packed(found, None)),
        "six, shorter": lambda found: show(found[: 2 * SHOWN], TOKENS // 2),
        "near parts, as many as have room": nearest,
    }


def within(answer: str, text: str) -> bool:
    """Whether all words of an answer that tell something stand in a text."""
    words = {word for word in telling(answer) if word}
    return bool(words) and words <= set(telling_all(text))


def telling_all(text: str) -> list[str]:
    """The stems of a whole text: `telling` reads a question's beginning only."""
    pieces = re.findall(r"\S+\s*", text)
    return [w for at in range(0, len(pieces), 100) for w in telling("".join(pieces[at : at + 100]))]


if __name__ == "__main__":
    main()
