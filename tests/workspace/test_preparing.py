"""Files of examples that cannot be trained, or measured, on: which of the two, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.tuning.test_chat_format import CALLING

from groundtone import Workspace
from groundtone.errors import BadExamples, UnusableExamples
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.tuning.rendering import Rendered
from groundtone.workspace import check, preparing

NOWHERE = "Leonardo painted it, and it hangs in the Louvre."


@pytest.fixture
def training(examples: Path, tmp_path: Path) -> Path:
    """A few examples that the manual answers."""
    lines = (examples / "style.jsonl").read_text("utf-8").split("\n")[:12]
    return written(tmp_path / "training.jsonl", [json.loads(line) for line in lines])


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def asked(question: str, answer: str) -> dict[str, Any]:
    told = {"role": "assistant", "content": answer}
    return {"messages": [{"role": "user", "content": question}, told]}


def prepare(
    workspace: Workspace, path: Path, contexts: Contexts | None = None, **options: Any
) -> dict[str, Any]:
    folder = path.parent / "run"
    contexts = contexts or Contexts(each=1, absent=0.0)
    try:
        return preparing.prepare(
            workspace, path, folder, recipe=Recipe(kind="lora"), contexts=contexts, **options
        )
    except UnusableExamples:
        assert not folder.exists()
        raise


def test_a_validation_file_without_support_is_named(
    workspace: Workspace, training: Path, tmp_path: Path, smollm: object
) -> None:
    path = written(tmp_path / "validation.jsonl", [asked("Who painted it?", NOWHERE)])
    with pytest.raises(UnusableExamples, match=r"to measure on in \S+validation.jsonl \(1") as one:
        prepare(workspace, training, validation=path)
    assert one.value.path == path
    nowhere = [asked(f"Who painted number {n}?", NOWHERE) for n in range(10)]
    with pytest.raises(UnusableExamples, match="to train on") as other:
        prepare(workspace, written(tmp_path / "nowhere.jsonl", nowhere), validation=training)
    assert other.value.path == tmp_path / "nowhere.jsonl"


def test_nothing_can_be_measured_on_calls_of_tools_alone(tmp_path: Path) -> None:
    for count in (1, 12):  # one example is enough
        path = written(tmp_path / "calls.jsonl", [CALLING] * count)
        with pytest.raises(UnusableExamples, match="tools are called in every example") as error:
            preparing.measured_on(path)
        assert error.value.path == path and not isinstance(error.value, BadExamples)
    with pytest.raises(UnusableExamples, match="no examples"):
        preparing.measured_on(written(tmp_path / "empty.jsonl", []))
    assert len(preparing.measured_on(written(tmp_path / "one.jsonl", [asked("A?", "B.")]))) == 1


def test_all_turns_and_the_answer_must_fit_into_the_context(
    workspace: Workspace, training: Path, tmp_path: Path, smollm: object
) -> None:
    turns = [
        message
        for number in range(60)
        for message in (
            {"role": "user", "content": f"Question {number}: " + "tell me more about it. " * 8},
            {"role": "assistant", "content": "Here is more about it. " * 12, "weight": 0},
        )
    ]
    talk = asked("And what is the limit?", "Ten.")
    long = {"messages": [*turns, *talk["messages"]]}
    lines = [json.loads(line) for line in training.read_text("utf-8").splitlines()]
    path = written(tmp_path / "talk.jsonl", [*lines, long])
    plain = Contexts.none()
    said = rf"line {len(lines) + 1}, messages: all messages together have \d+ tokens"
    with pytest.raises(BadExamples, match=said):
        prepare(workspace, path, plain)
    with pytest.raises(BadExamples, match=r"talk\.jsonl has 1 fault") as error:
        prepare(workspace, training, plain, validation=path)
    assert error.value.path == path
    result = check.check(workspace, path, contexts=plain)
    assert [(f.line, f.kind) for f in result.faults] == [(len(lines) + 1, "over length")]
    assert result.plan is None and result.skipped == "the file has faults"
    whole = preparing.over_context_whole(workspace, preparing.reading.load(path))
    assert [fault.line for fault in whole] == [len(lines) + 1]
    # With documents a small model reads the question made to stand alone, not the turns.
    assert prepare(workspace, path)["tokens"] > 0


def test_messages_about_tools_must_fit_too(
    workspace: Workspace, training: Path, smollm: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = workspace.chat.context_tokens
    fits = Rendered(3, (1,) * (room - 2), (1,), (1,), "tools")
    over = Rendered(4, (1,) * (room - 1), (1,), (1,), "tools")
    assert preparing.over_context(workspace, [fits]) == []
    monkeypatch.setattr(preparing, "rendered_tools", lambda *_: ([fits, over, over], []))
    with pytest.raises(BadExamples, match=f"line 4, messages: .* {room + 1} tokens") as error:
        prepare(workspace, training, Contexts.none())
    assert len(error.value.faults) == 1
    assert len(preparing.over_context_tools(workspace, preparing.reading.load(training))) == 1
