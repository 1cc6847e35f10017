"""Tools in examples: their declarations, their calls, and the results that answer the calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

Tell = Callable[[str, str, str], None]
"""Told of a fault: its field, the problem, the remedy."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def calls_of(value: dict[str, Any], where: str, role: Any, tell: Tell) -> list[dict[str, Any]]:
    """The calls of a message, an older ``function_call`` among them, in the form of today."""
    given = value.get("tool_calls")
    older = value.get("function_call")
    if given is None and older is None:
        return []
    if role != "assistant":
        tell(f"{where}.tool_calls", f"stands on a message of {role}", "Only the assistant calls.")
        return []
    if older is not None:
        if not isinstance(older, dict):
            tell(f"{where}.function_call", "is not an object", "Write its name and arguments.")
            return []
        function = _function(older, f"{where}.function_call", tell)
        return [{"id": f"function:{older.get('name')}", "type": "function", "function": function}]
    if not isinstance(given, list) or not given:
        tell(f"{where}.tool_calls", "is not a list of calls", "Write the calls, or remove it.")
        return []
    made: list[dict[str, Any]] = []
    for place, call in enumerate(given):
        here = f"{where}.tool_calls[{place}]"
        if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
            tell(here, "is not a call", 'Write {"id", "type": "function", "function": {…}}.')
            continue
        if not isinstance(call.get("id"), str) or not call["id"]:
            tell(f"{here}.id", "is missing", "Give the call an id; its result names it.")
        elif call["id"] in {other["id"] for other in made}:
            tell(f"{here}.id", f"is {call['id']!r} again", "Give each call an id of its own.")
        if call.get("type", "function") != "function":
            tell(f"{here}.type", f"is {call['type']!r}", 'Write "function".')
        function = _function(call["function"], f"{here}.function", tell)
        made.append({"id": call.get("id", ""), "type": "function", "function": function})
    return made


def _function(value: dict[str, Any], where: str, tell: Tell) -> dict[str, Any]:
    name, arguments = value.get("name"), value.get("arguments")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        tell(f"{where}.name", f"is {name!r}", "Use 1 to 64 letters, digits, '_' and '-'.")
    try:
        right = isinstance(arguments, str) and isinstance(json.loads(arguments or "{}"), dict)
    except json.JSONDecodeError:
        right = False
    if not right:
        tell(
            f"{where}.arguments",
            "is not a JSON object written as a text",
            'Write it like "{\\"city\\": \\"Oslo\\"}".',
        )
    return {"name": name, "arguments": arguments}


def declared(value: dict[str, Any], tell: Tell) -> list[dict[str, Any]]:
    """The tools that a line declares, older ``functions`` too, in the form of today."""
    key = "tools" if "tools" in value else "functions"
    given = value.get(key)
    if "tools" in value and "functions" in value:
        tell("functions", "stands beside tools", "Keep tools; functions are their older form.")
    parallel = value.get("parallel_tool_calls")
    if parallel is not None and not isinstance(parallel, bool):
        tell("parallel_tool_calls", f"is {parallel!r}", "Write true or false.")
    if given is None:
        return []
    if not isinstance(given, list) or not given:
        tell(key, "is not a list of tools", "Write the tools, or remove it.")
        return []
    made: list[dict[str, Any]] = []
    for place, tool in enumerate(given):
        where = f"{key}[{place}]"
        if key == "tools":
            if not isinstance(tool, dict) or tool.get("type") != "function":
                tell(f"{where}.type", "is not 'function'", 'Write "type": "function".')
                continue
            tool, where = tool.get("function"), f"{where}.function"
        if not isinstance(tool, dict):
            tell(where, "is not an object", "Write its name, description and parameters.")
            continue
        name, parameters = tool.get("name"), tool.get("parameters", {})
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            tell(f"{where}.name", f"is {name!r}", "Use 1 to 64 letters, digits, '_' and '-'.")
        elif name in {other["function"]["name"] for other in made}:
            tell(f"{where}.name", f"is {name!r} again", "Give each tool a name of its own.")
        if not isinstance(parameters, dict):
            tell(f"{where}.parameters", "is not a JSON schema", "Write an object.")
        made.append({"type": "function", "function": tool})
    return made


def check_called(
    messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]], tell: Tell
) -> None:
    """Every call is of a tool that is declared, and answered before the talk goes on."""
    known = {tool["function"].get("name") for tool in tools}
    open_calls: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            id = message.get("tool_call_id")
            if id not in open_calls:
                tell(
                    f"messages[{place}].tool_call_id",
                    f"is {id!r}; no open call has this id",
                    "Name the id of a call of the assistant message before.",
                )
            open_calls.pop(str(id), None)
            continue
        if open_calls:
            id, where = next(iter(open_calls.items()))
            tell(
                f"messages[{where}].tool_calls",
                f"the call {id!r} has no result before messages[{place}]",
                "Add a tool message with this tool_call_id.",
            )
            return
        for number, call in enumerate(message.get("tool_calls", ())):
            open_calls[call["id"]] = place
            name = call["function"]["name"]
            if tools and name not in known:
                tell(
                    f"messages[{place}].tool_calls[{number}].function.name",
                    f"is {name!r}, which is not among the tools",
                    "Declare it in tools, or correct the name.",
                )
        if message.get("tool_calls") and not tools:
            tell("tools", "is missing, and tools are called", "Declare the tools that are called.")
            return
