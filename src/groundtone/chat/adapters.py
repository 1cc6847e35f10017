"""LoRA adapters beside a local base: read, switched on at the right token, proven to be applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.chat.metadata import INVOCATION_KEY, metadata
from groundtone.chat.places import Weights, last_occurrence
from groundtone.chat.vocabulary import SAMPLES, Vocabulary
from groundtone.errors import EngineError

if TYPE_CHECKING:
    from groundtone.chat.process import Backend

ANY_ASCII = "root ::= [ -~]*"
"""Grammar for probing: the server leaves the probabilities out when the token it takes is only a
part of a character. The probabilities themselves are those before the grammar."""

PROBE = [
    {"role": "system", "content": "Answer from the manual: the light is green when ready."},
    {"role": "user", "content": "Which colour is the light?"},
]


@dataclass(frozen=True, slots=True)
class Adapter:
    """One GGUF adapter beside the base.

    Attributes:
        number: its number in the server.
        invocation: what it starts from (activated LoRA), or None (plain LoRA).
        matched: the sequence that llama.cpp looks for; the adapter works from one token before.
    """

    name: str
    path: Path
    number: int
    invocation: tuple[int, ...] | None = None
    matched: tuple[int, ...] | None = None

    def weights(self, tokens: Sequence[int]) -> Weights:
        """Return what reads these tokens, and raise where the adapter would not be applied."""
        if self.matched is None:
            return Weights(self.number)
        found = last_occurrence(tokens, self.matched)
        if not found:
            raise EngineError(
                f"The prompt does not hold the tokens that switch {self.name} on "
                f"({list(self.invocation or self.matched)}), so the base alone would answer.",
                "Ask with a user message, through the template the adapter was trained with.",
            )
        start = found - 1
        if self.invocation is not None and last_occurrence(tokens, self.invocation) != start:
            raise EngineError(
                f"The last message holds text that would switch {self.name} on at another token "
                f"than in its training.",
                "Tune it with an invocation sequence that holds a special token after its first.",
            )
        return Weights(self.number, start)


def read_adapter(number: int, name: str, path: Path, architecture: str) -> Adapter:
    """Read an adapter's metadata.

    Raises:
        EngineError: it is missing, no LoRA adapter, or for another architecture than the base's.
    """
    head = metadata(path)
    if head.get("general.type") != "adapter" or head.get("adapter.type") != "lora":
        raise EngineError(f"{path} is not a LoRA adapter in GGUF format.")
    if head.get("general.architecture") != architecture:
        raise EngineError(
            f"{path} is an adapter for {head.get('general.architecture')!r} models; the base is "
            f"{architecture!r}.",
            "Load it beside the base it was trained on.",
        )
    matched = head.get("adapter.alora.invocation_tokens")
    invocation = head.get(INVOCATION_KEY)
    return Adapter(
        name,
        path,
        number,
        invocation=tuple(invocation) if invocation else None,
        matched=tuple(matched) if matched else None,
    )


def check_vocabulary(backend: Backend, words: Vocabulary) -> None:
    """Raise unless llama.cpp and we give the same ids for difficult texts."""
    for text in SAMPLES:
        if backend.tokenize(text) != words.tokens(text):
            raise EngineError(
                f"{words.path.name} is tokenized differently by llama.cpp and by us ({text!r}), "
                f"so training and serving would not agree.",
                "Use another base model.",
            )


def check_adapters(backend: Backend, adapters: Sequence[Adapter], probe: list[int]) -> None:
    """Raise unless each adapter changes the probabilities of the first token after `probe`.

    Answers are reproducible to the last bit here, so any difference comes from the adapter.
    """
    if not adapters:
        return
    numbers = [adapter.number for adapter in adapters]
    base = _first_token(backend, probe, numbers, None)
    for adapter in adapters:
        adapter.weights(probe)
        if _first_token(backend, probe, numbers, adapter.number) == base:
            raise EngineError(
                f"The adapter {adapter.name} ({adapter.path}) changes nothing: the base's "
                f"answers would be served under its name.",
                "Check that it was trained on this base, and train it again.",
            )


def _first_token(
    backend: Backend, prompt: list[int], numbers: Sequence[int], chosen: int | None
) -> list[tuple[int, float]]:
    answer = backend.complete(
        {
            "prompt": prompt,
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": 5,
            "grammar": ANY_ASCII,
            "id_slot": 0,
            "cache_prompt": False,
            "lora": [
                {"id": number, "scale": 1.0 if number == chosen else 0.0} for number in numbers
            ],
        }
    )
    first = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return [(candidate["id"], candidate["logprob"]) for candidate in first]
