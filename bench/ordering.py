"""What the order of the passages in a prompt is worth: the best first, last, or in the middle.

    python bench/ordering.py FOLDER QUESTIONS.jsonl [--limit N]

Asks the answerable questions of a file in a workspace that is synced, once for each order; the
passages are the same. Printed are words in common with the accepted answers (token F1) and how many
answers hold all words of one, each with its 95% interval and its paired difference from the first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from groundtone import Workspace
from groundtone.evaluation.metrics import all_gold_words, token_f1
from groundtone.evaluation.questions import load_questions
from groundtone.evaluation.statistics import mean_interval, paired_interval
from groundtone.retrieval import Passage

Ordered = Callable[[Sequence[Passage]], list[Passage]]
ORDERS: dict[str, Ordered] = {
    "the best first": list,
    "the best last": lambda found: list(reversed(found)),
    "the best in the middle": lambda found: [*found[1:2], *found[:1], *found[2:]],
}


def main() -> None:
    """Ask in every order and print the table."""
    parser = argparse.ArgumentParser(description="Passages in other orders.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--limit", type=int)
    given = parser.parse_args()
    every = [one for one in load_questions(given.questions) if one.answers]
    asked = every[: given.limit]
    f1: dict[str, list[float]] = {name: [] for name in ORDERS}
    whole: dict[str, list[float]] = {name: [] for name in ORDERS}
    with Workspace.open(given.folder) as workspace:
        answerer = workspace.answerer
        search, model = answerer.retrieve, workspace.model_name("base")
        for one in asked:
            found = search(one.question)
            for name, ordered in ORDERS.items():
                answerer.retrieve = lambda _, order=ordered, some=found: order(some)
                answer = answerer.ask(one.question, model=model)
                f1[name].append(token_f1(answer.text, one.answers))
                whole[name].append(float(all_gold_words(answer.text, one.answers)))
    print(f"{len(asked)} questions\n\n| order | token F1 | difference | all words | difference |")
    print("| --- | --- | --- | --- | --- |")
    for name in ORDERS:
        cells = [cell for told in (f1, whole) for cell in (mean(told[name]), gain(told, name))]
        print(f"| {name} | " + " | ".join(cells) + " |")


def mean(values: Sequence[float]) -> str:
    """The mean with its interval."""
    of = mean_interval(values)
    assert of is not None
    return f"{of.value:.3f} [{of.low:.3f}, {of.high:.3f}]"


def gain(told: dict[str, list[float]], name: str) -> str:
    """The difference from the first order; nothing for the first itself."""
    first = next(iter(told))
    if name == first:
        return ""
    of = paired_interval(told[name], told[first])
    assert of is not None
    return f"{of.value:+.3f} [{of.low:+.3f}, {of.high:+.3f}]"


if __name__ == "__main__":
    main()
