"""The form of one training example: OpenAI's chat format, every rule with its remedy.

A line is ``{"messages": […]}``, with ``tools`` and ``parallel_tool_calls`` (or the older
``functions``) where the assistant calls any. Lines that OpenAI would refuse are refused here, and
so are the few that it takes and that cannot be trained on here (pictures, sound, preference pairs).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundtone.tuning.tool_calls import Tell, calls_of, check_called, declared

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
"""Keys of a line that OpenAI knows."""
OWN_KEYS = frozenset({"group", "provenance"})
"""Keys of a line that only we read: what `tune split` keeps together, where a draft is from."""
_MESSAGE_KEYS = frozenset(
    {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}
)
_ONE_EACH = "Write one JSON object on each line, without line breaks inside it."
_FORM = 'Write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", …}]}.'


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where, what, and what to do.

    Attributes:
        line: in the file, from 1; 0 for the file as a whole.
        field: such as ``messages[2].content``; "" for the whole line.
        remedy: an imperative sentence.
        kind: a word to sort by: ``form``, ``duplicate``, ``contradiction``, ``leak``, …
        file: where the line stands.
    """

    line: int
    field: str
    problem: str
    remedy: str = ""
    kind: str = "form"
    file: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        return (
            f"{place}, {self.field}: {self.problem}" if self.field else f"{place}: {self.problem}"
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line whose form is right.

    Attributes:
        messages: with text contents ("" where a call stands in its place); ``developer`` became
            ``system``; ``weight`` is 0 or 1 on the assistant's.
        tools: the functions that may be called, as the ``tools`` of the API.
        group: what `tune split` keeps together.
    """

    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()
    group: str = ""

    @property
    def calls(self) -> bool:
        """Whether tools are called in it, or could be."""
        return bool(self.tools) or any(
            m["role"] == "tool" or m.get("tool_calls") for m in self.messages
        )


def parse(
    text: str, number: int, faults: list[Fault], warnings: list[Fault] | None = None
) -> Line | None:
    """Read one line; what is wrong is added to `faults`, and None returned.

    Args:
        text: one line of the file.
        number: its number.
        warnings: told of what is right and does nothing.
    """
    found: list[Fault] = []

    def tell(field: str, problem: str, remedy: str) -> None:
        found.append(Fault(number, field, problem, remedy))

    strange: list[str] = []
    line = _line(text, tell, strange)
    if warnings is not None:
        warnings += [
            Fault(number, key, "is a key that nothing reads; OpenAI may refuse it", "Remove it.")
            for key in strange
        ]
    faults += found
    return None if found else line


def _line(text: str, tell: Tell, strange: list[str]) -> Line | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        tell("", f"not JSON: {error.msg} at column {error.colno}", _ONE_EACH)
        return None
    except RecursionError:
        tell("", "not JSON that can be read: nested too deeply", _ONE_EACH)
        return None
    if not isinstance(value, dict):
        tell("messages", "missing, or not a list of messages", _FORM)
        return None
    raw = value.get("messages")
    if not isinstance(raw, list):
        other, remedy = _other_form(value)
        tell("messages", f"missing, or not a list of messages{other}", remedy)
        return None
    if not raw:
        tell("messages", "is empty", _FORM)
        return None
    strange += sorted(set(value) - KEYS - OWN_KEYS)
    tools = declared(value, tell)
    messages = [_message(message, f"messages[{i}]", tell) for i, message in enumerate(raw)]
    known = [message for message in messages if message is not None]
    if len(known) < len(messages):
        return None
    _turns(known, tell)
    check_called(known, tools, tell)
    group = value.get("group", "")
    return Line(tuple(known), tuple(tools), str(group) if group is not None else "")


def _other_form(value: dict[str, Any]) -> tuple[str, str]:
    if {"prompt", "completion"} & set(value):
        return (
            ": this is the old form of prompt and completion",
            "Make the prompt a user message and the completion an assistant message.",
        )
    if {"preferred_output", "non_preferred_output"} & set(value):
        return (
            ": this is a pair for preference tuning",
            "Only supervised examples are trained here: make preferred_output the last message.",
        )
    return "", _FORM


def _message(value: Any, where: str, tell: Tell) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        tell(where, "is not an object", 'Write {"role": "…", "content": "…"}.')
        return None
    role = value.get("role")
    if role not in ROLES:
        allowed = ", ".join(sorted(ROLES))
        tell(f"{where}.role", f"is {role!r}; allowed are {allowed}", "Use one of these roles.")
    for key in sorted(set(value) - _MESSAGE_KEYS):
        tell(f"{where}.{key}", "is no key of a message", "Remove it, or correct its name.")
    calls = calls_of(value, where, role, tell)
    content = _content(value, where, role, bool(calls), tell)
    made: dict[str, Any] = {"role": role, "content": content or ""}
    if "weight" in value:
        _weight(value["weight"], f"{where}.weight", role, tell)
    if role == "assistant":
        made["weight"] = value.get("weight", 1)
    if "name" in value and not (isinstance(value["name"], str) and value["name"].strip()):
        tell(f"{where}.name", f"is {value['name']!r}, not a name", "Write a text, or remove it.")
    if calls:
        made["tool_calls"] = calls
    if role == "tool":
        id = value.get("tool_call_id")
        if not isinstance(id, str) or not id:
            tell(f"{where}.tool_call_id", "is missing", "Name the id of the call it answers.")
        made["tool_call_id"] = id
    elif "tool_call_id" in value:
        tell(f"{where}.tool_call_id", f"stands on a message of {role}", "Move it to a tool's.")
    if role == "function":
        if not isinstance(value.get("name"), str):
            tell(f"{where}.name", "is missing", "Name the function whose result this is.")
        made |= {"role": "tool", "tool_call_id": f"function:{value.get('name')}"}
    if role == "developer":
        made["role"] = "system"
    return made if role in ROLES else None


def _content(value: dict[str, Any], where: str, role: Any, calls: bool, tell: Tell) -> str | None:
    content = value.get("content")
    if isinstance(content, list):
        return _parts(content, f"{where}.content", tell)
    if isinstance(content, str):
        if content.strip() or calls or role in ("tool", "function"):
            return content.strip()
    elif content is None and calls:
        return ""
    if "refusal" in value and isinstance(value["refusal"], str) and value["refusal"].strip():
        return value["refusal"].strip()
    tell(f"{where}.content", "is empty or not text", "Write the text of the message.")
    return None


def _parts(parts: list[Any], where: str, tell: Tell) -> str:
    texts = []
    for place, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"].strip())
        elif kind in ("image_url", "input_audio", "file"):
            tell(f"{where}[{place}]", f"is a {kind}; only text is trained on here", "Remove it.")
        else:
            tell(
                f"{where}[{place}]",
                "is no part of a message",
                'Write {"type": "text", "text": "…"}, or the content as one text.',
            )
    if not any(texts):
        tell(where, "holds no text", "Write the text of the message.")
    return "\n".join(texts)


def _weight(value: Any, where: str, role: Any, tell: Tell) -> None:
    if role != "assistant":
        tell(where, f"stands on a message of {role}", "Weights belong to assistant messages.")
    if isinstance(value, bool) or value not in (0, 1):
        tell(where, f"is {value!r}; use 0 or 1", "1 trains on the message, 0 only shows it.")


def _turns(messages: Sequence[dict[str, Any]], tell: Tell) -> None:
    """Who may speak when: system first, user and assistant in turns, results after their calls."""
    roles = [message["role"] for message in messages]
    last = len(roles) - 1
    if "assistant" not in roles:
        tell(
            "messages",
            "there is no assistant message to learn from",
            "End with the answer to learn, as an assistant message.",
        )
        return
    if roles[-1] != "assistant":
        tell(
            f"messages[{last}].role",
            "the last message must be the assistant's",
            "Remove what follows the answer.",
        )
        return
    if "system" in roles[1:]:
        place = roles.index("system", 1)
        tell(f"messages[{place}].role", "system may only come first", "Move it to the beginning.")
        return
    if not any(m.get("weight") for m in messages if m["role"] == "assistant"):
        tell(
            f"messages[{last}].weight",
            "is 0, so the example teaches nothing",
            "Set the weight of the answer to learn to 1, or remove the line.",
        )
        return
    expected = {"user"}
    for place, message in enumerate(messages):
        role = message["role"]
        if place == 0 and role == "system":
            continue
        if role == "tool" and "tool" not in expected:
            tell(
                f"messages[{place}].role",
                "is a tool's result without a call before it",
                "Put it after the assistant message whose tool_calls asks for it.",
            )
            return
        if role not in expected:
            tell(
                "messages",
                "user and assistant must take turns, user first",
                f"Join messages[{place}] with the one before, or add what is missing between.",
            )
            return
        if role == "user":
            expected = {"assistant"}
        elif role == "assistant":
            expected = {"tool"} if message.get("tool_calls") else {"user"}
        else:
            expected = {"tool", "assistant"}
