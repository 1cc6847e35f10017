"""OpenAI's messages and parameters, as our engines and our answers from documents take them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundtone.server.errors import ApiError, refused
from groundtone.server.shapes.chat import ChatMessage, ChatRequest, ResponseFormat

MINE = {"developer": "system"}
_ERRAND = re.compile(r"\s*### Task:\n.*<chat_history>.*</chat_history>", re.DOTALL)
SEEDS = 1 << 31


@dataclass(frozen=True, slots=True)
class Options:
    """How an answer is to be written; the names of `chat.ChatEngine.stream`."""

    max_tokens: int
    temperature: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None

    def named(self, number: int = 0) -> dict[str, Any]:
        """As arguments; `number`: which of several answers, each with a seed of its own."""
        return {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": (self.seed + number) % SEEDS,
            "stop": self.stop,
            "json_schema": self.json_schema,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation, read as a question to documents: the last message, and those before it."""

    question: str
    history: list[dict[str, str]] = field(default_factory=list)


def clean(text: str) -> str:
    """The text without halves of characters, which JSON can carry and no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def text_of(content: str | Sequence[Mapping[str, Any]] | None, where: str) -> str:
    """The text of a message's content.

    Raises:
        ApiError: 400, a part that is no text.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return clean(content)
    texts = []
    for part in content:
        text = part.get("text", part.get("refusal"))
        kind = part.get("type")
        if kind not in ("text", "input_text", "output_text", "refusal") or not isinstance(
            text, str
        ):
            raise refused(where, f"parts of the type {kind!r} are not understood, only text")
        texts.append(clean(text))
    return "\n".join(texts)


def messages_of(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """The messages as a local engine takes them.

    Raises:
        ApiError: 400, naming a message that it cannot take.
    """
    made = []
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if message.role in ("tool", "function") or (message.model_extra or {}).get("tool_calls"):
            raise refused(where, "this model cannot use tools")
        if message.content is None and message.role != "assistant":
            raise ApiError(400, f"{where}: there is no content.", param=where)
        text = text_of(message.content, where)
        made.append({"role": MINE.get(message.role, message.role), "content": text})
    return made


def asked(messages: Sequence[ChatMessage]) -> Asked:
    """The last user's message as a question, what was said before it as its history.

    System messages are left out: the voice of answers from documents is the workspace's.

    Raises:
        ApiError: 400, when the last message is not the user's, or is empty.
    """
    made = [message for message in messages_of(messages) if message["role"] != "system"]
    where = f"messages.{len(messages) - 1}"
    if not made or made[-1]["role"] != "user":
        raise ApiError(400, "The last message must be the user's question.", param=where)
    if not made[-1]["content"].strip():
        raise ApiError(400, "The question is empty.", param=where)
    return Asked(made[-1]["content"], made[:-1])


def is_errand(question: str) -> bool:
    """Whether a program, and no reader, asks: for a title of the conversation, or what might be
    asked next.

    Open WebUI has the model of a conversation do this unless it is told another. Documents have no
    answer to it, and the log of questions is for those that readers ask.
    """
    return _ERRAND.match(question) is not None


def options_of(request: ChatRequest, limit: int) -> Options:
    """How the answer is to be written.

    Args:
        limit: tokens where the request names none.
    """
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    return Options(
        max_tokens=request.max_completion_tokens or request.max_tokens or limit,
        temperature=1.0 if request.temperature is None else request.temperature,
        seed=(request.seed or 0) % SEEDS,
        stop=tuple(clean(text) for text in stop if text),
        json_schema=schema_of(request.response_format),
    )


def schema_of(form: ResponseFormat | None) -> Mapping[str, Any] | None:
    """The JSON schema that the answer must follow; None: it is free text.

    Raises:
        ApiError: 400, when it names none.
    """
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return {"type": "object"}
    schema = (form.json_schema or {}).get("schema")
    if not isinstance(schema, Mapping):
        where = "response_format.json_schema.schema"
        raise ApiError(400, f"{where}: a JSON schema is needed.", param=where)
    return schema


def beyond(request: ChatRequest) -> list[str]:
    """Names of parameters that only an engine behind an API of its own can follow to the letter."""
    extra = request.model_extra or {}
    wanted = {
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "tools": request.tools,
        "tool_choice": request.tool_choice if request.tools else None,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "top_p": request.top_p if request.top_p not in (None, 1.0) else None,
        "logit_bias": extra.get("logit_bias"),
        "functions": extra.get("functions"),
        "audio": extra.get("audio"),
        "web_search_options": extra.get("web_search_options"),
        "modalities": extra.get("modalities") if extra.get("modalities") != ["text"] else None,
    }
    return [name for name, value in wanted.items() if value]


def not_followed(request: ChatRequest) -> list[str]:
    """Of `beyond`, what an answer by ours would go against.

    Tools that a model may call (`tool_choice` auto, as when nothing is said) it need not call, and
    programs send theirs with every question: Open WebUI some thirty.
    """
    free = request.tool_choice in (None, "auto", "none")
    return [name for name in beyond(request) if not (free and name in ("tools", "tool_choice"))]
