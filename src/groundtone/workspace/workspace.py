"""A folder that knows its documents and its models, and all that can be asked of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone import telemetry
from groundtone.catalog import StoredCollection
from groundtone.errors import WrongUse
from groundtone.index.filters import EVERYTHING, Filter
from groundtone.workspace.parts import STATE as STATE
from groundtone.workspace.parts import Parts

if TYPE_CHECKING:
    from groundtone.advice.report import Advice
    from groundtone.answering.answer import Answer, Citation, Verdict
    from groundtone.answering.prompt import Message
    from groundtone.evaluation.answers import AnswersReport
    from groundtone.evaluation.report import Report
    from groundtone.evaluation.style import Style
    from groundtone.retrieval import Passage
    from groundtone.syncing import Step, SyncReport
    from groundtone.workspace.tune import Run


class Workspace(Parts):
    """A workspace: ``groundtone.toml`` and ``.groundtone/`` in one folder.

    Use :meth:`create` or :meth:`open`, and close it (it is a context manager). Its parts are opened
    when first needed, so that listing models loads no weights.
    """

    # -- documents --------------------------------------------------------------------------

    def sync(
        self,
        *sources: str | Path,
        collection: str | None = None,
        progress: Callable[[Step], None] | None = None,
        rebuild: bool = False,
        dry_run: bool = False,
        on: str | None = None,
    ) -> SyncReport:
        """Bring the index in step with the sources: given ones are added to the known ones.

        Args:
            sources: folders, files, and addresses of web pages and sitemaps; none: all known ones.
            collection: that new ones belong to; without sources, the one whose sources are meant.
                None: the default one, and for known sources any.
            progress: told how it goes on.
            rebuild: read and embed everything again.
            dry_run: only say what would be done.
            on: the Ray cluster that reads and embeds; None: as ``[scale] ray`` says, "": none.

        Raises:
            WrongUse: no source is known, one does not exist or is of another collection, or the
                collection's name cannot be one.
            Busy: another process is syncing this workspace.
            EmbeddingMismatch: indexed with another model; `rebuild` builds anew.
        """
        from groundtone import syncing
        from groundtone.workspace import collections

        if collection is not None:
            collections.checked(collection)
        settings = self.settings if on is None else self.settings.on(on)
        return syncing.sync(
            sources,
            collection=collection,
            catalog=self.catalog,
            indexes=self.indexes,
            embedder=lambda: self.embedder,  # nothing to do, nothing to load
            settings=settings,
            state=self.state,
            progress=progress,
            rebuild=rebuild,
            dry_run=dry_run,
        )

    def sources(self, collection: str | None = None) -> dict[Path | str, int]:
        """The paths and addresses that are kept in step, each with its number of documents.

        Those of one collection, or all.
        """
        from groundtone.syncing.sources import named

        root = self.folder.resolve()
        return {
            named(root, source.path): len(self.catalog.documents(source.id))
            for source in self.catalog.sources()
            if collection in (None, source.collection)
        }

    def forget(self, *sources: str | Path) -> dict[str, int]:
        """Remove sources and their documents; the files stay.

        Returns:
            how many documents went with each.

        Raises:
            WrongUse: one of them is no source; then none is removed.
            Busy: another process is syncing this workspace.
        """
        from groundtone import syncing
        from groundtone.syncing.sources import find

        for source in sources:
            find(self.catalog, self.folder.resolve(), source)
        return {
            str(source): syncing.forget(
                source,
                state=self.state,
                catalog=self.catalog,
                indexes=self.indexes,
                dimensions=lambda: self.embedder.dimensions,
            )
            for source in sources
        }

    def collections(self) -> list[StoredCollection]:
        """The collections, with their sources and sizes; the default one first."""
        return self.catalog.collections()

    def create_collection(
        self, name: str, metadata: Mapping[str, Any] | None = None
    ) -> StoredCollection:
        """Make a collection that holds nothing yet; one that is there gets the new metadata.

        Raises:
            WrongUse: the name cannot be one.
        """
        from groundtone.workspace import collections

        return collections.create(self, name, metadata or {})

    def delete_collection(self, name: str) -> int:
        """Remove a collection with its sources; returns how many documents went with it.

        Raises:
            WrongUse: there is none of this name.
            Busy: another process is syncing this workspace.
        """
        from groundtone.workspace import collections

        return collections.delete(self, name)

    def search(
        self, question: str, k: int | None = None, *, limits: Filter = EVERYTHING
    ) -> list[Passage]:
        """The passages for a question, best first; `k` defaults to ``retrieval.k``.

        `limits` (see :meth:`limits`) leaves out the rest before anything is ranked.
        """
        begun = telemetry.begin()
        found = self.retriever.limited(limits).search(question, k or self.settings.retrieval.k)
        begun.found(len(found), question=question)
        return found

    def limits(
        self,
        where: Sequence[str] = (),
        *,
        collections: Collection[str] | None = None,
        groups: Collection[str] | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Filter:
        """What a search or an answer may draw on.

        Args:
            where: conditions that all must hold, each ``name=value`` or ``name=one|two``: type,
                path (a file or a folder), source, or a name from front matter.
            collections: whose documents alone are meant; None: of all.
            groups: of the caller, who sees what is for everybody or for one of these; None is
                the owner, who sees everything.
            since, until: ISO dates of the documents' last change, both included.

        Raises:
            WrongUse: a condition of another form, a name that no document has, no date, or no
                such collection.
        """
        from groundtone.workspace.limits import limits

        return limits(self, where, collections, groups, since, until)

    # -- answers ----------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        *,
        model: str | None = None,
        history: Sequence[Message] = (),
        limits: Filter = EVERYTHING,
        schema: Mapping[str, Any] | str | Path | None = None,
    ) -> Answer:
        """Answer a question from the documents, every sentence attributed.

        `history` is the conversation so far, oldest first: messages with role "user" or
        "assistant" and content. A follow-up ("Why?") is searched with the question it follows.
        `limits` (see :meth:`limits`) says which documents may be drawn on. With a `schema` (JSON
        schema, or a file with one) the answer is a
        :class:`groundtone.answering.structured.StructuredAnswer`.
        """
        if schema is not None:
            from groundtone.workspace import paying, structured

            begun = telemetry.begin()
            answer = structured.ask(
                self, question, schema, model=model, history=history, limits=limits
            )
            answer = paying.priced(self, answer, self.model_name(model))
            self._log(answer, begun)
            return answer
        for event in self.stream(question, model=model, history=history, limits=limits):
            if not isinstance(event, str):
                return event
        raise AssertionError("stream() ends with an Answer")

    def stream(
        self,
        question: str,
        *,
        model: str | None = None,
        history: Sequence[Message] = (),
        limits: Filter = EVERYTHING,
        logged: Callable[[str], None] | None = None,
        max_tokens: int | None = None,
        judged: Callable[[Verdict], None] | None = None,
    ) -> Iterator[str | Answer]:
        """Yield pieces of text as they are written, then the finished answer; it is logged.

        Closing the iterator, or Ctrl-C while it works, stops the model; the log keeps what was
        written until then, marked as stopped. `logged` is told the id in the log, before the
        answer comes. `max_tokens` makes the answer shorter than the settings allow. `judged` is
        told of each sentence, as soon as the model has begun the next one, whether the passages
        support it.

        Raises:
            WrongUse: an empty question, an unknown model, a history that is no conversation.
        """
        if not question.strip():
            raise WrongUse("The question is empty.", "Write a question.")
        name, begun = self.model_name(model), telemetry.begin()

        def log(answer: Answer) -> None:
            id = self._log(answer, begun)
            if logged is not None:
                logged(id)

        from groundtone.workspace.paying import priced

        def stopped(answer: Answer) -> None:
            log(priced(self, answer, name))

        events = self.answerer_for(limits, name, max_tokens).stream(
            question,
            model=name,
            system=self.voice(name),
            history=history,
            stopped=stopped,
            judged=judged,
        )
        try:
            with contextlib.closing(events):  # type: ignore[type-var]
                for event in events:
                    if not isinstance(event, str):
                        event = priced(self, event, name)
                        log(event)
                    yield event
        except Exception as error:
            begun.failed(error)
            raise

    def model_name(self, model: str | None = None) -> str:
        """The full name of the model to use: the one named, else the active one, else the base.

        A tuned model may be named by its suffix, which means the newest of that suffix, by the
        id at its end, or with and without the organisation that stands in OpenAI's names.

        Raises:
            WrongUse: there is no such model.
        """
        from groundtone.workspace.model_names import meant

        return meant(model, self.catalog, self.settings.chat)

    def voice(self, model: str) -> str:
        """The system message a model is asked with: a tuned one's is part of its training."""
        stored = self.catalog.get_model(model)
        return str(stored.settings.get("system", "")) if stored else ""

    def resolves(self, answer: Answer, citation: Citation) -> bool:
        """Whether the quote stands in the stored document exactly where the citation says."""
        versions = {p.version for p in answer.passages if p.document == citation.document}
        return any(
            self.catalog.text(version, citation.start, citation.end) == citation.quote
            for version in versions
        )

    def _log(self, answer: Answer, begun: telemetry.Watch) -> str:
        import uuid

        from groundtone.catalog import StoredAnswer

        id = f"answer-{uuid.uuid4().hex[:12]}"
        value: dict[str, Any] = answer.to_json()
        self.catalog.put_answer(StoredAnswer(id, answer.question, answer.model, value))
        begun.answered(
            value,
            question=answer.question,
            base=self.settings.chat.model,
            embedder=self.settings.embedding.model,
        )
        return id

    def style(self) -> Style | None:
        """The declared house style: ``style.toml`` beside ``groundtone.toml``, if there is one."""
        from groundtone.evaluation.style import Style

        path = self.folder / "style.toml"
        return Style.load(path) if path.is_file() else None

    # -- models -----------------------------------------------------------------------------

    def use(self, model: str, *, force: bool = False) -> None:
        """Put a model to use; a tuned one must have passed its gate.

        Raises:
            GateRefused: it has not; `force` overrides, and is recorded.
        """
        from groundtone.errors import GateRefused

        name = self.model_name(model)
        stored = self.catalog.get_model(name)
        if stored is None:
            self.catalog.activate(None, "base")
            return
        gate = stored.metrics.get("gate") or {}
        if not gate.get("passed") and not force:
            reasons = "; ".join(gate.get("reasons", ["it was never measured"]))
            raise GateRefused(
                f"{name} has not earned its place: {reasons}.",
                "Tune with more or better examples, or pass --force to use it all the same.",
            )
        self.catalog.activate(name, "forced" if force and not gate.get("passed") else "gate passed")

    def rollback(self) -> str:
        """Go back to the model in use before; returns its name."""
        return self.catalog.rollback() or self.settings.chat.model

    def delete_model(self, model: str) -> str:
        """Remove a tuned model and its run's files; returns its name.

        Raises:
            WrongUse: it is in use, or there is none of this name.
        """
        import shutil

        name = self.model_name(model)
        stored = self.catalog.get_model(name)
        if not self.catalog.delete_model(name):
            raise WrongUse(f"{name} is not a tuned model.", "Run `groundtone models list`.")
        if stored is not None and stored.path:
            shutil.rmtree((self.state / stored.path).parent, ignore_errors=True)
        return name

    def tune(self, examples: str | Path, *, suffix: str, **options: Any) -> Run:
        """Start training on an examples file; see :func:`groundtone.workspace.tune.start`."""
        from groundtone.workspace import tune

        return tune.start(self, Path(examples), suffix=suffix, **options)

    def compare(self, questions: str | Path | None, **options: Any) -> Report:
        """Measure the arms on questions; see :func:`groundtone.workspace.compare.compare`."""
        from groundtone.workspace import compare

        return compare.compare(self, questions, **options)

    def advise(self, **options: Any) -> Advice:
        """RAG, fine-tuning, both or neither; see :func:`groundtone.workspace.advise.advise`."""
        from groundtone.workspace import advise

        return advise.advise(self, **options)

    def eval_answers(self, questions: str | Path, **options: Any) -> AnswersReport:
        """Measure answers to questions; see :func:`groundtone.workspace.evaluate.eval_answers`."""
        from groundtone.workspace import evaluate

        return evaluate.eval_answers(self, questions, **options)
