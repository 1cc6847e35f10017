"""eval answers, and ask --schema."""

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
            "answers": ["Settings > Account > Reset Password"],
            "evidence": [{"doc": "account-management-guide.md", "section": "2.1"}],
        },
        {"id": "b", "question": "Who won the regatta of 1998 in Oslo?", "answerable": False},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def test_the_gate_is_measured_without_a_model(call, manual: Path, questions: Path) -> None:
    asked = ("eval", "answers", questions, "--no-model", "--workspace", manual)
    found = call(*asked, "--json").json
    assert (found["questions"], found["model"]) == (2, None)
    assert found["measures"]["correct"] is None
    assert found["measures"]["retrieved"] == {
        "value": 1.0, "low": pytest.approx(0.207, abs=0.001), "high": 1.0, "n": 1,
    }  # fmt: skip
    refusal = found["refusal"]
    assert (refusal["answerable"], refusal["unanswerable"], refusal["few"]) == (1, 1, True)
    assert len(refusal["points"]) == 21
    assert refusal["evidence_below"] == 0.2
    assert found["compared"] is None
    text = call(*asked).out
    assert "evidence_below" in text
    assert "Recommended here" in text
    assert "a hint, no more" in text
    assert "ROUGE" not in text


def test_two_thresholds_are_compared(call, manual: Path, questions: Path) -> None:
    asked = ("eval", "answers", questions, "--no-model", "--workspace", manual)
    changed = ("--compare", "answer.evidence_below=1")
    found = call(*asked, *changed, "--json").json["compared"]
    assert found["changes"] == {"answer.evidence_below": "1"}
    assert found["measures"]["answered"]["value"] == 0.0
    assert {each["measure"] for each in found["differences"]} >= {"answered", "refusal_recall"}
    assert "changed: answer.evidence_below=1" in call(*asked, *changed).out


def test_questions_of_one_kind_recommend_no_threshold(call, manual: Path, questions: Path) -> None:
    asked = ("eval", "answers", questions, "--no-model", "--limit", 1, "--workspace", manual)
    assert "no unanswerable questions" in call(*asked).out
    refusal = call(*asked, "--json").json["refusal"]
    assert refusal["recommended"] is None
    assert refusal["points"][3]["refused"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("check=mark", "SECTION.NAME=VALUE"),
        ("answer.check", "SECTION.NAME=VALUE"),
        ("index.store=chroma", "index.store"),
        ("answer.check=loud", "answer.check"),
    ],
)
def test_a_wrong_comparison_is_named(
    call, manual: Path, questions: Path, change: str, said: str
) -> None:
    result = call(
        "eval", "answers", questions, "--no-model", "--workspace", manual, "--compare", change
    )
    assert result.code == 2
    assert said in result.err


def test_a_wrong_schema_is_named_with_its_place(call, manual: Path, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    for text, said in (
        ('{"type": oops}', "line 1, column 10"),
        ('{"properties": {"days": {"type": "number of days"}}}', "$.properties.days.type"),
    ):
        path.write_text(text, "utf-8")
        result = call("ask", "How long?", "--schema", path, "--workspace", manual)
        assert result.code == 2
        assert said in result.err
    assert call("ask", "x", "--schema", tmp_path / "no.json", "--workspace", manual).code == 2


@pytest.mark.slow
def test_answers_are_measured_and_kept(call, manual: Path, questions: Path, smollm: object) -> None:
    asked = ("eval", "answers", questions, "--workspace", manual, "--json")
    first = call(*asked).json
    assert first["model"] == "smollm2-135m-instruct"
    assert first["support"]["model"] == "groundtone.support"
    assert {each["id"] for each in first["answers"]} == {"a", "b"}
    assert first["measures"]["f1"]["n"] == 1
    assert call(*asked).json == first
    assert "token F1" in call(*asked[:-1]).out


@pytest.mark.slow
def test_a_schema_is_followed(call, manual: Path, tmp_path: Path, smollm: object) -> None:
    path = tmp_path / "schema.json"
    fields = {"meaning": {"type": ["string", "null"], "maxLength": 60}}
    path.write_text(json.dumps({"type": "object", "properties": fields}), "utf-8")
    asked = ("ask", "What does ERR-1003 mean?", "--schema", path, "--workspace", manual)
    answer = call(*asked, "--json").json
    assert {"value", "written", "leaves", "reason", "citations", "passages"} <= set(answer)
    assert set(answer["written"]) == {"meaning"}
    assert answer["refused"] == (answer["value"] is None)
    assert bool(answer["reason"]) == answer["refused"]
    for leaf in answer["leaves"]:
        assert set(leaf) == {"path", "now", "value", "support", "supported", "citations"}
    assert call(*asked).code == 0
