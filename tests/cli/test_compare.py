"""``groundtone compare`` as a command: its words, its files, its faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundtone.evaluation import Outcome, Question, measure


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """What the command asked of the workspace; the answers are made up."""
    from groundtone.workspace import Workspace

    seen: list[tuple[Any, dict[str, Any]]] = []

    def compare(self: Workspace, questions: Any, **options: Any) -> Any:
        seen.append((questions, options))
        outcomes = [Outcome(arm, "q", "30 days", "30 days") for arm in options["arms"]]
        options["progress"](1, 1, outcomes[0])
        return measure(outcomes, [Question("q", "How long?", ("30 days",))])

    monkeypatch.setattr(Workspace, "compare", compare)
    return seen


def test_every_option_reaches_the_comparison(
    call: Any, manual: Path, tmp_path: Path, asked: list[Any]
) -> None:
    result = call(
        "compare", tmp_path / "q.jsonl", "-w", manual, "--arms", "base, rag,rag",
        "--arm", "a=openai:x+docs", "--arm", "b=openai:y", "--tuned", "s0, s1", "--seeds", "2",
        "--without-documents", "p", "--judge", "openai:z", "--limit", "5", "--parallel", "3",
        "--skip-leaks", "--seed", "4",
        "--html", tmp_path / "r.html", "--markdown", tmp_path / "r.md", "--export",
        tmp_path / "r.json", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    questions, options = asked[0]
    assert questions == tmp_path / "q.jsonl"
    wanted = {
        "arms": ["base", "rag"], "further": ["a=openai:x+docs", "b=openai:y"],
        "tuned": ["s0", "s1"], "seeds": 2, "without_documents": "p", "judge": "openai:z",
        "limit": 5, "parallel": 3, "skip_leaks": True, "seed": 4,
    }  # fmt: skip
    assert {name: options[name] for name in wanted} == wanted
    assert set(result.json["arms"]) == {"base", "rag"}
    exported = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert exported["arms"] == result.json["arms"]
    assert "How long?" in (tmp_path / "r.html").read_text("utf-8")
    assert (tmp_path / "r.md").read_text("utf-8").startswith(exported["verdict"])


def test_run_may_be_said_or_left_out(call: Any, manual: Path, asked: list[Any]) -> None:
    for words in (["compare", "q.jsonl"], ["compare", "run", "q.jsonl"]):
        assert call(*words, "-w", manual, "--arms", "rag").code == 0
    assert [str(questions) for questions, _ in asked] == ["q.jsonl", "q.jsonl"]


def test_the_log_is_named_instead_of_a_file(call: Any, manual: Path, asked: list[Any]) -> None:
    assert call("compare", "--from-log", "-w", manual, "--arms", "rag").code == 0
    assert asked[0][0] is None
    for words in ([], ["q.jsonl", "--from-log"]):
        result = call("compare", *words, "-w", manual)
        assert result.code == 2 and "--from-log" in result.err


def test_a_report_that_cannot_be_written_is_said(
    call: Any, manual: Path, tmp_path: Path, asked: list[Any]
) -> None:
    (tmp_path / "file").write_text("x")
    result = call(
        "compare", "q.jsonl", "-w", manual, "--arms", "rag", "--html", tmp_path / "file" / "r.html"
    )
    assert result.code == 2 and "cannot be written" in result.err
    assert call("compare", "q.jsonl", "-w", manual, "--arms", " , ").code == 2


def test_drafted_questions_are_a_new_question_file(call: Any, manual: Path, tmp_path: Path) -> None:
    from groundtone.evaluation import load_questions

    file = tmp_path / "drafted.jsonl"
    result = call("compare", "draft", "--out", file, "--count", "3", "-w", manual, "--json")
    assert result.code == 0, result.err
    assert result.json["count"] == len(load_questions(file)) > 0
    again = call("compare", "draft", "--out", file, "-w", manual)
    assert again.code == 2 and "already" in again.err
    assert "--beside" in call("compare", "draft", "--help").out
