"""What the routes have written: plain chat by a model, answers from documents, each counted."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, cast

from groundtone.answering.showing import refuse
from groundtone.chat import Completion
from groundtone.errors import GroundtoneError
from groundtone.server.conversation import is_errand

if TYPE_CHECKING:
    from groundtone.answering.answer import Answer, Usage
    from groundtone.index.filters import Filter
    from groundtone.server.auth import Principal
    from groundtone.server.conversation import Asked, Options
    from groundtone.server.naming import Target
    from groundtone.server.serving import Serving


class Writer:
    """Writes for one request.

    Args:
        serving: whose models and documents.
        principal: who asks, and pays.
        target: the model, read.
    """

    def __init__(self, serving: Serving, principal: Principal, target: Target) -> None:
        self._serving = serving
        self._workspace = serving.workspace
        self._principal = principal
        self._target = target
        self._began = time.perf_counter()

    async def plain(
        self, messages: Sequence[dict[str, str]], options: Options, number: int = 0
    ) -> AsyncGenerator[str | Completion, None]:
        """Pieces of text, then what it took; `number`: which of several answers."""

        def make() -> Iterator[str | Completion]:
            engine = self._workspace.chat_with(self._target.model)
            text = ""
            done = False
            events = engine.stream(messages, model=self._target.model, **options.named(number))
            try:
                with closing(cast(Any, events)):
                    for event in events:
                        if isinstance(event, Completion):
                            done = True
                            self._count(event.prompt_tokens, event.completion_tokens)
                        else:
                            text += event
                        yield event
            finally:
                if text and not done:  # stopped: what was written is paid for all the same
                    read = len(engine.tokens(engine.render(messages)))
                    self._count(read, len(engine.tokens(text)))

        async with aclosing(self._serving.generations.stream(make)) as events:
            first = True
            async for event in events:
                if first:
                    self._first()
                first = False
                yield event

    async def relayed(
        self, body: dict[str, Any], *, stream: bool
    ) -> AsyncGenerator[dict[str, Any], None]:
        """What an engine behind an API of its own answers to the whole request, as it is."""

        def make() -> Iterator[dict[str, Any]]:
            engine = cast(Any, self._workspace.chat_with(self._target.model))
            for event in engine.relay({**body, "model": self._target.model}, stream=stream):
                if used := event.get("usage"):
                    self._count(used.get("prompt_tokens", 0), used.get("completion_tokens", 0))
                yield event

        async with aclosing(self._serving.generations.stream(make)) as events:
            async for event in events:
                yield event

    async def answer(
        self, asked: Asked, limits: Filter, options: Options, *, schema: Any = None
    ) -> Answer:
        """The checked answer from documents; an errand (`is_errand`) is refused without a search.

        Nothing of it is passed on before it is checked: what a client was sent cannot be taken
        back.
        """

        if is_errand(asked.question):
            return refuse(asked.question, self._workspace.settings.answer)

        def make() -> Iterator[str | Answer]:
            if schema is not None:
                yield self._workspace.ask(
                    asked.question,
                    model=self._target.model,
                    history=asked.history,
                    limits=limits,
                    schema=schema,
                )
                return
            yield from self._workspace.stream(
                asked.question,
                model=self._target.model,
                history=asked.history,
                limits=limits,
                max_tokens=options.max_tokens,
            )

        found: Answer | None = None
        async with aclosing(self._serving.generations.stream(make)) as events:
            async for event in events:
                if not isinstance(event, str):
                    found = event
        if found is None:
            raise GroundtoneError("The answer was not finished.")
        self._first()
        self._count(found.usage.prompt_tokens, found.usage.completion_tokens)
        if found.refused:
            self._serving.metrics.refusals.inc()
        return found

    def _first(self) -> None:
        self._serving.metrics.first_token.observe(time.perf_counter() - self._began)

    def _count(self, prompt: int, completion: int) -> None:
        self._serving.spent(self._principal.key_id, self._target.model, prompt, completion)


def usage(prompt: int, completion: int, cached: int | None = None) -> dict[str, Any]:
    """Tokens in OpenAI's shape."""
    told: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if cached is not None:
        told["prompt_tokens_details"] = {"cached_tokens": cached}
    return told


def usage_of(used: Usage) -> dict[str, Any]:
    """Tokens of an answer from documents."""
    return usage(used.prompt_tokens, used.completion_tokens)
