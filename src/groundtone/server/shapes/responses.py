"""``/v1/responses``: its request and its answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from groundtone.server.shapes.chat import Name, ResponseFormat, Temperature, Tokens


class TextConfig(BaseModel):
    """How the text is to look. ``format``: of the type text, json_object or json_schema."""

    model_config = ConfigDict(extra="allow")

    format: dict[str, Any] | None = None

    def as_response_format(self) -> ResponseFormat | None:
        """The same as chat says it."""
        if self.format is None:
            return None
        return ResponseFormat.model_validate({**self.format, "json_schema": self.format})


class ResponsesRequest(BaseModel):
    """A text or a conversation to answer; the tool ``file_search`` answers from vector stores."""

    model_config = ConfigDict(extra="allow")

    model: Name
    input: str | Annotated[list[dict[str, Any]], Field(min_length=1, max_length=2048)]
    instructions: str | None = None
    tools: Annotated[list[dict[str, Any]], Field(max_length=16)] | None = None
    tool_choice: Any | None = None
    include: Annotated[list[str], Field(max_length=16)] | None = None
    stream: bool | None = False
    temperature: Temperature | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_output_tokens: Tokens | None = None
    text: TextConfig | None = None
    metadata: dict[str, str] | None = None
    previous_response_id: str | None = None
    conversation: Any | None = None
    background: bool | None = None


class FileSearchTool(BaseModel):
    """The tool that answers from documents."""

    model_config = ConfigDict(extra="allow")

    type: Literal["file_search"]
    vector_store_ids: Annotated[list[str], Field(min_length=1, max_length=16)]
    filters: dict[str, Any] | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: dict[str, Any] | None = None


class ResponsesAnswer(BaseModel):
    """What was answered: a search for files, where there was one, and a message."""

    id: str
    object: Literal["response"]
    created_at: int
    status: str
    model: str
    output: list[dict[str, Any]]
    parallel_tool_calls: bool
    tool_choice: Any
    tools: list[dict[str, Any]]
    usage: dict[str, Any] | None
    refused: bool | None = None
