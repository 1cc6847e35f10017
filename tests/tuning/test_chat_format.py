"""OpenAI's chat format: tools, weights, several turns."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundtone.tuning.chat_format import parse
from groundtone.tuning.dialogues import render
from groundtone.tuning.examples import load

TOOL = {
    "type": "function",
    "function": {"name": "stock", "parameters": {"type": "object", "properties": {}}},
}
CALLING: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Is A7 in stock?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "stock", "arguments": '{"item": "A7"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "12"},
        {"role": "assistant", "content": "Yes, 12 pieces."},
    ],
    "tools": [TOOL],
    "parallel_tool_calls": False,
}


def faults(value: Any) -> list[str]:
    found: list[Any] = []
    parse(json.dumps(value), 1, found)
    assert all(fault.remedy and fault.line == 1 for fault in found)
    return [str(fault) for fault in found]


def talk(*turns: tuple[str, str], weights: dict[int, int] | None = None) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for asked, answered in turns:
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": answered})
    for place, weight in (weights or {}).items():
        messages[place]["weight"] = weight
    return {"messages": messages}


def write(folder: Path, rows: list[Any]) -> Path:
    path = folder / "examples.jsonl"
    filler = [talk((f"How is part {n} named?", f"Part {n}.")) for n in range(10)]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *filler]), "utf-8")
    return path


def test_calls_of_tools_are_accepted() -> None:
    assert faults(CALLING) == []
    older = {
        "messages": [
            {"role": "user", "content": "Is A7 in stock?"},
            {"role": "assistant", "function_call": {"name": "stock", "arguments": "{}"}},
            {"role": "function", "name": "stock", "content": "12"},
            {"role": "assistant", "content": "Yes."},
        ],
        "functions": [{"name": "stock", "parameters": {}}],
    }
    assert faults(older) == []


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def changed(example: dict[str, Any]) -> None:
        target: Any = example
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in way:
            target = target[part]
        if value is None:
            del target[last]
        else:
            target[last] = value

    return changed


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (change("messages.1.tool_calls.0.function.arguments", "{"), "function.arguments"),
        (change("messages.1.tool_calls.0.function.arguments", {"a": 1}), "function.arguments"),
        (change("messages.1.tool_calls.0.function.name", "no such"), "function.name"),
        (change("messages.1.tool_calls.0.function.name", "other"), "not among the tools"),
        (change("messages.1.tool_calls.0.id", None), "tool_calls[0].id"),
        (change("messages.2.tool_call_id", "c2"), "tool_call_id"),
        (change("messages.2.role", "user"), "has no result"),
        (change("tools", None), "tools: is missing"),
        (change("tools.0.type", "magic"), "tools[0].type"),
        (change("tools.0.function.name", "a b"), "tools[0].function.name"),
        (change("tools.0.function.parameters", []), "parameters"),
        (change("parallel_tool_calls", "yes"), "parallel_tool_calls"),
        (change("messages.0.tool_calls", [{}]), "only the assistant" if False else "messages[0]"),
        (change("messages.0.weight", 1), "messages[0].weight"),
        (change("messages.3.weight", True), "messages[3].weight"),
        (change("messages.3.extra", 1), "messages[3].extra"),
        (change("messages.3.content", [{"type": "image_url"}]), "image_url"),
    ],
)
def test_each_rule_is_named(changed: Callable[[dict[str, Any]], None], field: str) -> None:
    example = copy.deepcopy(CALLING)
    changed(example)
    assert any(field in fault for fault in faults(example)), faults(example)


def test_other_forms_of_training_data_are_told_apart() -> None:
    assert "prompt and completion" in faults({"prompt": "a", "completion": "b"})[0]
    assert "preference" in faults({"input": {}, "preferred_output": []})[0]


def test_keys_that_nothing_reads_are_a_warning_and_our_own_are_not(tmp_path: Path) -> None:
    row = {**talk(("Who?", "Me.")), "group": "a", "provenance": {}, "rating": 5}
    found = load(write(tmp_path, [row]))
    assert found.faults == []
    assert [warning.field for warning in found.warnings] == ["rating"]
    assert found.rows[0].group == "a"


def test_texts_in_parts_are_joined(tmp_path: Path) -> None:
    row = talk(("Who?", "Me."))
    row["messages"][0]["content"] = [{"type": "text", "text": "Who"}, {"type": "text", "text": "?"}]
    assert load(write(tmp_path, [row])).rows[0].question == "Who\n?"


def test_every_message_of_weight_1_is_learned_after_what_stood_before_it(tmp_path: Path) -> None:
    row = talk(("A?", "One."), ("B?", "Two."), ("C?", "Three."), weights={3: 0})
    rows = [r for r in load(write(tmp_path, [row])).rows if r.line == 1]
    assert [(r.question, r.answer, r.turn) for r in rows] == [
        ("A?", "One.", 0),
        ("C?", "Three.", 1),
    ]
    assert [turn["content"] for turn in rows[1].history] == ["A?", "One.", "B?", "Two."]
    last_only = talk(("A?", "One."), ("B?", "Two."), weights={3: 0})
    assert [r.answer for r in load(write(tmp_path, [last_only])).rows if r.line == 1] == ["One."]
    nothing = talk(("A?", "One."), weights={1: 0})
    assert "teaches nothing" in faults(nothing)[0]


def test_talks_that_begin_alike_are_no_duplicates(tmp_path: Path) -> None:
    one = talk(("A?", "One."), ("B?", "Two."))
    other = talk(("A?", "One."), ("C?", "Three."))
    assert load(write(tmp_path, [one, other])).faults == []
    assert any(fault.kind == "duplicate" for fault in load(write(tmp_path, [one, one])).faults)


class Chat:
    """A template that has a form for calls, and one that has none."""

    def __init__(self, knows_tools: bool = True) -> None:
        self.knows_tools = knows_tools

    def write(self, messages: Any, *, tools: Any = (), opened: bool = True) -> str:
        text = f"TOOLS {json.dumps(tools)}\n" if tools else ""
        for message in messages:
            calls = "".join(
                f"<call>{json.dumps(call['function'])}</call>"
                for call in message.get("tool_calls", ())
            )
            text += f"<{message['role']}>{message['content']}{calls}<end>\n"
        return text + ("<assistant>" if opened else "")


def test_calls_are_learned_in_the_templates_form_and_results_are_not(tmp_path: Path) -> None:
    found = load(write(tmp_path, [CALLING]))
    assert len(found.lines) == 11 and not any(row.line == 1 for row in found.rows)

    def tokens(text: str) -> list[int]:
        return list(text.encode())

    rows, left_out = render(found.dialogues, Chat(), tokens, tokens("<user>"))
    assert left_out == []
    call, answer = rows
    assert bytes(call.answer).decode().startswith('<call>{"name": "stock", "arguments": {"item"')
    assert bytes(answer.answer) == b"Yes, 12 pieces.<end>"
    assert bytes(answer.question).decode().startswith("<user>Is A7")
    assert b"<tool>12<end>" in bytes(answer.question)
    assert bytes(answer.prefix).decode().startswith("TOOLS")
    assert render(found.dialogues, Chat(False), tokens, [0]) == ([], [1])
