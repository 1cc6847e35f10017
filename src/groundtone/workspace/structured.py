"""A question answered with JSON that follows a schema, from a workspace's documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.answering import schema as schemas
from groundtone.answering.structured import StructuredAnswer, Structurer
from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.answering.prompt import Message
    from groundtone.index.filters import Filter
    from groundtone.workspace.workspace import Workspace


def ask(
    workspace: Workspace,
    question: str,
    schema: Mapping[str, Any] | str | Path,
    *,
    model: str | None,
    history: Sequence[Message],
    limits: Filter,
) -> StructuredAnswer:
    """Answer with JSON of a schema; arguments as in :meth:`Workspace.ask`.

    Raises:
        WrongUse: an empty question, an unknown model, or no usable schema.
        MissingExtra: the package `jsonschema` is not installed.
    """
    if not question.strip():
        raise WrongUse("The question is empty.", "Write a question.")
    checked = schemas.check(schema) if isinstance(schema, Mapping) else schemas.load(Path(schema))
    name = workspace.model_name(model)
    settings = workspace.settings
    structurer = Structurer(
        workspace.answerer_for(limits, name),
        lambda: workspace.chat_with(name),
        settings.answer,
        settings.chat,
        workspace.clocked.embed,
        (lambda: workspace.checker) if settings.answer.checker else None,
    )
    return structurer.ask(
        question, checked, model=name, system=workspace.voice(name), history=history
    )
