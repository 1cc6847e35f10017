"""An opened workspace's parts, each wired here and opened when it is first needed."""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from groundtone import settings as settings_module
from groundtone.catalog import Catalog
from groundtone.errors import NoWorkspace, WrongUse
from groundtone.index.filters import Filter
from groundtone.settings import IndexSettings, Settings
from groundtone.workspace.once import once

if TYPE_CHECKING:
    from groundtone.answering.clock import Clocked
    from groundtone.answering.judging import Checker
    from groundtone.answering.pipeline import Answerer
    from groundtone.chat import ChatEngine
    from groundtone.embedding import Embedder
    from groundtone.index.generations import Indexes
    from groundtone.retrieval import Retriever
    from groundtone.workspace.searchers import Searchers

STATE = ".groundtone"


class Parts:
    """``groundtone.toml``, ``.groundtone/``, and the parts that they call for."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.opening = RLock()
        self.settings = settings or Settings.load(folder)
        self.state = folder / STATE
        self.catalog = Catalog(self.settings.catalog.url or self.state / "catalog.db")

    # -- opening ----------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: str | Path) -> Self:
        """Make a workspace in `folder` (created if needed); one that is there is opened.

        Raises:
            WrongUse: `folder` is a file, or cannot be written.
        """
        folder = Path(folder)
        try:
            (folder / STATE).mkdir(parents=True, exist_ok=True)
            toml = folder / settings_module.FILE_NAME
            if not toml.exists():
                toml.write_text(settings_module.DEFAULT_FILE, "utf-8")
        except OSError as error:
            raise WrongUse(f"No workspace can be made in {folder}: {error.strerror}.") from None
        return cls(folder)

    @classmethod
    def open(cls, folder: str | Path | None = None) -> Self:
        """Open the workspace in `folder`; None looks from the current folder upward.

        Raises:
            NoWorkspace: there is none.
        """
        start = Path(folder) if folder is not None else Path.cwd()
        upward = [start] if folder is not None else [start, *start.resolve().parents]
        for candidate in upward:
            if (candidate / settings_module.FILE_NAME).is_file():
                (candidate / STATE).mkdir(exist_ok=True)
                return cls(candidate)
        raise NoWorkspace(start)

    def close(self) -> None:
        """Release engines and files; safe to call twice."""
        for name in ("searchers", "chat", "indexes"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()
        self.catalog.close()

    def reload(self) -> None:
        """Read the settings again, and open anew what depends on where the index is."""
        self.settings = Settings.load(self.folder)
        for name in ("searchers", "indexes"):
            part = self.__dict__.pop(name, None)
            if part is not None:
                part.close()
        for name in ("retriever", "answerer", "checker"):
            self.__dict__.pop(name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- parts, opened when first needed ----------------------------------------------------

    @once
    def embedder(self) -> Embedder:
        """Texts to vectors, by the model the settings name."""
        from groundtone.embedding import open_embedder

        return open_embedder(self.settings.embedding.model, threads=self.settings.embedding.threads)

    @once
    def clocked(self) -> Clocked:
        """The same embedder, its time counted: what questions and their checks are embedded by."""
        from groundtone.answering.clock import Clocked

        return Clocked(lambda: self.embedder)

    @once
    def indexes(self) -> Indexes:
        """The stores of windows and vectors: the current one, and the next while it is built."""
        return self.indexes_of(self.settings.index)

    def indexes_of(self, index: IndexSettings) -> Indexes:
        """The indexes that these settings name; whoever asks closes them."""
        from groundtone.buckets.reaching import Access
        from groundtone.index import located
        from groundtone.index.generations import Indexes

        return Indexes(
            self.state / "index",
            index.store,
            lambda: self.catalog.fact("index"),
            url=located(index.url, self.folder),
            collection=index.collection,
            access=Access.of(self.settings),
        )

    @once
    def retriever(self) -> Retriever:
        """Questions to passages."""
        from groundtone.reranking import open_reranker
        from groundtone.retrieval import Retriever

        return Retriever(
            self.catalog,
            self.indexes,
            self.clocked,
            self.settings.retrieval,
            open_reranker,
            self.searchers,
        )

    @once
    def searchers(self) -> Searchers | None:
        """The processes that search beside this one; None: it does so itself."""
        from groundtone.workspace.searchers import Searchers

        count = self.settings.retrieval.processes
        return Searchers(self.folder, self.settings, count) if count else None

    @once
    def chat(self) -> ChatEngine:
        """The chat engine, with every tuned model of this base beside it."""
        from groundtone.workspace.engines import open_engine

        engine = open_engine(self.settings.chat)
        self._loaded = self.adapters()
        engine.load(self._loaded)
        return engine

    def chat_with(self, model: str) -> ChatEngine:
        """The chat engine, with this model loaded even if another process made it just now."""
        engine = self.chat
        if model != self.settings.chat.model and model not in self._loaded:
            with self.opening:
                wanted = self.adapters()
                if model in wanted and model not in self._loaded:
                    engine.load(wanted)
                    self._loaded = wanted
        return engine

    @once
    def answerer(self) -> Answerer:
        """Questions to checked answers."""
        return self._answerer(self.retriever)

    def answerer_for(
        self, limits: Filter, model: str | None = None, max_tokens: int | None = None
    ) -> Answerer:
        """The answerer that draws on these documents only.

        Args:
            model: the one that is going to write, which is loaded if need be.
            max_tokens: the longest answer; None, or more than the settings allow: as they say.
        """
        if not limits and model is None and max_tokens is None:
            return self.answerer
        return self._answerer(self.retriever.limited(limits), model, max_tokens)

    def _answerer(
        self, retriever: Retriever, model: str | None = None, max_tokens: int | None = None
    ) -> Answerer:
        from groundtone.answering.pipeline import Answerer

        chat = self.settings.chat
        most = min(max_tokens or chat.max_tokens, chat.max_tokens)
        return Answerer(
            retriever,
            lambda: self.chat if model is None else self.chat_with(model),
            self.settings.answer,
            chat.model_copy(update={"max_tokens": most}),
            refuse_below=self.settings.retrieval.refuse_below,
            embedder=lambda: self.clocked,
            checker=(lambda: self.checker) if self.settings.answer.checker else None,
        )

    @once
    def checker(self) -> Checker:
        """The model that the settings name to judge the sentences of answers."""
        from groundtone.workspace.judging import open_checker

        return open_checker(self.settings.answer.checker, self.folder, lambda: self.chat)

    def adapters(self) -> dict[str, Path]:
        """The tuned models of the current base and where their adapters lie."""
        return {
            model.name: self.state / model.path  # relative, so that a workspace can be moved
            for model in self.catalog.list_models()
            if model.base == self.settings.chat.model and model.path
        }
