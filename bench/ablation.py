"""Which recipe: kinds of adapter, ranks, layers, contexts and seeds, asked the same questions.

    python bench/ablation.py --data K8S_DOCS --folder WORK [--examples N] [--questions N]
                             [--rows N]

Trains one adapter for each row on the same examples of the Kubernetes corpus, then asks the base
model and every adapter the same held-out questions with the same passages: one question after the
other, so that the passages are read once for the base and all activated adapters. Prints the table
of docs/tuning.md: token F1, all gold words, house style, length, seconds of training; differences
are paired, with 95% bootstrap intervals, against the first row. What is trained or answered is kept
in WORK: running it again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from groundtone import Answer, Workspace
from groundtone.evaluation.metrics import all_gold_words, token_f1
from groundtone.evaluation.questions import load_questions
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace import tune
from k8s import SETTINGS, STYLE, shuffled, write_examples

BASE = Recipe(epochs=2)
ONE = Contexts(each=1)
ROWS: dict[str, tuple[Recipe, Contexts]] = {
    "activated": (BASE, ONE),
    "plain": (replace(BASE, kind="lora"), ONE),
    "activated, q and v only": (replace(BASE, targets=("q_proj", "v_proj")), ONE),
    "activated, seed 1": (replace(BASE, seed=1), ONE),
    "activated, seed 2": (replace(BASE, seed=2), ONE),
    "activated, rank 4": (replace(BASE, rank=4, alpha=8), ONE),
    "activated, 2e-4": (replace(BASE, learning_rate=2e-4), ONE),
    "activated, 2 contexts": (BASE, Contexts(each=2)),
    "plain, seed 1": (replace(BASE, kind="lora", seed=1), ONE),
}
RESAMPLES = 10_000


def main() -> None:
    """Train the rows, ask the questions, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--rows", type=int, default=len(ROWS), help="only the first so many")
    chosen = parser.parse_args()
    if not (chosen.data / "train.jsonl").is_file():
        sys.exit(f"{chosen.data} does not hold the k8s_docs corpus; see docs/measurements.md")
    names = list(ROWS)[: chosen.rows]
    chosen.folder.mkdir(parents=True, exist_ok=True)
    (chosen.folder / "groundtone.toml").write_text(SETTINGS)
    (chosen.folder / "style.toml").write_text(STYLE)
    examples = write_examples(chosen.data / "train.jsonl", chosen.folder, chosen.examples)
    questions = shuffled(chosen.data / "queries.jsonl", chosen.folder / "questions.jsonl")
    with Workspace.open(chosen.folder) as workspace:
        workspace.sync(chosen.data / "docs")
        trained = {}
        for name in names:
            trained[name] = train(workspace, name, examples, questions)
            print(f"{name}: {trained[name]}", file=sys.stderr, flush=True)
    with Workspace.open(chosen.folder) as workspace:
        models = {"rag": ("base", 0.0), **trained}
        answers = ask(workspace, questions, models, chosen.questions)
        print(table(workspace, questions, models, answers))


def train(workspace: Workspace, name: str, examples: Path, questions: Path) -> tuple[str, float]:
    """The row's model and its seconds of training; a model that is there is taken."""
    suffix = "".join(c if c.isalnum() else "-" for c in name)
    kept = workspace.folder / f"{suffix}.json"
    if kept.is_file():
        model, seconds = json.loads(kept.read_text())
        return model, seconds
    recipe, contexts = ROWS[name]
    began = time.monotonic()
    run = tune.start(
        workspace, examples, suffix=suffix, recipe=recipe, contexts=contexts, held_out=questions
    )
    ended = began
    for event in run.events():
        if event["event"] == "trained":
            ended = time.monotonic()
    kept.write_text(json.dumps([run.model, ended - began]))
    return str(run.model), ended - began


def ask(
    workspace: Workspace, questions: Path, models: dict[str, tuple[str, float]], limit: int
) -> dict[str, dict[str, Any]]:
    """Every model's answer to every question, by row and question id."""
    path = workspace.folder / "ablation.jsonl"
    answers: dict[str, dict[str, Any]] = {name: {} for name in models}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        row = json.loads(line)
        if row["row"] in answers:
            answers[row["row"]][row["id"]] = row
    asked = load_questions(questions)[:limit]
    style = workspace.style()
    voice = next(workspace.voice(model) for model, _ in models.values() if model != "base")
    with path.open("a", encoding="utf-8") as out:
        for at, question in enumerate(asked):
            for name, (model, _) in models.items():
                if question.id in answers[name]:
                    continue
                full = workspace.model_name(model)
                for event in workspace.answerer.stream(question.question, model=full, system=voice):
                    if isinstance(event, Answer):
                        row = {
                            "row": name,
                            "id": question.id,
                            "text": event.bare_text,
                            "refused": event.refused,
                            "style": style.check(event.text, event.refused) == []
                            if style
                            else None,
                            "tokens": event.usage.completion_tokens,
                        }
                        answers[name][question.id] = row
                        out.write(json.dumps(row) + "\n")
            out.flush()
            print(f"\r{at + 1}/{len(asked)}", end="", file=sys.stderr, flush=True)
    return answers


def table(
    workspace: Workspace,
    questions: Path,
    models: dict[str, tuple[str, float]],
    answers: dict[str, dict[str, Any]],
) -> str:
    """The rows in Markdown."""
    first = next(name for name in models if name != "rag")
    asked = [q for q in load_questions(questions) if q.id in answers[first]]

    def scores(name: str) -> np.ndarray:
        return np.array([token_f1(answers[name][q.id]["text"], q.answers) for q in asked])

    draw = np.random.default_rng(0).integers(0, len(asked), (RESAMPLES, len(asked)))
    lines = [
        "| recipe | token F1 | minus the first | all gold words | style | tokens | training |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (_, seconds) in models.items():
        f1 = scores(name)
        gap = f1 - scores(first)
        low, high = np.quantile(gap[draw].mean(1), [0.025, 0.975])
        rows = [answers[name][q.id] for q in asked]
        words = np.mean(
            [all_gold_words(row["text"], q.answers) for q, row in zip(asked, rows, strict=True)]
        )
        against = "–" if name == first else f"{gap.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        lines.append(
            f"| {name} | {f1.mean():.3f} | {against} | {words:.0%} "
            f"| {np.mean([bool(row['style']) for row in rows]):.0%} "
            f"| {np.mean([row['tokens'] for row in rows]):.0f} "
            f"| {seconds:.0f} s |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
