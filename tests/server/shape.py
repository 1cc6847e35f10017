"""Whether an answer is one of OpenAI's, told by the types of its own package."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

OURS = {"citations", "refused", "quote", "page", "span", "annotations"}
"""Fields that docs/api.md tells of beside OpenAI's."""


def check(kind: Any, value: Any) -> Any:
    """The value as this type: every required field there, none that is neither theirs nor ours."""
    made = TypeAdapter(kind).validate_python(value)
    _no_more(made, "answer")
    return made


def _no_more(made: Any, where: str) -> None:
    if isinstance(made, BaseModel):
        extra = set(made.model_extra or {}) - OURS
        assert not extra, f"{where} has {extra}"
        for name in type(made).model_fields:
            _no_more(getattr(made, name), f"{where}.{name}")
    elif isinstance(made, list):
        for number, one in enumerate(made):
            _no_more(one, f"{where}.{number}")
