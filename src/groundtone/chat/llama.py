"""The local engine: llama.cpp in this process, through xllamacpp.

The same request gives the same tokens, with the same probabilities, whatever was asked before and
is asked at the same time, with any number of slots, and no adapter sees what another one read. Two
things make it so: a prompt is always read in the same pieces, of which only whole ones are used
again (`groundtone.chat.places`), and the requests take turns. A token's sums differ in their last
bits with how many tokens are computed together, and at a near tie an answer parts there; llama.cpp
puts all that is to do into one batch.

With `parallel` above 1 they are put there: together they are written faster (two in 1.25 times the
processor time of one), and none is reproducible any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from groundtone.chat import BASE, Completion, Message, check_limits, check_room
from groundtone.chat.adapters import (
    PROBE,
    Adapter,
    check_adapters,
    check_vocabulary,
    read_adapter,
)
from groundtone.chat.metadata import metadata
from groundtone.chat.places import Places, Plan, Step, Weights
from groundtone.chat.process import BATCH, Backend
from groundtone.chat.threads import default_threads
from groundtone.chat.vocabulary import vocabulary
from groundtone.errors import EngineError, WrongUse


class LlamaEngine:
    """`groundtone.chat.ChatEngine` on one GGUF file, with adapters beside it.

    Args:
        path: the base model.
        name: what to call it; "base" and this name choose it in `stream`.
        threads: CPU threads; default $GROUNDTONE_THREADS or the physical cores.
        context_tokens: for prompt and answer together; at most what the model was trained for.
        parallel: requests worked on at once. At 1 they take turns and are reproducible; above,
            they are written together. So many prompts, at least two, are kept (about 23 KB a
            token for SmolLM2-135M).
        adapters: names and files to load at once, as `load` does.

    Raises:
        EngineError: the file is missing, damaged or not a model, or an adapter does not fit.
    """

    exact_tokens = True

    def __init__(
        self,
        path: Path | str,
        *,
        name: str = BASE,
        threads: int | None = None,
        context_tokens: int = 8192,
        parallel: int = 1,
        adapters: Mapping[str, Path] | None = None,
    ) -> None:
        self.path = Path(path)
        self.name = name
        head = metadata(self.path)
        self.architecture: str = head.get("general.architecture", "")
        if head.get("general.type", "model") != "model" or not self.architecture:
            raise EngineError(f"{self.path} is not a model.", "Name a base model in GGUF format.")
        self.context_tokens = min(
            context_tokens, int(head.get(f"{self.architecture}.context_length", context_tokens))
        )
        self.parallel = max(1, parallel)
        self.threads = threads or default_threads()
        self._vocabulary = vocabulary(self.path)
        self._lock = threading.Lock()
        self._running = 0
        self._changing = False
        self._idle = threading.Condition(self._lock)
        self._backend: Backend | None = None
        self._adapters: dict[str, Adapter] = {}
        self._places = self._empty(0)
        self._closed = False
        self.load(dict(adapters or {}))

    # -- what the model is given ------------------------------------------------------------

    def render(self, messages: Sequence[Message]) -> str:
        """Return the prompt of `messages` by the template in the model's file."""
        return self._vocabulary.render(messages)

    def tokens(self, text: str) -> list[int]:
        """Return the ids of `text`; special tokens in it are parsed, none are added."""
        if self._vocabulary.known:
            return self._vocabulary.tokens(text)
        backend = self._enter()
        try:
            return backend.tokenize(text)
        finally:
            self._leave()

    # -- answering ---------------------------------------------------------------------------

    def stream(
        self,
        messages: Sequence[Message],
        *,
        model: str = BASE,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        grammar: str | None = None,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str | Completion]:
        """Yield pieces of the answer, then one `Completion`; see `ChatEngine.stream`.

        Args:
            messages: the conversation, the last one to be answered.
            model: "base", the base's name, or the name of a loaded adapter.
            max_tokens: at least 1.
            temperature: 0 takes the likeliest token each time; above, llama.cpp's usual chain
                (top-k 40, top-p 0.95, min-p 0.05).
            seed: for temperatures above 0.
            stop: texts that end the answer; they are not part of it.
            grammar: GBNF grammar that the answer must follow.
            json_schema: JSON schema that the answer must follow.
        """
        begun = time.perf_counter()
        check_limits(max_tokens, temperature)
        prompt = self.tokens(self.render(messages))
        check_room(len(prompt), self.context_tokens)
        request: dict[str, Any] = {
            "prompt": prompt,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
            "stop": [text for text in stop if text],
        }
        if grammar is not None:
            request["grammar"] = grammar
        if json_schema is not None:
            request["json_schema"] = dict(json_schema)
        return self._answer(request, model, begun)

    def go_on(self, tokens: Sequence[int], *, model: str = BASE, max_tokens: int) -> Completion:
        """The likeliest continuation of these ids, which no template has made."""
        request = {"prompt": list(tokens), "max_tokens": max_tokens, "temperature": 0.0, "seed": 0}
        events = self._answer(request, model, time.perf_counter())
        return next(event for event in events if isinstance(event, Completion))

    def _answer(
        self, request: dict[str, Any], model: str, begun: float
    ) -> Iterator[str | Completion]:
        adapter = self._adapter(model)
        prompt: list[int] = request["prompt"]
        weights = adapter.weights(prompt) if adapter else Weights()
        backend = self._enter()
        places = self._places
        try:
            plan = places.take(prompt, weights)
        except BaseException:
            self._leave()
            raise

        def ended(whole: bool) -> None:
            places.give_back(plan, whole=whole)
            self._leave()

        reading = {"prompt": prompt, "max_tokens": 0, "temperature": 0.0}
        reader = adapter if weights.plain else None
        requests = [
            *(self._request(reading, plan, step, reader) for step in plan.before),
            self._request(request, plan, plan.final, adapter),
        ]
        yield from _pieces(backend.stream(requests, ended=ended), begun)

    def _request(
        self, request: dict[str, Any], plan: Plan, step: Step, adapter: Adapter | None
    ) -> dict[str, Any]:
        prompt: list[int] = request["prompt"]
        sent = {
            **request,
            "prompt": prompt[: step.length] + _others(prompt[step.length :][: step.cut]),
            "id_slot": plan.slot,
            "cache_prompt": step.cache,
        }
        if step.scales and self._adapters:
            sent["lora"] = [
                {"id": other.number, "scale": 1.0 if other is adapter else 0.0}
                for other in self._adapters.values()
            ]
        return sent

    def _adapter(self, model: str) -> Adapter | None:
        if model in (BASE, self.name):
            return None
        if model not in self._adapters:
            known = ", ".join(dict.fromkeys([BASE, self.name, *self._adapters]))
            raise WrongUse(f"No model is named {model!r} here.", f"Loaded are: {known}.")
        return self._adapters[model]

    # -- adapters ----------------------------------------------------------------------------

    def load(self, adapters: dict[str, Path]) -> None:
        """Serve exactly these adapters beside the base; does nothing if they are loaded.

        The server is started anew (llama.cpp loads adapters only then), which takes about a
        second, after the requests in progress have ended. Each adapter is then asked for its
        first token's probabilities, which must differ from the base's.

        Raises:
            EngineError: an adapter is missing, is for another model, or changes nothing. What was
                loaded before stays loaded.
        """
        wanted = {name: Path(path) for name, path in adapters.items()}
        for name in wanted:
            if name in (BASE, self.name):
                raise WrongUse(f"An adapter cannot be named {name!r}: that is the base's name.")
        with self._idle:
            self._open()
            loaded = {name: adapter.path for name, adapter in self._adapters.items()}
            if self._backend is not None and wanted == loaded:
                return
            found = {
                name: read_adapter(number, name, path, self.architecture)
                for number, (name, path) in enumerate(wanted.items())
            }
            # A plain adapter reads with its own weights from the first token on: give it a place
            # of its own, so that it does not push out what the base has read.
            extra = any(adapter.matched is None for adapter in found.values())
            places = self._empty(1 if extra else 0)
            backend = Backend(
                self.path,
                adapters=[adapter.path for adapter in found.values()],
                slots=places.count,
                context=self.context_tokens,
                threads=self.threads,
            )
            try:
                words = self._vocabulary
                if words.known:
                    check_vocabulary(backend, words)
                text = self.render(PROBE)
                probe = words.tokens(text) if words.known else backend.tokenize(text)
                check_adapters(backend, list(found.values()), probe)
            except BaseException:
                backend.close()
                raise
            # New requests wait meanwhile: if they kept coming, there would always be one at work.
            self._changing = True
            try:
                self._idle.wait_for(lambda: self._running == 0)
            finally:
                self._changing = False
                self._idle.notify_all()
            old, self._backend = self._backend, backend
            self._adapters, self._places = found, places
            if old is not None:
                old.close()

    def _empty(self, extra: int) -> Places:
        return Places(max(2, self.parallel) + extra, piece=BATCH, at_once=self.parallel)

    # -- life --------------------------------------------------------------------------------

    def close(self) -> None:
        """End the requests in progress and stop; calling it again does nothing."""
        with self._idle:
            if self._closed:
                return
            self._closed = True
            if self._backend is not None:
                self._backend.cancel()
            self._idle.wait_for(lambda: self._running == 0, timeout=10)
            backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    def __enter__(self) -> LlamaEngine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _open(self) -> None:
        if self._closed:
            raise EngineError(f"The engine {self.name} is closed.", "Open it again.")

    def _enter(self) -> Backend:
        """Begin to work with the server; `load` and `close` wait for `_leave`."""
        with self._idle:
            self._idle.wait_for(lambda: not self._changing)
            self._open()
            assert self._backend is not None
            self._running += 1
            return self._backend

    def _leave(self) -> None:
        with self._idle:
            self._running -= 1
            self._idle.notify_all()


def _others(tokens: Sequence[int]) -> list[int]:
    """Return for each token one that it is not."""
    return [0 if token else 1 for token in tokens]


def _pieces(events: Iterator[dict[str, Any]], begun: float) -> Iterator[str | Completion]:
    pieces: list[str] = []
    first: float | None = None
    usage: dict[str, Any] = {}
    finish = ""
    read = 0
    for event in events:
        if found := event.get("usage"):
            usage = found
            known = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            read += int(usage["prompt_tokens"]) - int(known)
        if not event["forward"]:
            continue
        choice = event["choices"][0] if event.get("choices") else {}
        if text := choice.get("text") or "":
            first = first or time.perf_counter()
            pieces.append(text)
            yield text
        finish = choice.get("finish_reason") or finish
    if not finish:
        raise EngineError("The local engine was closed in the middle of an answer.")
    ended = time.perf_counter()
    prompt = int(usage["prompt_tokens"])
    yield Completion(
        text="".join(pieces),
        prompt_tokens=prompt,
        completion_tokens=int(usage["completion_tokens"]),
        first_token_ms=((first or ended) - begun) * 1000,
        total_ms=(ended - begun) * 1000,
        finish=finish,
        cached_tokens=max(0, prompt - read),
    )
