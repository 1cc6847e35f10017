"""Fits the gate that refuses questions the passages do not answer, and measures it.

    python bench/refusal.py --data ../shared/data [--write] [--keep FOLDER]

ClapNQ's 597 passages become a workspace of as many files; half of its questions have no answer in
it, though each has a passage that is near. The example manual with its questions is the second set.
Each question is searched as `groundtone ask` does. Every number is from ten folds: the fit and the
threshold never saw the questions they are judged on. Which questions share a fold moves a threshold
and, with it, a balanced accuracy by a point or two, so the mean over fifteen dealings of the
questions to folds is given, with their standard deviation. "Top score" refuses by the best
passage's cosine alone; "ours, fitted to these" has the same signs fitted to the set's own
questions. `--write` stores the fit on all questions in src/groundtone/answering/fitted.json;
`--keep` keeps the workspaces.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import fitting

from groundtone import Workspace
from groundtone.answering import gate, support
from groundtone.answering.evidence import Evidence
from groundtone.evaluation.refusing import curve

FITTED = Path(support.__file__).parent / "fitted.json"
EXAMPLES = Path(__file__).parent.parent / "examples"
RIDGE = 5.0
SHARES = (300.0, 100.0)  # weight of ClapNQ, of the examples
DEALINGS = 15  # of the questions to folds


def main() -> None:
    """Read the arguments, measure, fit, print."""
    parser = argparse.ArgumentParser(description="Fit and measure the gate of refusals.")
    parser.add_argument("--data", type=Path, required=True, help="holds clapnq/")
    parser.add_argument("--write", action="store_true", help="store the fitted weights")
    parser.add_argument("--keep", type=Path, help="keep the workspaces here")
    given = parser.parse_args()
    if not (given.data / "clapnq").is_dir():
        sys.exit(f"{given.data / 'clapnq'} is not there; this benchmark needs it.")
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        sets = {
            "ClapNQ": clapnq(given.data / "clapnq", folder / "clapnq"),
            "examples": examples(folder / "examples"),
        }
    fitted = json.loads(FITTED.read_text("utf-8"))
    odds: dict[str, np.ndarray] = {}
    for model, names in (("gate", gate.NAMES), ("gate_words", gate.WORDS_ONLY)):
        odds[model], fitted[model] = fit(list(sets.values()), names)
    report(sets, odds)
    if given.write:
        FITTED.write_text(json.dumps(fitted, indent=1) + "\n", "utf-8")


Set = tuple[list[dict[str, float]], np.ndarray]
"""Signs of each question, and whether it can be answered."""


def clapnq(data: Path, folder: Path) -> Set:
    """One Markdown file a passage; the questions of both halves."""
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    for row in read(data / "corpus.jsonl"):
        text = f"# {row['title']}\n\n{row['text']}\n"
        (pages / f"{row['id']}.md").write_text(text, "utf-8")
    return searched(folder / "kb", pages, read(data / "queries.jsonl"))


def examples(folder: Path) -> Set:
    """The example manual and all its questions."""
    rows = [*read(EXAMPLES / "questions-dev.jsonl"), *read(EXAMPLES / "questions.jsonl")]
    return searched(folder / "kb", EXAMPLES / "manual", rows)


def searched(folder: Path, pages: Path, rows: Sequence[dict]) -> Set:
    """Search every question; read the signs of what was found."""
    signs = []
    with Workspace.create(folder) as workspace:
        workspace.sync(pages)
        count = workspace.settings.answer.passages
        for row in rows:
            passages = workspace.search(row["question"], count)
            signs.append(
                gate.features(row["question"], Evidence(passages, workspace.embedder.embed))
            )
    return signs, np.array([bool(row["answerable"]) for row in rows])


def fit(sets: Sequence[Set], names: Sequence[str]) -> tuple[np.ndarray, dict[str, object]]:
    """Held-out log odds of all sets' questions, [dealings, questions], and the fit on all.

    Both labels weigh alike in each set; ClapNQ, where a near passage is always there, three times
    as much as the small set of examples.
    """
    x = np.array([[sign[name] for name in names] for signs, _ in sets for sign in signs])
    y = np.concatenate([answerable for _, answerable in sets])
    weight = np.concatenate(
        [
            np.where(y, share / y.sum(), share / (~y).sum())
            for share, (_, y) in zip(SHARES, sets, strict=False)
        ]
    )
    raw, intercept = fitting.fit(x, y.astype(float), weight, RIDGE)
    stored = {
        "intercept": round(intercept, 4),
        "weights": {name: round(float(w), 4) for name, w in zip(names, raw, strict=True)},
    }
    rows = np.arange(len(y))
    odds = [
        fitting.held_out(x, y.astype(float), weight, rows, RIDGE, seed) for seed in range(DEALINGS)
    ]
    return np.array(odds), stored


def report(sets: dict[str, Set], odds: dict[str, np.ndarray]) -> None:
    """Balanced accuracy of every way, and the curve of ours."""
    print("| questions | way | AUROC | balanced accuracy |\n| --- | --- | --- | --- |")
    at, ends = 0, []
    for name, (signs, answerable) in sets.items():
        own = slice(at, at + len(signs))
        at += len(signs)
        alone, _ = fit([(signs, answerable)], gate.NAMES)
        ways = {
            "top score": np.tile([sign["near"] for sign in signs], (DEALINGS, 1)),
            "question words that are missing": np.tile(
                [-sign["missing"] for sign in signs], (DEALINGS, 1)
            ),
            "ours, words only": odds["gate_words"][:, own],
            "ours": odds["gate"][:, own],
            "ours, fitted to these": alone,
        }
        for way, scores in ways.items():
            areas = [fitting.area(score, answerable) for score in scores]
            rights = [
                fitting.by_held_out_threshold(score, answerable, seed)
                for seed, score in enumerate(scores)
            ]
            print(
                f"| {name} | {way} | {np.mean(areas):.3f} | "
                f"{np.mean(rights):.3f} (± {np.std(rights):.3f}) |"
            )
        fixed = np.mean([fitting.balanced(one > 0, answerable) for one in odds["gate"][:, own]])
        print(f"| {name} | ours, evidence_below = 0.5 for all | | {fixed:.3f} |")
        ends.append((name, own, answerable))
    near = [np.array([sign["near"] for sign in signs]) for signs, _ in sets.values()]
    one = max(
        np.unique(np.concatenate(near)),
        key=lambda t: sum(
            fitting.balanced(n >= t, a) for n, (_, _, a) in zip(near, ends, strict=True)
        ),
    )
    shown = [
        f"{name} {fitting.balanced(n >= one, answerable):.3f}"
        for n, (name, _, answerable) in zip(near, ends, strict=True)
    ]
    print(f"\nTop score with the one threshold best for both ({one:.2f}): {', '.join(shown)}")
    for name, own, answerable in ends:  # of the first dealing
        print(f"\n{name}\n\n| evidence_below | answerable kept | unanswerable refused | balanced |")
        print("| --- | --- | --- | --- |")
        chances = 1 / (1 + np.exp(-odds["gate"][0, own]))
        for point in curve(chances.tolist(), answerable.tolist(), np.arange(0.1, 0.95, 0.1)):
            print(
                f"| {point.threshold:.1f} | {point.kept:.1%} | {point.refused:.1%} | "
                f"{point.balanced:.3f} |"
            )


def read(path: Path) -> list[dict]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main()
