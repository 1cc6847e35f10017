"""``/v1/vector_stores``: requests and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(min_length=1, max_length=64)]
Metadata = Annotated[dict[Key, Annotated[str, Field(max_length=512)]], Field(max_length=16)]
Attributes = Annotated[
    dict[Key, Annotated[str, Field(max_length=512)] | bool | float], Field(max_length=16)
]
FileId = Annotated[str, Field(min_length=1, max_length=64)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="allow")


class StoreRequest(_Request):
    """A store to be made, or what is to change in one."""

    name: Annotated[str, Field(max_length=256)] | None = None
    metadata: Metadata | None = None
    file_ids: Annotated[list[FileId], Field(max_length=500)] | None = None
    expires_after: dict[str, Any] | None = None
    chunking_strategy: dict[str, Any] | None = None


class FileRequest(_Request):
    """A file to be attached."""

    file_id: FileId
    attributes: Attributes | None = None
    chunking_strategy: dict[str, Any] | None = None


class AttributesRequest(_Request):
    """New attributes of a file."""

    attributes: Attributes | None


class BatchRequest(_Request):
    """Files to be attached together."""

    file_ids: Annotated[list[FileId], Field(max_length=2000)] | None = None
    files: Annotated[list[FileRequest], Field(max_length=2000)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: dict[str, Any] | None = None


class RankingOptions(_Request):
    """``score_threshold``: what scores less is left out."""

    ranker: str | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class SearchRequest(_Request):
    """A search."""

    query: (
        Annotated[str, Field(min_length=1, max_length=20_000)]
        | Annotated[
            list[Annotated[str, Field(max_length=20_000)]], Field(min_length=1, max_length=16)
        ]
    )
    filters: dict[str, Any] | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = 10
    ranking_options: RankingOptions | None = None
    rewrite_query: bool | None = False


class FileCounts(BaseModel):
    """Files by their state."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class Store(BaseModel):
    """A collection, as a vector store."""

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["expired", "in_progress", "completed"]
    last_active_at: int | None = None
    metadata: dict[str, str] | None = None


class LastError(BaseModel):
    """Why a file could not be taken in."""

    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class StoreFile(BaseModel):
    """A file of a store."""

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    vector_store_id: str
    usage_bytes: int
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    last_error: LastError | None = None
    attributes: dict[str, str | float | bool] | None = None


class Batch(BaseModel):
    """Files that were attached together."""

    id: str
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    file_counts: FileCounts


class Stores(BaseModel):
    """One page of stores."""

    object: Literal["list"] = "list"
    data: list[Store]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoreFiles(BaseModel):
    """One page of files."""

    object: Literal["list"] = "list"
    data: list[StoreFile]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    """That something is gone."""

    id: str
    object: str
    deleted: Literal[True] = True


class Text(BaseModel):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: str


class Result(BaseModel):
    """A passage."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | float | bool] | None
    content: list[Text]


class SearchPage(BaseModel):
    """Passages, best first."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[Result]
    has_more: bool = False
    next_page: str | None = None


class ContentPage(BaseModel):
    """The text of a file, as it was understood."""

    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[Text]
    has_more: bool = False
    next_page: str | None = None
