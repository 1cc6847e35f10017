"""What is trained on cannot be measured on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundtone.errors import WrongUse
from groundtone.evaluation import Question, load_questions
from groundtone.evaluation.leakage import leaks, refuse

TRAINED = [
    "How do I reset my password?",
    "What does ERR-1101 mean?",
    "What warning Event reason is reported for an invalid cross-namespace owner?",
]


@pytest.mark.parametrize(
    ("asked", "leaked"),
    [
        ("How do I reset my password?", True),
        ("how do i reset my password", True),
        ("How do I reset the password?", False),
        ("What does ERR-1101 mean?", True),
        ("What does ERR-2202 mean?", False),
        ("What warning reason is reported for an invalid cross-namespace owner?", True),
        ("Which plan do I need?", False),
    ],
)
def test_the_same_question_or_nearly(asked: str, leaked: bool) -> None:
    found = leaks([Question("q", asked)], TRAINED)
    assert bool(found) == leaked
    if found:
        assert found[0].example in TRAINED and 0.7 < found[0].alike <= 1


def test_a_leak_is_refused_by_name() -> None:
    refuse([])
    with pytest.raises(WrongUse, match="reset my password") as error:
        refuse(leaks([Question("q7", "How do I reset my password?")], TRAINED))
    assert "q7" in str(error.value) and "--skip-leaks" in error.value.remedy


def test_the_examples_of_the_project_leak_nothing(examples: Path) -> None:
    trained = [
        json.loads(line)["messages"][1]["content"]
        for line in (examples / "style.jsonl").read_text("utf-8").splitlines()
    ]
    for name in ("questions.jsonl", "questions-dev.jsonl"):
        assert leaks(load_questions(examples / name), trained) == []
