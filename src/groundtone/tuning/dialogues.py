"""Examples in which tools are called, as token ids by the base's own chat template.

They are shown without documents: a call is made before anything is looked up. Each assistant
message to learn is one sequence; what is learned is what the template writes for it and nothing
before, a call in the template's own form of calls. A template without a form for tools would drop
them without a word, so then the example is left out and named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from groundtone.errors import EngineError
from groundtone.tuning.examples import Dialogue
from groundtone.tuning.rendering import Rendered, last_place


class Template(Protocol):
    """What renders messages with tools; `groundtone.chat.vocabulary.Vocabulary` does."""

    @property
    def knows_tools(self) -> bool:
        """Whether it has a form for tools and their calls."""
        ...

    def write(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        opened: bool = True,
    ) -> str:
        """Messages by the template; `opened`: with the beginning of the answer."""
        ...


def render(
    dialogues: Iterable[Dialogue],
    template: Template,
    tokens: Callable[[str], Sequence[int]],
    invocation: Sequence[int],
) -> tuple[list[Rendered], list[int]]:
    """Render examples with tools.

    Args:
        tokens: text to ids, as the model's engine does it.
        invocation: ids from whose last occurrence on an activated adapter works.

    Returns:
        the sequences, and the lines that the template cannot show.
    """
    rows: list[Rendered] = []
    left_out: list[int] = []
    for dialogue in dialogues:
        made = _row(dialogue, template, tokens, invocation) if template.knows_tools else None
        if made is None:
            left_out.append(dialogue.line)
        else:
            rows.append(made)
    return rows, sorted(set(left_out))


def _row(
    dialogue: Dialogue,
    template: Template,
    tokens: Callable[[str], Sequence[int]],
    invocation: Sequence[int],
) -> Rendered | None:
    messages = [_parsed(message) for message in dialogue.messages]
    try:
        before = template.write(messages[:-1], tools=dialogue.tools)
        whole = template.write(messages, tools=dialogue.tools, opened=False)
    except EngineError:
        return None
    if not whole.startswith(before) or not whole[len(before) :].strip():
        return None  # the template changes what came before: nothing could be learned rightly
    ids = list(tokens(before))
    cut = last_place(ids, invocation)
    answer = tokens(whole[len(before) :].rstrip("\n"))
    return Rendered(dialogue.line, tuple(ids[:cut]), tuple(ids[cut:]), tuple(answer), "tools")


def _parsed(message: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as objects: templates write them as JSON themselves."""
    made = dict(message)
    if "tool_calls" in made:
        made["tool_calls"] = [
            {
                **call,
                "function": {
                    "name": call["function"]["name"],
                    "arguments": json.loads(call["function"]["arguments"] or "{}"),
                },
            }
            for call in made["tool_calls"]
        ]
    return made
