"""eval retrieval, and search --explain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rows = [
        {
            "id": "a",
            "question": "How do I reset my password?",
            "evidence": [{"doc": "account-management-guide.md", "section": "2.1"}],
        },
        {
            "id": "b",
            "question": "What is the weather on Mars?",
            "evidence": [{"doc": "weather.md"}],
        },
        {"id": "c", "question": "Who knows?", "answerable": False},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def test_retrieval_is_measured_and_failures_explained(call, manual: Path, questions: Path) -> None:
    found = call("eval", "retrieval", questions, "--workspace", manual, "--json").json
    assert (found["k"], found["questions"], found["skipped"]) == (5, 2, 1)
    assert set(found["measures"]) == {"nDCG@10", "recall@1", "recall@5", "MRR@10", "place@5"}
    assert found["measures"]["recall@5"]["value"] == 0.5
    assert found["failures"]["not indexed"] == 1
    assert {
        each["id"]: each["failure"] and each["failure"]["reason"] for each in found["found"]
    } == {
        "a": None,
        "b": "not indexed",
    }
    assert found["compared"] is None
    text = call("eval", "retrieval", questions, "--workspace", manual).out
    assert "recall@5" in text and "not indexed: 1" in text and "weather.md" in text


def test_two_settings_are_compared_in_pairs(call, manual: Path, questions: Path) -> None:
    asked = ("eval", "retrieval", questions, "--workspace", manual, "-k", 3, "--limit", 1)
    changes = ("--compare", "fusion=weighted", "--compare", "retrieval.dense_weight=0.6")
    found = call(*asked, *changes, "--json").json["compared"]
    assert found["setting"] == "fusion=weighted, dense_weight=0.6"
    assert {each["measure"] for each in found["differences"]} >= {"nDCG@10", "recall@3"}
    assert all(each["verdict"] == "no proven difference" for each in found["differences"])
    assert "verdict" in call(*asked, *changes).out


@pytest.mark.parametrize(
    ("change", "said"),
    [("fusion", "SETTING=VALUE"), ("colour=red", "colour"), ("fusion=magic", "fusion")],
)
def test_a_wrong_comparison_is_named(
    call, manual: Path, questions: Path, change: str, said: str
) -> None:
    result = call("eval", "retrieval", questions, "--workspace", manual, "--compare", change)
    assert result.code == 2 and said in result.err


def test_questions_without_evidence_are_refused(call, manual: Path, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "Where?"}\n', "utf-8")
    result = call("eval", "retrieval", path, "--workspace", manual)
    assert result.code == 2 and "evidence" in result.err


def test_search_explains_every_score(call, manual: Path) -> None:
    found = call("search", "ERR-1042", "--explain", "--json", "--workspace", manual).json
    for row in found:
        origin = row["origin"]
        assert sum(origin["parts"].values()) == pytest.approx(origin["fused"])
        assert row["dense"] is not None
    text = call("search", "ERR-1042", "--explain", "--workspace", manual).out
    assert "cosine" in text and "BM25" in text and "fused" in text
