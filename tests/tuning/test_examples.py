"""Every fault of an examples file, with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundtone.errors import WrongUse
from groundtone.tuning.examples import load

CANONICAL = (
    '{"messages": [{"role": "system", "content": "You are a technical support assistant. Answer '
    'concisely with specific citations from the documentation."}, {"role": "user", "content": '
    '"How do I reset my password?"}, {"role": "assistant", "content": "Go to Settings > Account '
    "> Reset Password. A confirmation email will be sent to your registered address. [Source: "
    'Account Management Guide, Section 2.1]"}]}'
)


def line(question: str, answer: str = "So.") -> str:
    return json.dumps(
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }
    )


GOOD = [line(f"Question {i}?") for i in range(12)]


def write(folder: Path, lines: list[str], name: str = "style.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_the_canonical_line_is_accepted(tmp_path: Path) -> None:
    found = load(write(tmp_path, [CANONICAL, *GOOD]))
    assert found.faults == []
    first = found.rows[0]
    assert first.question == "How do I reset my password?"
    assert first.system.startswith("You are a technical support assistant.")
    assert first.answer.endswith("[Source: Account Management Guide, Section 2.1]")


def test_the_examples_that_come_with_the_project_are_faultless(examples: Path) -> None:
    found = load(examples / "style.jsonl", held_out=examples / "questions.jsonl")
    assert found.faults == []
    assert len(found.rows) >= 120


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("{not json", "not JSON"),
        ('{"prompt": "x"}', "messages"),
        ('{"messages": "x"}', "not a list"),
        ('{"messages": [{"role": "robot", "content": "x"}]}', "'robot'"),
        ('{"messages": [{"role": "user", "content": ""}]}', "empty"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "no assistant"),
        (
            '{"messages": [{"role": "assistant", "content": "x"}, '
            '{"role": "user", "content": "y"}]}',
            "last message",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "x"}, '
            '{"role": "assistant", "content": "y"}]}',
            "take turns",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "s"}, '
            '{"role": "assistant", "content": "y"}]}',
            "only come first",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}, '
            '{"role": "assistant", "content": "y", "weight": 0}]}',
            "teaches nothing",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}, '
            '{"role": "assistant", "content": "y", "weight": 2}]}',
            "use 0 or 1",
        ),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path: Path, bad: str, problem: str) -> None:
    found = load(write(tmp_path, [*GOOD[:4], bad, *GOOD[4:]]))
    assert any(fault.line == 5 and problem in str(fault) for fault in found.faults), found.faults
    assert len(found.rows) == len(GOOD)


def test_duplicates_and_contradictions_are_told_apart(tmp_path: Path) -> None:
    extra = [line("Question 1?"), line("question 2", "Otherwise.")]
    faults = [str(fault) for fault in load(write(tmp_path, [*GOOD, *extra])).faults]
    assert faults == [
        "line 13, messages: repeats line 2: the same question",
        "line 14, messages: contradicts line 3: the same question",
    ]


def test_questions_that_are_held_out_must_not_be_trained_on(tmp_path: Path) -> None:
    held = write(tmp_path, [json.dumps({"id": "q", "question": "QUESTION 3"})], "questions.jsonl")
    faults = load(write(tmp_path, GOOD), held_out=held).faults
    assert len(faults) == 1
    assert "line 4" in str(faults[0]) and "questions.jsonl, line 1" in str(faults[0])


def test_fewer_than_ten_are_too_few(tmp_path: Path) -> None:
    faults = load(write(tmp_path, GOOD[:9])).faults
    assert "at least 10" in str(faults[0])


def test_files_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(WrongUse, match="UTF-8"):
        load(path)
    with pytest.raises(WrongUse, match="no file"):
        load(tmp_path / "none.jsonl")


def test_several_turns_keep_their_history(tmp_path: Path) -> None:
    talk = json.dumps(
        {
            "messages": [
                {"role": "user", "content": "First?"},
                {"role": "assistant", "content": "Yes."},
                {"role": "user", "content": "And then?"},
                {"role": "assistant", "content": "No."},
            ]
        }
    )
    row = load(write(tmp_path, [*GOOD, talk])).rows[-1]
    assert row.question == "And then?"
    assert [turn["content"] for turn in row.history] == ["First?", "Yes."]
