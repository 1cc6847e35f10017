"""Answers of the log as examples, corrected ones too whatever their rating, and as questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundtone import Workspace
from groundtone.catalog import StoredAnswer
from groundtone.workspace import ledger


def stored(id: str, question: str, text: str, *citations: dict[str, Any]) -> StoredAnswer:
    answer = {"answer": text, "refused": False, "citations": list(citations), "stopped": False}
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


def test_a_sentence_with_two_citations_is_one_sentence_of_the_gold_answer(tmp_path: Path) -> None:
    said = ["They stay for 30 days.", "Admins can empty it."]
    cited = [
        {"sentence": sentence, "document": name, "quote": "…", "page": None, "section": ""}
        for sentence, name in ((said[0], "a.md"), (said[0], "b.md"), (said[1], "a.md"))
    ]
    with Workspace.create(tmp_path) as workspace:
        text = f"{said[0]} [1][2] {said[1]} [1]"
        workspace.catalog.put_answer(stored("1", "How long?", text, *cited))
        workspace.catalog.rate("answer-1", "good")
        (row,) = ledger.export(workspace, "questions")
    assert row["answers"] == [" ".join(said)]
    assert [one["doc"] for one in row["evidence"]] == ["a.md", "b.md", "a.md"]
