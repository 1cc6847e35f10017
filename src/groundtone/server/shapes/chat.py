"""``/v1/chat/completions``: its request and its answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_STOPS = 16
MOST_ANSWERS = 16

Temperature = Annotated[float, Field(ge=0, le=2)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000)]
Stop = str | Annotated[list[str], Field(max_length=MOST_STOPS)]
Name = Annotated[str, Field(min_length=1, max_length=512)]


class ChatMessage(BaseModel):
    """One message. ``content``: a text, or parts of the type ``text``."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None


class StreamOptions(BaseModel):
    """``include_usage``: whether a last piece tells the tokens."""

    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = False


class ResponseFormat(BaseModel):
    """``text``, ``json_object``, or ``json_schema`` with a schema that the answer follows."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class ChatRequest(BaseModel):
    """A conversation to go on with. Fields that are not listed are left out of account."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "model": "docs",
                "messages": [{"role": "user", "content": "How do I reset my password?"}],
            }
        },
    )

    model: Name
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2048)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ANSWERS)] | None = 1
    stop: Stop | None = None
    seed: int | None = None
    temperature: Temperature | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None


class Usage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | None = None


class AnsweredMessage(BaseModel):
    """What was answered; ``annotations`` are the sources, in OpenAI's shape."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    annotations: list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None


class Choice(BaseModel):
    """One answer."""

    index: int
    message: AnsweredMessage
    finish_reason: str
    logprobs: dict[str, Any] | None


class ChatAnswer(BaseModel):
    """The answer. A model ``docs…`` adds ``citations`` and ``refused``."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    citations: list[dict[str, Any]] | None = None
    refused: bool | None = None
