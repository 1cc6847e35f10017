"""The base and its tuned models on servers of their own: vLLM, or others with OpenAI's API.

The workspace goes on naming its base and its tuned models as before. Prompts are counted with the
base's own tokenizer, which is here; answers come from the fleet, a tuned model's by its name.
Before one is used there it is proven (`groundtone.chat.probing`), and again now and then, for
servers are started anew. One that was never deployed is answered by the engine on this machine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from groundtone.chat import BASE, ChatEngine, Completion, Message, probing
from groundtone.chat.openai import OpenAIEngine
from groundtone.chat.vocabulary import vocabulary
from groundtone.errors import EngineError, WrongUse

AGAIN_S = 900.0
"""Seconds after which a tuned model is proven once more."""


class FleetEngine:
    """`groundtone.chat.ChatEngine` of a base whose answers come from elsewhere.

    Args:
        base: the base's file, for its tokenizer and template.
        name: the base's name in the workspace.
        url: the fleet's API, up to ``/v1``.
        served: what the base is called there.
        local: opens the engine on this machine, with these adapters.
        unproven: what happens to a tuned model that the fleet does not serve as it was trained:
            ``refuse``, or ``local``: the engine on this machine answers.
        context_tokens, parallel, timeout: as of `OpenAIEngine`.
    """

    def __init__(
        self,
        base: Path,
        *,
        name: str,
        url: str,
        served: str,
        local: Callable[[dict[str, Path]], ChatEngine],
        unproven: str = "refuse",
        context_tokens: int = 8192,
        parallel: int = 16,
        timeout: float = 120.0,
    ) -> None:
        self.name, self.url = name, url
        self.context_tokens, self.parallel = context_tokens, parallel
        self._words = vocabulary(base)
        self.exact_tokens = self._words.known
        self._remote = OpenAIEngine(
            served,
            base_url=url,
            name=name,
            context_tokens=context_tokens,
            parallel=parallel,
            timeout=timeout,
        )
        self._unproven = unproven
        self._open = local
        self._local: ChatEngine | None = None
        self._adapters: dict[str, Path] = {}
        self._proofs: dict[str, tuple[float, probing.Proof]] = {}
        self._lock = threading.RLock()

    def render(self, messages: Sequence[Message]) -> str:
        """Return the prompt by the base's own template, which the fleet has too."""
        return self._words.render(messages)

    def tokens(self, text: str) -> list[int]:
        """Return ids by the base's own tokenizer; where it is not known here, an estimate."""
        return self._words.tokens(text) if self.exact_tokens else self._remote.tokens(text)

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

        Raises:
            WrongUse: `model` is neither the base nor one of the tuned models.
            EngineError: the fleet does not answer, or serves `model` otherwise than it was trained.
        """
        return self._engine(model).stream(
            messages,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            stop=stop,
            json_schema=json_schema,
        )

    def relay(self, request: Mapping[str, Any], *, stream: bool) -> Iterator[dict[str, Any]]:
        """Yield what the fleet answers to a whole request; see `OpenAIEngine.relay`.

        Raises:
            EngineError: as in `stream`, or only this machine's engine could answer.
        """
        if self._engine(request["model"]) is not self._remote:
            raise EngineError(
                f"{request['model']} is answered on this machine, which cannot do this.",
                "Deploy it to the fleet: groundtone models deploy.",
            )
        return self._remote.relay(request, stream=stream)

    def prove(self, model: str) -> probing.Proof | None:
        """Ask the fleet for a tuned model's probes; None for one that was never deployed.

        Raises:
            EngineError: the fleet does not answer, or does not know it.
        """
        probes = probing.load(self._adapters[model].parent / probing.FILE)
        return probing.prove(self._remote, model, probes, self.tokens) if probes else None

    def load(self, adapters: dict[str, Path]) -> None:
        """Know exactly these tuned models; nothing is sent to the fleet."""
        with self._lock:
            self._adapters = dict(adapters)
            self._proofs = {name: kept for name, kept in self._proofs.items() if name in adapters}
            if self._local is not None:
                self._local.load(self._adapters)

    def close(self) -> None:
        """Close connections, and the engine on this machine if it was opened."""
        self._remote.close()
        with self._lock:
            if self._local is not None:
                self._local.close()
                self._local = None

    def _engine(self, model: str) -> ChatEngine:
        """Whose answers are those of this model."""
        if model in (BASE, self.name):
            return self._remote
        if model not in self._adapters:
            raise WrongUse(
                f"No model {model!r} is loaded.", "Name one of `groundtone models list`."
            )
        with self._lock:
            when, proof = self._proofs.get(model, (0.0, None))
            if proof is None or time.monotonic() - when > AGAIN_S:
                proof = self._judged(model)
                if proof is None:
                    return self._here()
                self._proofs[model] = (time.monotonic(), proof)
        if proof.holds:
            return self._remote
        if self._unproven == "local":
            return self._here()
        raise EngineError(
            f"{self.url} does not serve {model} as it was trained: {proof.reason}.",
            "Start it with the adapters of `groundtone models deploy`, or set [chat] unproven = "
            '"local".',
        )

    def _judged(self, model: str) -> probing.Proof | None:
        try:
            return self.prove(model)
        except EngineError:
            if self._unproven == "local":
                return None
            raise

    def _here(self) -> ChatEngine:
        with self._lock:
            if self._local is None:
                self._local = self._open(self._adapters)
            return self._local
