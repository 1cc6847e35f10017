"""The page people open first: questions, and answers whose every sentence opens its source."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastapi import Request
from nicegui import ui

from groundtone.answering.answer import Answer
from groundtone.errors import GroundtoneError
from groundtone.web import history, limits, turns
from groundtone.web.elements import attribute, button, choice, empty, link, node
from groundtone.web.layout import Visit, announce, frame
from groundtone.web.panel import SourcePanel
from groundtone.web.threads import follow
from groundtone.workspace.owners import hidden_models

if TYPE_CHECKING:
    from groundtone.chat import Message

REMEMBERED = 12  # messages of a conversation that are sent along; the engine takes what fits
OFTEN = 0.06  # seconds between two updates of an answer that is being written


@ui.page("/")
async def ask(request: Request, collection: str = "", model: str = "") -> None:
    """Ask the documents."""
    with frame(request, "ask", "Ask") as here:
        if not here.visitor.may("chat"):
            empty("Not with this key", "Your key does not have the scope “chat”.")
            return
        known = await asyncio.to_thread(_known, here)
        Conversation(here, known, collection, model).show()


def _known(here: Visit) -> dict[str, Any]:
    """What the page tells before anything was asked."""
    workspace, sight = here.workspace, here.sight()
    hidden = hidden_models(workspace, here.visitor.only_own)
    models = [model.name for model in workspace.catalog.list_models()]
    return {
        "collections": here.collections(),
        "models": [name for name in models if name not in hidden],
        "active": workspace.model_name(),
        "base": workspace.settings.chat.model,
        "documents": sum(1 for one in workspace.catalog.documents() if sight.allows(one)),
        "recent": [one.question for one in history.visible(here, 4)],
    }


class Conversation:
    """One browser tab's questions, follow-ups included."""

    def __init__(self, here: Visit, known: dict[str, Any], collection: str, model: str) -> None:
        self._here, self._known = here, known
        self._collection = collection if collection in known["collections"] else ""
        self._model = model if model in (known["base"], *known["models"]) else known["active"]
        self._messages: list[Message] = []
        self._stop = threading.Event()
        self._busy = False

    def show(self) -> None:
        """Make the page."""
        with node("div", classes="ask-head"):
            node("h1", "Ask", "visually-hidden")
            self._choices()
            with node("div", classes="ask-links"):
                link("New conversation", "/", "text-link")
                link("History", "/history", "text-link")
        with node("div", classes="desk"):
            with node("div", classes="talk"):
                self._turns = node("div", classes="turns")
                with self._turns:
                    self._welcome = node("div", classes="welcome")
                    with self._welcome:
                        self._greet()
                self._composer()
            self._panel = SourcePanel(self._here)
        ui.context.client.on_delete(self._stop.set)

    def _choices(self) -> None:
        known = self._known
        collections = [("", "All collections"), *((name, name) for name in known["collections"])]
        with node("div", classes="choices"):
            if len(known["collections"]) > 1 or self._here.visitor.collections is not None:
                choice("Collection", collections, self._collection, self._choose_collection)
            models = [(known["base"], known["base"]), *((name, name) for name in known["models"])]
            choice("Model", models, self._model, self._choose_model)

    def _choose_collection(self, name: str) -> None:
        self._collection = name

    def _choose_model(self, name: str) -> None:
        self._model = name

    def _greet(self) -> None:
        known = self._known
        if not known["documents"]:
            with empty(
                "There is nothing to ask yet",
                "Add documents first: drop files on the Documents page, or sync a folder. "
                "Everything stays on this machine.",
            ):
                link("Add documents", "/documents", "button primary")
            return
        node("h2", "What would you like to know?", "greeting")
        count = known["documents"]
        node(
            "p",
            f"Answers come from {count:,} document{'s' if count > 1 else ''}. Every sentence "
            "shows where it stands; what nothing supports is left out.",
            "lead",
        )
        if known["recent"]:
            with node("ul", classes="recent", aria_label="Asked before"):
                for question in dict.fromkeys(known["recent"]):
                    with node("li"):
                        button(question, lambda question=question: self.ask(question), "recent-one")

    def _composer(self) -> None:
        made = node("form", classes="composer", aria_label="Ask a question")
        with made:
            node("label", "Your question", "visually-hidden", for_="question")
            node(
                "textarea",
                name="question",
                id="question",
                rows="1",
                maxlength="4000",
                placeholder="Ask your documents",
                autocomplete="off",
                data_composer="",
            )
            self._send = button("", lambda: None, "send", icon="send", aria_label="Ask")
            attribute(self._send, type="submit")
            self._halt = button(
                "", self._stop.set, "send", icon="stop", aria_label="Stop", hidden=True
            )
        made.on(
            "submit.prevent",
            lambda event: self.ask(str(event.args)),
            js_handler="e => emit(groundtone.take(e.target))",
        )

    async def ask(self, question: str) -> None:
        """Answer a question below what was asked before."""
        question = question.strip()
        if not question or self._busy:
            return
        self._busy = True
        self._stop.clear()
        with self._turns:  # what was pressed goes with the welcome
            if not self._welcome.is_deleted:
                self._welcome.delete()
            try:
                await self._turn(question)
            finally:
                self._busy = False

    async def _turn(self, question: str) -> None:
        attribute(self._send, hidden=True)
        attribute(self._halt, hidden=False)
        with node("article", classes="turn"):
            turns.show_question(question)
            body = node("div", classes="body", aria_live="polite", aria_busy="true")
        with body:
            writing = node("p", "", "written")
            state = node("p", "Looking through the documents …", "state")
        ui.context.client.run_javascript("groundtone.last()")
        try:
            await self._answer(question, body, writing, state)
        except GroundtoneError as error:
            body.clear()
            with body:
                node("p", str(error), "fault", role="alert")
        finally:
            attribute(body, aria_busy="false")
            attribute(self._send, hidden=False)
            attribute(self._halt, hidden=True)

    async def _answer(self, question: str, body: Any, writing: Any, state: Any) -> None:
        here = self._here
        ids: list[str] = []
        written, shown = "", 0.0
        loop = asyncio.get_running_loop()

        def events() -> Iterator[str | Answer]:
            limits.admit(here.site, here.visitor)
            return here.workspace.stream(
                question,
                model=self._model,
                history=self._messages[-REMEMBERED:],
                limits=here.visitor.limits(here.workspace, self._collection),
                logged=ids.append,
            )

        async for event in follow(events, self._stop):
            if isinstance(event, str):
                written += event
                if loop.time() - shown > OFTEN:
                    writing.text, shown = written, loop.time()
                    state.text = "Writing; checked against the documents when it is whole."
                continue
            await asyncio.to_thread(limits.count, here.site, here.visitor, event.usage)
            self._messages += [
                {"role": "user", "content": question},
                {"role": "assistant", "content": event.bare_text},
            ]
            body.clear()
            with body:
                turns.show_answer(here, self._panel, ids[-1], event.to_json())
            announce("The answer is there.", "quiet")
        if ids and here.visitor.key is not None:
            await asyncio.to_thread(here.workspace.catalog.put_asker, ids[-1], here.visitor.key)
        if self._stop.is_set() and not body.is_deleted:
            writing.text = written
            state.text = "Stopped; nothing of it was checked."
