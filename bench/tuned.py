"""What `groundtone tune retriever` gains on real documents and questions.

    python bench/tuned.py --data DATA --work WORK

Takes 150 pages of k8s_docs: 110 that its training questions ask for and 40 that its development
questions ask for, which are other pages. Tunes on the training questions, and on the documents
alone, each with its own gate; then, passed or not, measures what was fitted on the development
questions, which neither has seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from groundtone import Workspace
from groundtone.evaluation.questions import Question, load_questions
from groundtone.retrieval import tuned as keeping
from groundtone.retrieval.tuned import Tuned
from groundtone.workspace.retrieval import measure_retrieval
from groundtone.workspace.tune_retriever import tune

PAGES = {"train": 110, "queries": 40}


def main() -> None:
    """Read the arguments, sync, tune, print."""
    parser = argparse.ArgumentParser(description="Measures tuned retrievers.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    given = parser.parse_args()
    folder = given.data / "k8s_docs"
    if not folder.is_dir():
        sys.exit(f"There is no {folder}: this measurement needs it.")
    asked = {name: load_questions(folder / f"{name}.jsonl") for name in PAGES}
    pages = {name: chosen(asked[name], number) for name, number in PAGES.items()}
    questions = {
        name: [q for q in asked[name] if any(e.doc in pages[name] for e in q.evidence)]
        for name in PAGES
    }
    docs = given.work / "docs"
    for page in sorted({page for some in pages.values() for page in some}):
        (docs / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "docs" / page, docs / page)
    with Workspace.create(given.work / "workspace") as workspace:
        workspace.sync(docs)
        keeping.remove(workspace.catalog)
        for name in ("train", None):
            began = time.process_time()
            outcome = tune(workspace, questions[name] if name else None)
            spent = time.process_time() - began
            print(
                f"\n{'questions' if name else 'documents alone'}: {spent:.0f} s of processor time"
            )
            print(json.dumps(outcome.to_json(), indent=1))
            keeping.remove(workspace.catalog)
            if outcome.tuned is not None:
                check(workspace, outcome.tuned, questions["queries"])


def chosen(questions: list[Question], number: int) -> set[str]:
    """So many of the documents that are asked for, always the same."""
    known = {evidence.doc for question in questions for evidence in question.evidence}
    return set(sorted(known, key=lambda doc: hashlib.sha256(doc.encode()).digest())[:number])


def check(workspace: Workspace, tuned: Tuned, questions: list[Question]) -> None:
    """The search as it serves, tuned and not, on questions that played no part."""
    before = measure_retrieval(workspace, questions)
    keeping.save(workspace.catalog, tuned, {})
    now = measure_retrieval(workspace, questions)
    keeping.remove(workspace.catalog)
    for difference in now.against(before):
        name, told = difference.measure, difference.interval
        means = [np.mean(report.values()[name]) for report in (before, now)]
        assert told is not None
        print(
            f"{len(questions)} other questions, {name}: {means[0]:.3f} to {means[1]:.3f}, "
            f"{told.value:+.3f} [{told.low:+.3f}, {told.high:+.3f}] {difference.verdict}"
        )


if __name__ == "__main__":
    main()
