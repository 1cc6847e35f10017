"""The four-way table on real documents: the Kubernetes documentation.

    python bench/k8s.py --data K8S_DOCS --folder WORK [--examples N] [--questions N]

Syncs the 948 pages, makes training examples from ``train.jsonl`` (question, answer and a label that
names the page), tunes, and asks the first questions of a fixed shuffle of ``queries.jsonl`` (other
pages than the training ones) through all five arms. Everything is kept in WORK: running it again
goes on where it stopped. Prints the table of docs/measurements.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

from groundtone import Workspace
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import tune

LABEL = "[Source: {document}]"
SYSTEM = "Answer the question about Kubernetes in as few words as are needed."
SETTINGS = f"""[answer]
label = "{LABEL}"
system = "{SYSTEM}"

[chat]
max_tokens = 96
"""
STYLE = f"""name = "k8s"
label = "{LABEL}"
refusal = "The documents do not answer this question."
max_sentences = 2
max_words = 40
"""


def main() -> None:
    """Sync, tune, compare; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--questions", type=int, default=150)
    parser.add_argument("--kind", default="alora")
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--learning-rate", type=float, default=Recipe().learning_rate)
    parser.add_argument("--contexts", type=int, default=1)
    parser.add_argument("--suffix", default="k8s")
    parser.add_argument("--arms", default="base,few-shot,rag,tuned,both")
    chosen = parser.parse_args()
    if not (chosen.data / "train.jsonl").is_file():
        sys.exit(f"{chosen.data} does not hold the k8s_docs corpus; see docs/measurements.md")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    (chosen.folder / "groundtone.toml").write_text(SETTINGS)
    (chosen.folder / "style.toml").write_text(STYLE)
    examples = write_examples(chosen.data / "train.jsonl", chosen.folder, chosen.examples)
    questions = shuffled(chosen.data / "queries.jsonl", chosen.folder / "questions.jsonl")

    with Workspace.open(chosen.folder) as workspace:
        began = time.monotonic()
        report = workspace.sync(chosen.data / "docs")
        print(
            f"sync {time.monotonic() - began:.0f} s: {report.added} added, "
            f"{report.unchanged} unchanged, {len(report.failed)} failed",
            flush=True,
        )
        stored = [m.name for m in workspace.catalog.list_models() if f":{chosen.suffix}:" in m.name]
        if not stored:
            recipe = Recipe(
                kind=chosen.kind, epochs=chosen.epochs, learning_rate=chosen.learning_rate
            )
            run = tune.start(
                workspace, examples, suffix=chosen.suffix, recipe=recipe,
                contexts=Contexts(each=chosen.contexts), held_out=questions,
            )  # fmt: skip
            for event in run.events():
                if event["event"] != "step" or event["valid_loss"] is not None:
                    print(json.dumps(event), flush=True)
            stored = [str(run.model)]
        result = workspace.compare(
            questions,
            arms=chosen.arms.split(","),
            tuned=stored[-1],
            limit=chosen.questions,
            progress=lambda done, total, outcome: print(
                f"\r{done}/{total} {outcome.arm}", end="", file=sys.stderr, flush=True
            ),
        )
        print()
        print(result.markdown())
        print(result.verdict)
        result.to_html(chosen.folder / f"{chosen.suffix}.html")


def write_examples(source: Path, folder: Path, count: int) -> Path:
    """Training examples from question/answer pairs; the label names the gold page."""
    rows = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
    random.Random(0).shuffle(rows)
    path = folder / "examples.jsonl"
    seen: set[str] = set()
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            key = "".join(c for c in row["question"].lower() if c.isalnum())
            if key in seen or len(seen) >= count:
                continue
            seen.add(key)
            answer = row["answers"][0].strip()
            if not answer.endswith((".", "!", "?")):
                answer += "."
            label = LABEL.format(document=row["evidence"][0]["doc"])
            messages = [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": row["question"]},
                {"role": "assistant", "content": f"{answer} {label}"},
            ]
            out.write(json.dumps({"messages": messages}) + "\n")
    return path


def shuffled(source: Path, path: Path) -> Path:
    """The development questions in one fixed random order, so that the first n are a sample."""
    rows = source.read_text("utf-8").splitlines()
    random.Random(7).shuffle(rows)
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    main()
