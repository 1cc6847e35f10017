"""``/v1/completions`` and ``/v1/embeddings``: their requests and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from groundtone.server.shapes.chat import (
    MOST_ANSWERS,
    Name,
    Stop,
    StreamOptions,
    Temperature,
    Tokens,
    Usage,
)

MOST_INPUTS = 2048


class CompletionRequest(BaseModel):
    """A text to be gone on with: given to the model as one message of a user."""

    model_config = ConfigDict(extra="allow")

    model: Name
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=64)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ANSWERS)] | None = 1
    stop: Stop | None = None
    seed: int | None = None
    temperature: Temperature | None = None
    max_tokens: Tokens | None = None
    echo: bool | None = None
    suffix: str | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    best_of: int | None = None


class TextChoice(BaseModel):
    """One text."""

    index: int
    text: str
    finish_reason: str
    logprobs: dict[str, Any] | None


class CompletionAnswer(BaseModel):
    """The texts."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: Usage


class EmbeddingRequest(BaseModel):
    """Texts to be embedded; as numbers, or as base64 of float32 in little endian."""

    model_config = ConfigDict(extra="allow")

    model: Name
    input: str | Annotated[list[str], Field(min_length=1, max_length=MOST_INPUTS)]
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None


class Embedding(BaseModel):
    """The vector of one text."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingAnswer(BaseModel):
    """The vectors, in the order of the texts."""

    object: Literal["list"]
    model: str
    data: list[Embedding]
    usage: EmbeddingUsage
