"""Messages -> text: one protocol, one module per engine.

>>> engine = open_chat("smollm2-135m-instruct")                            # doctest: +SKIP
>>> done = complete(engine, [{"role": "user", "content": "Hi"}], max_tokens=20)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from groundtone.errors import EngineError, WrongUse

Message = dict[str, str]
"""One chat message: {"role": "system" | "user" | "assistant", "content": text}."""

BASE = "base"
"""The name under which every engine answers with its untuned model."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One finished answer.

    Attributes:
        text: the whole answer; equal to the streamed pieces joined.
        prompt_tokens: tokens of the rendered prompt.
        completion_tokens: tokens generated, the one that ends the answer included.
        first_token_ms: from the call to the first piece of text (waiting for a place included).
        total_ms: from the call to the end.
        finish: "stop" (the model or a stop string ended it) or "length" (`max_tokens` or the
            context did).
        cached_tokens: prompt tokens that had been read before and were not read again.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    first_token_ms: float
    total_ms: float
    finish: str
    cached_tokens: int = 0


@runtime_checkable
class ChatEngine(Protocol):
    """What answering, tuning and evaluation need of a language model.

    Attributes:
        name: the base model's name as given to `open_chat`.
        context_tokens: prompt and answer together must fit into this.
        parallel: how many requests are worth sending at once.
        exact_tokens: whether `render` and `tokens` are the model's own, or an estimate.
    """

    name: str
    context_tokens: int
    parallel: int
    exact_tokens: bool

    def render(self, messages: Sequence[Message]) -> str:
        """Return the prompt by the model's own template, opened for the answer."""
        ...

    def tokens(self, text: str) -> list[int]:
        """Return token ids by the model's own tokenizer, special tokens parsed."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        model: str = BASE,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str | Completion]:
        """Yield pieces of the answer as they come, then one `Completion`.

        With a ``json_schema`` the answer is JSON that follows it (cut off at `max_tokens` it may
        be incomplete: ``finish`` says "length").

        Closing the iterator stops the work. The same arguments give the same answer, whatever
        was asked before or is asked at the same time (remote engines: as far as they promise).

        Raises:
            WrongUse: malformed messages, or a `model` that is not loaded.
            EngineError: the prompt is longer than the context, or the engine failed.
        """
        ...

    def load(self, adapters: dict[str, Path]) -> None:
        """Serve exactly these GGUF adapters beside the base, chosen per request by `model`."""
        ...

    def close(self) -> None:
        """Stop the engine; calling it again does nothing."""
        ...


FORMS = (
    "smollm2-135m-instruct   the small local model (groundtone models fetch)\n"
    "  gguf:PATH               a local model file in GGUF format\n"
    "  hf:ORG/NAME             a model of Hugging Face's hub with a GGUF file (models fetch)\n"
    "  openvino:MODEL          either of these, served by OpenVINO (faster, without adapters)\n"
    "  openai:MODEL            OpenAI, key in OPENAI_API_KEY\n"
    "  http://host/v1#MODEL    any OpenAI-compatible server, its key in GROUNDTONE_API_KEY"
)


def open_chat(
    name: str,
    *,
    threads: int | None = None,
    context_tokens: int | None = None,
    parallel: int | None = None,
    timeout: float = 120.0,
) -> ChatEngine:
    """Open the engine that `name` names.

    Args:
        name: one of `FORMS`.
        threads: local engines: CPU threads; default $GROUNDTONE_THREADS or the physical cores.
        context_tokens: default 8,192, or less where the model has less.
        parallel: requests worked on at once; default 4 for remote engines, 1 for llama.cpp, whose
            answers are reproducible only then; OpenVINO always serves one after the other.
        timeout: remote engines: seconds without a byte after which the server counts as stalled.

    Raises:
        WrongUse: the name has none of the known forms.
        MissingModel, DamagedModel, MissingExtra, EngineError: it cannot be opened now.
    """
    from groundtone import weights

    if name.startswith("gguf:") and name != "gguf:":
        return _local(name, Path(name.removeprefix("gguf:")), threads, context_tokens, parallel)
    if name.startswith("hf:"):
        from groundtone.weights import hub

        return _local(name, hub.path(name), threads, context_tokens, parallel)
    if name.startswith("openvino:") and name != "openvino:":
        return _openvino(name, name.removeprefix("openvino:"), threads, context_tokens)
    if name.startswith(("http://", "https://")) and "#" in name:
        url, _, model = name.partition("#")
        if model:
            return _remote(name, model, url, context_tokens, parallel, timeout)
    if name.startswith("openai:") and name != "openai:":
        model = name.removeprefix("openai:")
        return _remote(name, model, None, context_tokens, parallel, timeout)
    if name in weights.KNOWN and weights.path(name).suffix == ".gguf":
        return _local(name, weights.path(name), threads, context_tokens, parallel)
    raise WrongUse(f"No chat engine is named {name!r}.", f"Use one of:\n  {FORMS}")


def complete(
    engine: ChatEngine,
    messages: Sequence[Message],
    *,
    model: str = BASE,
    max_tokens: int = 512,
    temperature: float = 0.0,
    seed: int = 0,
    stop: Sequence[str] = (),
    json_schema: Mapping[str, Any] | None = None,
) -> Completion:
    """Return the whole answer at once. Arguments and errors as in `ChatEngine.stream`."""
    events = engine.stream(
        messages,
        model=model,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        stop=stop,
        json_schema=json_schema,
    )
    return next(event for event in events if isinstance(event, Completion))


def complete_many(
    engine: ChatEngine,
    requests: Sequence[Sequence[Message]],
    *,
    model: str = BASE,
    max_tokens: int = 512,
    temperature: float = 0.0,
    seed: int = 0,
    stop: Sequence[str] = (),
) -> Iterator[Completion]:
    """Yield the answers to many requests, in their order, `engine.parallel` at a time.

    The first request that fails raises its error; those not begun are dropped then.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(max_workers=engine.parallel, thread_name_prefix="groundtone-chat")
    try:
        futures = [
            pool.submit(
                complete,
                engine,
                messages,
                model=model,
                max_tokens=max_tokens,
                temperature=temperature,
                seed=seed,
                stop=stop,
            )
            for messages in requests
        ]
        for future in futures:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def check_messages(messages: Sequence[Message]) -> None:
    """Raise WrongUse, naming the message and the field, unless all have a role and a content."""
    if not messages:
        raise WrongUse("There are no messages to answer.", "Pass at least one user message.")
    for number, message in enumerate(messages, start=1):
        for field in ("role", "content"):
            if not isinstance(message.get(field), str):
                raise WrongUse(f"Message {number} has no text in its field {field!r}.")


def check_limits(max_tokens: int, temperature: float) -> None:
    """Raise WrongUse unless both can be used."""
    if max_tokens < 1:
        raise WrongUse(f"max_tokens is {max_tokens}; an answer needs at least 1.")
    if not 0.0 <= temperature <= 2.0:
        raise WrongUse(f"temperature is {temperature}; it must be between 0 and 2.")


def check_room(prompt_tokens: int, context_tokens: int) -> None:
    """Raise EngineError unless the context has room for an answer after the prompt."""
    if prompt_tokens >= context_tokens:
        raise EngineError(
            f"The prompt is {prompt_tokens} tokens long; the context holds {context_tokens}, and "
            "the answer needs some of them.",
            "Ask with fewer or shorter passages or messages.",
        )


def _local(
    name: str, path: Path, threads: int | None, context: int | None, parallel: int | None
) -> ChatEngine:
    from groundtone.chat.llama import LlamaEngine

    return LlamaEngine(
        path, name=name, threads=threads, context_tokens=context or 8192, parallel=parallel or 1
    )


def _openvino(name: str, model: str, threads: int | None, context: int | None) -> ChatEngine:
    from groundtone import weights
    from groundtone.chat.openvino import OpenVINOEngine

    path = weights.path(model) if model in weights.KNOWN else Path(model.removeprefix("gguf:"))
    if path.suffix != ".gguf":
        raise WrongUse(f"{model!r} is no model file in GGUF format.", f"Use one of:\n  {FORMS}")
    return OpenVINOEngine(path, name=name, threads=threads, context_tokens=context or 8192)


def _remote(
    name: str,
    model: str,
    url: str | None,
    context: int | None,
    parallel: int | None,
    timeout: float,
) -> ChatEngine:
    from groundtone.chat.openai import OpenAIEngine

    return OpenAIEngine(
        model,
        base_url=url,
        name=name,
        context_tokens=context or 8192,
        parallel=parallel or 4,
        timeout=timeout,
    )
