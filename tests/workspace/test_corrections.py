"""A correction of an answer becomes an example to tune on, whatever the rating."""

from __future__ import annotations

from pathlib import Path

from groundtone import Workspace
from groundtone.catalog import StoredAnswer
from groundtone.workspace import ledger


def stored(id: str, question: str, text: str) -> StoredAnswer:
    answer = {"answer": text, "refused": False, "citations": [], "stopped": False}
    return StoredAnswer(f"answer-{id}", question, "nobody", answer)


def test_examples_are_made_of_good_answers_and_of_corrections(tmp_path: Path) -> None:
    with Workspace.create(tmp_path) as workspace:
        catalog = workspace.catalog
        for id, question in (("1", "One?"), ("2", "Two?"), ("3", "Three?")):
            catalog.put_answer(stored(id, question, f"said {id}"))
        catalog.rate("answer-1", "good")
        catalog.rate("answer-2", "bad")
        catalog.correct("answer-2", "should have been two")
        rows = list(ledger.export(workspace, "examples"))
        told = {row["messages"][-2]["content"]: row["messages"][-1]["content"] for row in rows}
        assert told == {"One?": "said 1", "Two?": "should have been two"}
        catalog.correct("answer-2", "")
        assert len(list(ledger.export(workspace, "examples"))) == 1
        # A question to measure with is still made of what was rated good alone.
        catalog.correct("answer-2", "should have been two")
        assert [row["question"] for row in ledger.export(workspace, "questions")] == ["One?"]
