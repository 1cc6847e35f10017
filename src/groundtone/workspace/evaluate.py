"""Questions put to a workspace's answers, with its settings and with changed ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from groundtone.answering.checking import CHECK
from groundtone.answering.pipeline import Answerer
from groundtone.answering.support import constants
from groundtone.errors import WrongUse
from groundtone.evaluation import answers, answers_asking
from groundtone.evaluation.questions import Question, load_questions
from groundtone.reranking import open_reranker
from groundtone.retrieval import Retriever

if TYPE_CHECKING:
    from groundtone.answering.judging import Checker
    from groundtone.chat import ChatEngine
    from groundtone.settings import Settings
    from groundtone.workspace.workspace import Workspace

SECTIONS = ("answer", "retrieval", "chat")  # others decide what is indexed
KEPT = "eval-answers.jsonl"
_VERSION = 1  # of what is observed of an answer


def eval_answers(
    workspace: Workspace,
    questions: str | Path,
    *,
    limit: int | None = None,
    model: str | None = None,
    compare: Mapping[str, str] | None = None,
    ask_model: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> answers.AnswersReport:
    """Measure how good answers to a question file are.

    Answers are kept in the workspace as they come, so a measurement that was interrupted goes on
    where it stopped; they are asked anew when the model, the documents, the settings or the tuned
    retriever changed.

    Args:
        questions: JSONL, see :func:`groundtone.evaluation.load_questions`.
        limit: use only the first so many.
        model: who answers; None: the model in use.
        compare: settings by "SECTION.NAME" (of answer, retrieval, chat) with other values; the
            same questions are answered with them too, for ``report.compared``.
        ask_model: False measures search and gate alone.
        progress: called with how many answers are there, of how many.

    Raises:
        WrongUse: faults in the question file, an unknown model, or a setting that there is not or
            that cannot have that value.
    """
    asked = load_questions(questions)[:limit]
    total = len(asked) * (2 if compare else 1)

    def told(before: int) -> Callable[[int], None]:
        return lambda done: progress(before + done, total) if progress else None

    settings = workspace.settings
    other = changed(settings, compare) if compare else None  # a wrong one is named before asking
    report = _measure(workspace, asked, settings, {}, model, ask_model, told(0))
    if other is None or compare is None:
        return report
    changes = dict(compare)
    second = _measure(workspace, asked, other, changes, model, ask_model, told(len(asked)))
    return replace(report, compared=second)


def changed(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """The settings with some values replaced, each by its "SECTION.NAME".

    Raises:
        WrongUse: there is no such setting, it cannot be compared, or it cannot have that value.
    """
    for place, value in changes.items():
        section, _, name = place.partition(".")
        if section not in SECTIONS:
            raise WrongUse(
                f"{place!r} cannot be compared in one workspace.",
                f"Compare a setting of {', '.join(SECTIONS)}, for instance answer.check=mark.",
            )
        old: BaseModel = getattr(settings, section)
        if name not in type(old).model_fields:
            raise WrongUse(
                f"[{section}] has no setting {name!r}.",
                f"It has: {', '.join(type(old).model_fields)}.",
            )
        try:
            new = type(old).model_validate({**old.model_dump(), name: value})
        except ValidationError as error:
            what = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise WrongUse(f"{place} = {value!r} cannot be used: {what}.") from None
        settings = settings.model_copy(update={section: new})
    return settings


def _measure(
    workspace: Workspace,
    asked: list[Question],
    settings: Settings,
    changes: dict[str, str],
    model: str | None,
    ask_model: bool,
    progress: Callable[[int], None],
) -> answers.AnswersReport:
    swapped = settings.chat.model != workspace.settings.chat.model
    name = settings.chat.model if swapped else workspace.model_name(model)
    system = "" if swapped else workspace.voice(name)
    embed = workspace.clocked.embed
    with _answerer(workspace, settings) as answerer:
        if ask_model:
            observe = answers_asking.answering(answerer, name, system, embed, workspace.resolves)
        else:
            observe = answers_asking.gating(answerer, embed)
        observed = answers_asking.observe_all(
            asked,
            observe,
            keep=workspace.state / KEPT if ask_model else None,
            fingerprint=_fingerprint(workspace, settings, name, system),
            progress=progress,
        )
    return answers.report(
        asked,
        observed,
        model=name if ask_model else "",
        threshold=settings.answer.evidence_below,
        changes=changes,
        documents=frozenset(document.path for document in workspace.catalog.documents()),
    )


@contextmanager
def _answerer(workspace: Workspace, settings: Settings) -> Iterator[Answerer]:
    """An answerer with these settings; it shares the workspace's engines where they are the same.

    Each is opened when first needed: a question that is refused asks no model.
    """
    opened: list[ChatEngine] = []

    def chat() -> ChatEngine:
        if settings.chat.model_copy(update={"max_tokens": 1}) == (
            workspace.settings.chat.model_copy(update={"max_tokens": 1})
        ):
            return workspace.chat
        if not opened:
            opened.append(_open(workspace, settings))
        return opened[0]

    @cache
    def checker() -> Checker:
        from groundtone.workspace.judging import open_checker

        return open_checker(settings.answer.checker, workspace.folder, chat)

    try:
        yield Answerer(
            _retriever(workspace, settings),
            chat,
            settings.answer,
            settings.chat,
            refuse_below=settings.retrieval.refuse_below,
            embedder=lambda: workspace.clocked,
            checker=checker if settings.answer.checker else None,
        )
    finally:
        for engine in opened:
            engine.close()


def _retriever(workspace: Workspace, settings: Settings) -> Retriever:
    return Retriever(
        workspace.catalog, workspace.indexes, workspace.clocked, settings.retrieval, open_reranker
    )


def _open(workspace: Workspace, settings: Settings) -> ChatEngine:
    from groundtone.workspace.engines import open_engine

    engine = open_engine(settings.chat)
    if settings.chat.model == workspace.settings.chat.model:
        engine.load(workspace.adapters())
    return engine


def _fingerprint(workspace: Workspace, settings: Settings, model: str, system: str) -> str:
    """Changes whenever an answer, or what is observed of it, may."""
    state = {
        "version": [_VERSION, CHECK],
        "who": [model, system],
        "settings": {name: getattr(settings, name).model_dump(mode="json") for name in SECTIONS},
        "embedder": workspace.embedder.fingerprint,
        "fitted": constants(),
        "documents": sorted(workspace.catalog.versions()),
    }
    retriever, _ = _retriever(workspace, settings).tuned()
    if retriever is not None:
        state["retriever"] = retriever.identity
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
