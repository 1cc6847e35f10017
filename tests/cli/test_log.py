from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.catalog import StoredAnswer
from groundtone.evaluation.questions import load_questions
from groundtone.tuning import examples

CITATION = {
    "marker": "[1]",
    "sentence": "Use Settings > Account.",
    "document": "a.md",
    "title": "A",
    "section": "2.1",
    "page": None,
    "start": 3,
    "end": 26,
    "quote": "Use Settings > Account.",
    "score": 1.0,
}


def answer(number: int, question: str, *, refused: bool = False) -> StoredAnswer:
    told = {
        "answer": "Nothing says so." if refused else "Use Settings > Account. [1]",
        "refused": refused,
        "citations": [] if refused else [CITATION],
        "unsupported": [],
        "model": "base",
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "cost_usd": 0.0},
        "timings_ms": {"total": 1200.0},
        "passages": [],
    }
    return StoredAnswer(f"answer-{number:012x}", question, "base", told, created_at=float(number))


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "kb"
    with Workspace.create(folder) as workspace:
        for number, question in enumerate(["How?", "When?", "Who?", "How?"], 1):
            stored = answer(number, question, refused=question == "Who?")
            workspace.catalog.put_answer(stored)
    yield folder


def test_the_latest_come_first_and_one_is_shown_whole(call, kb: Path) -> None:
    told = call("log", "list", "--workspace", kb, "--limit", "3", "--json").json
    assert [row["question"] for row in told] == ["How?", "Who?", "When?"]
    assert "Settings > Account" in call("log", "list", "--workspace", kb).out
    shown = call("log", "show", "000000000002", "--workspace", kb)
    assert "When?" in shown.out
    assert "a.md, characters 3–26" in shown.out
    assert "How?" in call("log", "show", "last", "--workspace", kb).out
    assert call("log", "show", "zzz", "--workspace", kb).code == 2
    several = call("log", "show", "0", "--workspace", kb)
    assert several.code == 2
    assert "Several" in several.err


def test_ratings_are_kept_replaced_and_taken_back(call, kb: Path) -> None:
    call("log", "rate", "000000000001", "bad", "--note", "wrong page", "--workspace", kb)
    call("log", "rate", "000000000001", "good", "--workspace", kb)
    call("log", "rate", "000000000002", "bad", "--workspace", kb)
    assert len(call("log", "list", "--rating", "good", "--workspace", kb, "--json").json) == 1
    assert len(call("log", "list", "--rating", "unrated", "--workspace", kb, "--json").json) == 2
    call("log", "rate", "000000000002", "none", "--workspace", kb)
    assert len(call("log", "list", "--rating", "unrated", "--workspace", kb, "--json").json) == 3
    assert call("log", "rate", "000000000001", "fine", "--workspace", kb).code == 2


def test_good_answers_become_questions_and_examples(call, kb: Path, tmp_path: Path) -> None:
    for id in ("000000000001", "000000000003", "000000000004"):
        call("log", "rate", id, "good", "--workspace", kb)
    call("log", "rate", "000000000002", "bad", "--workspace", kb)
    questions, shown = tmp_path / "q.jsonl", tmp_path / "e.jsonl"
    told = call("log", "export", questions, "--as", "questions", "--workspace", kb, "--json").json
    assert told["count"] == 2, "the same question once, the bad one never"
    loaded = load_questions(questions)
    assert [(q.question, q.answerable) for q in loaded] == [("How?", True), ("Who?", False)]
    assert loaded[0].evidence[0].text == "Use Settings > Account."
    call("log", "export", shown, "--as", "examples", "--workspace", kb)
    rows = examples.load(shown).rows
    assert [row.question for row in rows] == ["How?", "Who?"]
    assert rows[0].answer == "Use Settings > Account. [1]"


def test_records_hold_everything_and_no_file_is_overwritten(call, kb: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    call("log", "export", file, "--workspace", kb)
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [row["question"] for row in rows] == ["How?", "When?", "Who?", "How?"]
    assert rows[0]["citations"] == [CITATION]
    assert call("log", "export", file, "--workspace", kb).code == 2
    nothing = call("log", "export", tmp_path / "x", "--as", "examples", "--workspace", kb)
    assert nothing.code == 2
    assert "log rate" in nothing.err
    assert call("log", "export", tmp_path / "x", "--as", "poems", "--workspace", kb).code == 2
