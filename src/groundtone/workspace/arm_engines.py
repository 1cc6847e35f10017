"""The chat engines of a comparison's arms: the workspace's own, and any others by their names."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from groundtone.answering.pipeline import Answerer

if TYPE_CHECKING:
    from groundtone.chat import ChatEngine
    from groundtone.workspace.workspace import Workspace

REMOTE = ("openai:", "http://", "https://")


class ArmEngines:
    """Opens the engine of a model when it is first asked, and closes what it opened.

    The workspace's base and its tuned models are served by the workspace's own engine; any other
    name is opened as :func:`groundtone.chat.open_chat` understands it, with the workspace's
    limits. Retrieval, prompts, checks and decoding are the same for all.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._opened: dict[str, ChatEngine] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for engine in self._opened.values():
            engine.close()

    def engine_of(self, model: str) -> str:
        """The name of the engine that serves a model."""
        stored = self._workspace.catalog.get_model(model)
        return stored.base if stored is not None else model

    def chat(self, model: str) -> ChatEngine:
        """The engine that serves a model.

        Raises:
            WrongUse: no engine has that name.
            MissingModel, MissingExtra, EngineError: it cannot be opened now.
        """
        name = self.engine_of(model)
        with self._lock:
            if name == self._workspace.settings.chat.model:
                return self._workspace.chat
            if name not in self._opened:
                self._opened[name] = self._open(name)
            return self._opened[name]

    def at_once(self, model: str) -> int:
        """How many questions to put to a model at once by default.

        What a remote engine allows. A local one shares its cores between questions, so that no
        question would take the time that a user waits for it: 1.
        """
        name = self.engine_of(model)
        if not name.startswith(REMOTE):
            return 1
        return self.chat(model).parallel

    def answerer(self, model: str) -> Answerer:
        """An answerer with the workspace's settings whose chat engine is the model's."""
        workspace = self._workspace
        settings = workspace.settings
        if self.engine_of(model) == settings.chat.model:
            return workspace.answerer
        return Answerer(
            workspace.retriever,
            lambda: self.chat(model),
            settings.answer,
            settings.chat,
            refuse_below=settings.retrieval.refuse_below,
            embedder=lambda: workspace.clocked,
            checker=(lambda: workspace.checker) if settings.answer.checker else None,
        )

    def _open(self, name: str) -> ChatEngine:
        from groundtone.chat import open_chat

        chat = self._workspace.settings.chat
        engine = open_chat(
            name,
            context_tokens=chat.context_tokens,
            threads=chat.threads,
            parallel=chat.parallel,
            timeout=chat.timeout,
        )
        tuned = {
            model.name: self._workspace.state / model.path
            for model in self._workspace.catalog.list_models()
            if model.base == name and model.path
        }
        if tuned:
            engine.load(tuned)
        return engine
