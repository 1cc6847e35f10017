"""The fast local engine for base and merged models: OpenVINO, without adapters.

It reads prompts several times as fast as llama.cpp where the processor has 8-bit dot products.
Answers are reproducible: the same request gives the same tokens on the same machine, whatever was
asked before or at the same time (see `groundtone.chat.pages`). Across numbers of threads or
processors, and beside llama.cpp's answers, rounding differs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.chat import BASE, Completion, Message, check_limits, check_room
from groundtone.chat.metadata import metadata
from groundtone.chat.paged import PagedModel, check_supported, converted
from groundtone.chat.pages import SIZE, Held, Pages
from groundtone.chat.threads import default_threads
from groundtone.chat.vocabulary import vocabulary
from groundtone.chat.writing import Chooser, Form, Joiner, Spelling
from groundtone.errors import EngineError, WrongUse

if TYPE_CHECKING:
    import numpy as np

_LEAST_PAGES = 16


class OpenVINOEngine:
    """`groundtone.chat.ChatEngine` on one GGUF file of the llama architecture, no adapters.

    The first opening converts the file (about 10 s for SmolLM2-135M; the result takes as much of
    the user's cache as the file), later ones compile it (3 s of one core).

    Args:
        path: the model, its tokenizer one of those that `groundtone.chat.vocabulary` knows.
        name: what to call it; "base" and this name choose it in `stream`.
        threads: CPU threads; default $GROUNDTONE_THREADS or the physical cores.
        context_tokens: for prompt and answer together; at most what the model was trained for.
            Memory grows with what has been read up to this many tokens (46 KB a token for
            SmolLM2-135M), beyond only for requests in progress.
        cache: folder for converted models; default: in the user's cache.

    Raises:
        MissingExtra: OpenVINO is not installed.
        EngineError: the file is missing, damaged, or a model that OpenVINO would get wrong.
    """

    exact_tokens = True
    parallel = 1

    def __init__(
        self,
        path: Path | str,
        *,
        name: str = BASE,
        threads: int | None = None,
        context_tokens: int = 8192,
        cache: Path | None = None,
    ) -> None:
        self.path = Path(path)
        self.name = name
        head = metadata(self.path)
        check_supported(self.path)
        self.context_tokens = min(
            context_tokens, int(head.get("llama.context_length", context_tokens))
        )
        self.threads = threads or default_threads()
        self._vocabulary = vocabulary(self.path)
        self._spelling = Spelling(self._vocabulary)
        self._lock = threading.Lock()
        self._pages = Pages(max(_LEAST_PAGES, -(-self.context_tokens // SIZE)))
        self._model: PagedModel | None = PagedModel(converted(self.path, cache), self.threads)

    # -- what the model is given ------------------------------------------------------------

    def render(self, messages: Sequence[Message]) -> str:
        """Return the prompt of `messages` by the template in the model's file."""
        return self._vocabulary.render(messages)

    def tokens(self, text: str) -> list[int]:
        """Return the ids of `text`; special tokens in it are parsed, none are added."""
        return self._vocabulary.tokens(text)

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
        json_schema: Mapping[str, Any] | None = None,
    ) -> Iterator[str | Completion]:
        """Yield pieces of the answer, then one `Completion`; see `ChatEngine.stream`.

        Args:
            messages: the conversation, the last one to be answered.
            model: "base" or the base's name.
            max_tokens: at least 1.
            temperature: 0 takes the likeliest token each time; above, the same chain as the
                engine of llama.cpp (top-k 40, top-p 0.95, min-p 0.05).
            seed: for temperatures above 0.
            stop: texts that end the answer; they are not part of it.
            json_schema: JSON schema that the answer must follow; it is written without spaces.
        """
        begun = time.perf_counter()
        if model not in (BASE, self.name):
            raise WrongUse(
                f"No model is named {model!r} here.",
                "OpenVINO serves the base alone. For adapters use the engine of llama.cpp.",
            )
        check_limits(max_tokens, temperature)
        prompt = self.tokens(self.render(messages))
        check_room(len(prompt), self.context_tokens)
        form = Form(self._spelling, json_schema) if json_schema is not None else None
        chooser = Chooser(temperature, seed, form)
        joiner = Joiner(self._spelling, stop)
        return self._answer(prompt, chooser, joiner, max_tokens, begun)

    def _answer(
        self, prompt: list[int], chooser: Chooser, joiner: Joiner, most: int, begun: float
    ) -> Iterator[str | Completion]:
        most = min(most, self.context_tokens - len(prompt))
        pieces: list[str] = []
        first: float | None = None
        finish = "length"
        written = 0
        with self._lock:
            held = self._pages.take(prompt)
        try:
            position = held.found
            known = position
            while position < len(prompt):
                logits = self._read(held, prompt[position : position + SIZE], position, True)
                position = min(position + SIZE, len(prompt))
            while True:
                token = chooser.take(logits)
                written += 1
                if token in self._spelling.ends:
                    finish = "stop"
                    break
                if text := joiner.add(token):
                    first = first or time.perf_counter()
                    pieces.append(text)
                    yield text
                if joiner.stopped or chooser.complete:
                    finish = "stop"
                    break
                if written == most:
                    break
                logits = self._read(held, [token], position, False)
                position += 1
        finally:
            with self._lock:
                self._pages.release(held)
        if text := joiner.end():
            first = first or time.perf_counter()
            pieces.append(text)
            yield text
        ended = time.perf_counter()
        yield Completion(
            text="".join(pieces),
            prompt_tokens=len(prompt),
            completion_tokens=written,
            first_token_ms=((first or ended) - begun) * 1000,
            total_ms=(ended - begun) * 1000,
            finish=finish,
            cached_tokens=known,
        )

    def _read(self, held: Held, tokens: list[int], position: int, prompt: bool) -> np.ndarray:
        """Read one piece: of the prompt, to be shared where it fills a page, or one's own token."""
        with self._lock:
            if self._model is None:
                raise EngineError(f"The engine {self.name} is closed.", "Open it again.")
            if position % SIZE == 0:
                self._pages.add(held)
            logits = self._model.read(tokens, position, held.numbers)
            if prompt and len(tokens) == SIZE:
                self._pages.publish(held, tokens)
            return logits

    # -- adapters ----------------------------------------------------------------------------

    def load(self, adapters: dict[str, Path]) -> None:
        """Accept no adapters: OpenVINO GenAI leaves them out for GGUF models without a word.

        Raises:
            WrongUse: there are any.
        """
        if adapters:
            raise WrongUse(
                f"OpenVINO cannot apply adapters to a GGUF model ({', '.join(adapters)}).",
                "Serve tuned models with llama.cpp: name the base without `openvino:`.",
            )

    # -- life --------------------------------------------------------------------------------

    def close(self) -> None:
        """End the requests in progress and free the model; calling it again does nothing."""
        with self._lock:
            self._model = None

    def __enter__(self) -> OpenVINOEngine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
