"""Questions put to a workspace's search, with its settings or with changed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from groundtone.errors import WrongUse
from groundtone.evaluation.retrieval import RetrievalReport, measure
from groundtone.reranking import open_reranker
from groundtone.retrieval import Passage, Retriever
from groundtone.retrieval.packing import Packed, pack
from groundtone.settings import Retrieval

if TYPE_CHECKING:
    from groundtone.evaluation.questions import Question
    from groundtone.workspace.workspace import Workspace


def measure_retrieval(
    workspace: Workspace,
    questions: Sequence[Question],
    *,
    k: int | None = None,
    changes: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RetrievalReport:
    """How well questions find their documents.

    Args:
        questions: those that name evidence count.
        k: passages for a question; default ``[retrieval] k``.
        changes: values for settings of ``[retrieval]``, as they would be written there.
        progress: called with how many are done, of how many.

    Raises:
        WrongUse: a change names no setting, or has a value that it cannot have.
    """
    settings = changed(workspace.settings.retrieval, changes or {})
    retriever = Retriever(
        workspace.catalog, workspace.indexes, workspace.embedder, settings, open_reranker
    )
    k = k or settings.k
    answer = workspace.settings.answer

    def shown(passages: Sequence[Passage]) -> Packed:
        return pack(
            passages,
            answer.passages * answer.passage_tokens,
            count=lambda text: len(workspace.embedder.encode(text)),
            most=answer.passages,
            longest=answer.passage_tokens,
        )

    paths = [document.path for document in workspace.catalog.documents()]
    return measure(questions, retriever, paths, k=k, pack=shown, progress=progress)


def changed(settings: Retrieval, changes: Mapping[str, str]) -> Retrieval:
    """The settings with some values replaced.

    Raises:
        WrongUse: there is no such setting, or it cannot have that value.
    """
    for name in changes:
        if name not in Retrieval.model_fields:
            raise WrongUse(
                f"[retrieval] has no setting {name!r}.",
                f"It has: {', '.join(Retrieval.model_fields)}.",
            )
    try:
        return Retrieval.model_validate({**settings.model_dump(), **changes})
    except ValidationError as error:
        fault = error.errors()[0]
        raise WrongUse(
            f"{fault['loc'][0]} = {fault['input']!r} cannot be used: {fault['msg']}.",
            "Give it another value.",
        ) from None
