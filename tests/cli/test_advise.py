from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundtone import Workspace
from groundtone.cli import advise as command

FORM = (
    "--facts",
    "no",
    "--format",
    "yes",
    "--format-failures",
    "30%",
    "--long-prompts",
    "no",
    "--examples",
    "200",
    "--hardware",
    "yes",
)


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    Workspace.create(tmp_path / "kb").close()
    (tmp_path / "kb" / "groundtone.toml").write_text('[chat]\nmodel = "openai:gpt-4.1-mini"\n')
    return tmp_path / "kb"


def test_options_are_answers(call, kb: Path) -> None:
    result = call("advise", "--workspace", kb, *FORM)
    assert result.code == 0
    assert "fine-tune:" in result.out
    assert "$ groundtone tune check" in result.out
    assert "30%" in result.out


def test_a_file_of_answers_and_options_over_it(call, kb: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_text(
        'facts = false\nformat = true\nformat_failures = "30%"\nexamples = 200\n'
        "hardware = true\nlong_prompts = false\n",
        "utf-8",
    )
    assert call("advise", "--workspace", kb, "--answers", file, "--json").json["verdict"] == (
        "fine-tune"
    )
    told = call("advise", "--workspace", kb, "--answers", file, "--examples", 3, "--json").json
    assert told["verdict"] == "prompt only"
    assert {
        "key": "examples",
        "value": 3.0,
        "how": "said",
        "source": "your answer",
        "low": None,
        "high": None,
    } in told["evidence"]


def test_nothing_said_gives_questions(call, kb: Path) -> None:
    told = call("advise", "--workspace", kb, "--json").json
    assert told["verdict"] == "not enough evidence yet"
    assert {one["key"] for one in told["questions"]} >= {"facts", "format"}
    assert "Questions" in call("advise", "--workspace", kb).out


def test_pages_are_written(call, kb: Path, tmp_path: Path) -> None:
    html, text = tmp_path / "a.html", tmp_path / "b" / "a.md"
    told = call("advise", "--workspace", kb, *FORM, "--html", html, "--markdown", text, "--json")
    assert told.json["html"] == str(html)
    assert "<!doctype html>" in html.read_text("utf-8")
    assert text.read_text("utf-8").startswith("# fine-tune\n")
    (tmp_path / "file").write_text("")
    bad = call("advise", "--workspace", kb, "--html", tmp_path / "file" / "a.html")
    assert bad.code == 2


def test_wrong_answers_are_named(call, kb: Path, tmp_path: Path) -> None:
    assert call("advise", "--workspace", kb, "--facts", "perhaps").code == 2
    (tmp_path / "a.json").write_text(json.dumps({"colour": "red"}))
    result = call("advise", "--workspace", kb, "--answers", tmp_path / "a.json")
    assert result.code == 2
    assert "colour" in result.err
    (kb / "prices.toml").write_text("[[price]]\n")
    assert "price 1: provider is missing" in call("advise", "--workspace", kb).err


def test_a_terminal_is_asked_only_for_what_matters(
    call, kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answers = {"facts": ["perhaps", "no"], "format": ["no"], "long_prompts": ["no"]}

    def prompt(key: str, **_: object) -> str:
        asked.append(key)
        return answers[key].pop(0)

    monkeypatch.setattr(command.typer, "prompt", prompt)
    monkeypatch.setattr(command, "_at_a_terminal", lambda: True)
    result = call("advise", "--workspace", kb)
    assert asked[:2] == ["facts", "facts"], "what is no answer is asked again"
    assert asked[-1] in ("format", "long_prompts")
    assert len(asked) <= 4
    assert "prompt only" in result.out
