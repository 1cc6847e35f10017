"""What of the answers can be relied on: citations that resolve, figures that stand, right files.

    python bench/answers.py --workspace kb --questions questions.jsonl [--limit N] [--keep FILE]
                            [--no-model]

Asks every question of a synced workspace in its own mode and prints shares with 95% intervals:
citations that stand in the stored document exactly where they say; answers without a figure that
stands in no cited passage; answers that cite a right file, among the answered questions for which
retrieval found one; refusals and rescues by quoting; and what checking an answer took. `--keep`
writes what was found of each answer to a JSONL file and asks, when run again, only what is not in
it. `--no-model` asks no model and shows the gate alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import fitting

from groundtone import Answer, Workspace
from groundtone.answering import gate
from groundtone.answering.wording import figures


def main() -> None:
    """Read the arguments, ask, print."""
    parser = argparse.ArgumentParser(description="What of the answers can be relied on.")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--model", default=None, help="default: the workspace's own")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="go on with what stands in this file")
    parser.add_argument("--no-model", action="store_true", help="the gate alone")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.questions.read_text("utf-8").splitlines()]
    rows = rows[: given.limit]
    with Workspace.open(given.workspace) as workspace:
        if given.no_model:
            gated(workspace, rows)
            return
        found = kept(given.keep)
        for number, row in enumerate(rows, 1):
            if row["question"] not in found:
                answer = workspace.ask(row["question"], model=given.model)
                found[row["question"]] = facts(workspace, row, answer)
                if given.keep:
                    with given.keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(found[row["question"]]) + "\n")
            print(f"\r{number} of {len(rows)}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        report([found[row["question"]] for row in rows])


def kept(path: Path | None) -> dict[str, dict]:
    """What an earlier run has found, by question."""
    if path is None or not path.exists():
        return {}
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {one["question"]: one for one in found}


def facts(workspace: Workspace, row: dict, answer: Answer) -> dict:
    """What is judged of one answer, and the answer itself for reading."""
    right = gold(row)
    return {
        "question": row["question"],
        "answerable": row.get("answerable", True),
        "answer": answer.text,
        "model": answer.model,
        "refused": answer.refused,
        "rescued": answer.rescued,
        "resolve": [workspace.resolves(answer, citation) for citation in answer.citations],
        "strays": sorted(strays(answer)),
        "retrieved": bool(right & {passage.document for passage in answer.passages}),
        "cited_right": bool(right & {citation.document for citation in answer.citations}),
        "check_ms": answer.timings.check if answer.verdicts else None,
    }


def gated(workspace: Workspace, rows: Sequence[dict]) -> None:
    """Evidence of every question, without an answer."""
    count = workspace.settings.answer.passages
    below = workspace.settings.answer.evidence_below
    known: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        passages = workspace.search(row["question"], count)
        found = gate.evidence(row["question"], passages, embed=workspace.embedder.embed)
        known[bool(row.get("answerable", True))].append(found)
    for answerable, found in known.items():
        if found:
            refused = np.mean([value < below for value in found])
            low, middle, high = np.quantile(found, (0.1, 0.5, 0.9))
            print(
                f"{'answerable' if answerable else 'unanswerable'}: {len(found)} questions, "
                f"{refused:.1%} refused below {below}; "
                f"evidence {low:.2f} / {middle:.2f} / {high:.2f} "
                "(10%, median, 90%)"
            )


def report(found: Sequence[dict]) -> None:
    """All shares."""
    answered = [one for one in found if not one["refused"]]
    lines = {
        "citations that resolve": [good for one in answered for good in one["resolve"]],
        "answers that cite": [bool(one["resolve"]) for one in answered],
        "answers without a figure of their own": [not one["strays"] for one in answered],
        "answers citing a right file, when retrieval had it": [
            one["cited_right"] for one in answered if one["retrieved"]
        ],
        "answerable questions refused": [one["refused"] for one in found if one["answerable"]],
        "unanswerable questions refused": [
            one["refused"] for one in found if not one["answerable"]
        ],
        "answers that quote a passage instead": [one["rescued"] for one in answered],
    }
    print("| measure | share (95%) | n |\n| --- | --- | --- |")
    for name, values in lines.items():
        if values:
            low, high = fitting.interval([float(value) for value in values])
            print(f"| {name} | {np.mean(values):.1%} ({low:.1%} to {high:.1%}) | {len(values)} |")
    spent = [one["check_ms"] for one in found if one["check_ms"] is not None]
    if spent:
        print(
            f"\nChecking an answer: median {np.median(spent):.0f} ms, at most {max(spent):.0f} ms"
        )


def gold(row: dict) -> set[str]:
    """The files that hold the answer."""
    return {evidence["doc"] for evidence in row.get("evidence", [])}


def strays(answer: Answer) -> set[str]:
    """Figures of the answer that stand in no cited passage."""
    cited = {citation.passage for citation in answer.citations}
    known = {f for p in answer.passages if p.rank in cited for f in figures(p.text)}
    return figures(answer.bare_text) - known


if __name__ == "__main__":
    main()
