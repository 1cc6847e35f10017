from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundtone.advice.knowing import Evidence, Known, shown
from groundtone.advice.questions import ASKED, QUESTIONS, form, load, read
from groundtone.errors import WrongUse


@pytest.mark.parametrize(
    ("key", "told", "value"),
    [
        ("facts", "yes", True),
        ("facts", "No", False),
        ("facts", True, True),
        ("changes", "never", 0.0),
        ("changes", "Monthly", 1.0),
        ("changes", "5%", 0.05),
        ("changes", 4, 4.0),
        ("format_failures", "12.5%", 0.125),
        ("format_failures", 0.3, 0.3),
        ("volume", "1,200", 1200.0),
        ("budget", 0, 0.0),
    ],
)
def test_an_answer_is_read(key: str, told: object, value: object) -> None:
    assert read(key, told) == value


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("facts", "maybe"),
        ("facts", 1),
        ("changes", "often"),
        ("changes", True),
        ("format_failures", 30),
        ("format_failures", "130%"),
        ("volume", -1),
        ("volume", "many"),
        ("volume", "nan"),
        ("volume", None),
        ("colour", "red"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_would_be(key: str, told: object) -> None:
    with pytest.raises(WrongUse) as raised:
        read(key, told)
    assert raised.value.remedy


def test_files_of_both_kinds_say_the_same(tmp_path: Path) -> None:
    toml, other = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('facts = true\nchanges = "weekly"\nvolume = 1200\n', "utf-8")
    other.write_text(json.dumps({"facts": "yes", "changes": "weekly", "volume": 1200}), "utf-8")
    assert load(toml) == load(other) == {"facts": True, "changes": 4.35, "volume": 1200.0}


@pytest.mark.parametrize("text", ["facts = maybe", "facts = 'maybe'", "[1", "\udcff"])
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WrongUse):
        load(path)
    with pytest.raises(WrongUse):
        load(tmp_path / "missing.json")


def test_every_question_can_be_asked() -> None:
    assert set(ASKED) <= set(QUESTIONS)
    for question in QUESTIONS.values():
        assert question.text.endswith("?")
        assert form(question).startswith("Say ")


def test_values_for_people() -> None:
    def value(key: str, told: bool | float) -> str:
        return shown(Evidence(key, told, "said", "here"))

    assert value("facts", True) == "yes"
    assert value("changes", 0.05) == "5.0% of the documents a month"
    assert value("format_failures", 0.125) == "12.5%"
    assert value("volume", 1200.0) == "1,200 questions"


def test_numbers_disagree_when_they_are_far_apart() -> None:
    seen = [Evidence("volume", 1000.0, "observed", "log")]
    assert not Known.of({"volume": 600.0}, seen).disagreements()
    assert Known.of({"volume": 400.0}, seen).disagreements()
    measured = [Evidence("format_failures", 0.1, "observed", "c", low=0.05, high=0.2)]
    assert not Known.of({"format_failures": 0.19}, measured).disagreements()
    assert Known.of({"format_failures": 0.21}, measured).disagreements()
