"""From probabilities to text: choosing tokens, following a schema, joining bytes, stopping."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from groundtone.chat.metadata import metadata
from groundtone.chat.vocabulary import Vocabulary
from groundtone.errors import EngineError, MissingExtra

TOP_K, TOP_P, MIN_P = 40, 0.95, 0.05
"""llama.cpp's usual chain, in its order."""


_CONTROL = 3


class Chooser:
    """Takes one token after another.

    Args:
        temperature: 0 takes the likeliest; the first of equally likely ones.
        seed: for temperatures above 0.
        form: what the tokens must follow, if anything.
    """

    def __init__(self, temperature: float, seed: int, form: Form | None = None) -> None:
        self._temperature = temperature
        self._random = np.random.default_rng(seed & (2**64 - 1))
        self._form = form

    def take(self, logits: np.ndarray) -> int:
        """Return the next token.

        Args:
            logits: float32, one for each token; changed where a form forbids tokens.
        """
        if self._form is not None:
            self._form.forbid(logits)
        token = int(logits.argmax()) if self._temperature == 0 else self._draw(logits)
        if self._form is not None:
            self._form.took(token)
        return token

    @property
    def complete(self) -> bool:
        """Whether nothing can follow."""
        return self._form is not None and self._form.complete

    def _draw(self, logits: np.ndarray) -> int:
        best = np.argsort(-logits, kind="stable")[:TOP_K]
        kept = logits[best].astype(np.float64)
        odds = np.exp(kept - kept[0])
        odds /= odds.sum()
        count = int(np.searchsorted(np.cumsum(odds), TOP_P)) + 1
        count = min(count, int((odds >= MIN_P * odds[0]).sum()))
        scaled = np.exp((kept[:count] - kept[0]) / self._temperature)
        return int(best[self._random.choice(count, p=scaled / scaled.sum())])


class Spelling:
    """The bytes of each token of a byte-level vocabulary.

    Attributes:
        names: the tokens as the file has them.
        pieces: bytes by token id, empty for special tokens.
        special: ids of the special tokens.
        ends: ids that end an answer.

    Raises:
        EngineError: the vocabulary's way of splitting text is not known.
    """

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        _ = words.tokenizer  # raises where the way of splitting text is not known
        head = metadata(words.path)
        letters = _letters()
        self.names: list[str] = head["tokenizer.ggml.tokens"]
        kinds = head["tokenizer.ggml.token_type"]
        self.special = frozenset(number for number, kind in enumerate(kinds) if kind == _CONTROL)
        self.pieces = [
            b"" if kind == _CONTROL else _bytes(name, letters)
            for name, kind in zip(self.names, kinds, strict=True)
        ]
        turns = {"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", words.eos}
        self.ends = frozenset(number for number in self.special if self.names[number] in turns)

    @cached_property
    def guide(self) -> Any:
        """llguidance's own form of this vocabulary.

        Raises:
            MissingExtra: llguidance is not installed.
        """
        try:
            import llguidance
        except ImportError as error:
            raise MissingExtra("An answer that follows a schema", "openvino") from error
        ends = self._words.eos_id if self._words.eos_id is not None else min(self.ends, default=0)
        return llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Guided(self, ends)))


class _Guided:
    """What llguidance's wrapper asks a tokenizer for."""

    def __init__(self, spelling: Spelling, end: int) -> None:
        self.eos_token_id = end
        self.bos_token_id = None
        self.special_token_ids = sorted(spelling.special)
        self.tokens = [
            name.encode() if number in spelling.special else piece
            for number, (name, piece) in enumerate(
                zip(spelling.names, spelling.pieces, strict=True)
            )
        ]
        self._words = spelling._words

    def __call__(self, text: bytes | str) -> list[int]:
        if isinstance(text, bytes):
            text = text.decode("utf-8", errors="ignore")
        return self._words.tokens(text)


class Form:
    """A JSON schema that the tokens follow, compactly written.

    Raises:
        EngineError: the schema is not valid or asks for what cannot be followed.
    """

    def __init__(self, spelling: Spelling, schema: Mapping[str, Any]) -> None:
        guide = spelling.guide
        import llguidance
        import llguidance.numpy

        self._count = len(spelling.pieces)
        self._apply = llguidance.numpy.apply_token_bitmask_inplace
        self._fill = llguidance.numpy.fill_next_token_bitmask
        self._mask = llguidance.numpy.allocate_token_bitmask(1, self._count)
        try:
            grammar = llguidance.LLMatcher.grammar_from_json_schema(
                json.dumps(dict(schema)), overrides={"whitespace_flexible": False}
            )
            self._matcher = llguidance.LLMatcher(guide, grammar)
            error = self._matcher.get_error()
        except (ValueError, TypeError) as problem:
            error = str(problem)
        if error:
            raise EngineError(
                f"The schema cannot be followed: {error.splitlines()[0]}",
                "Check it, or use one with simpler means.",
            )

    def forbid(self, logits: np.ndarray) -> None:
        """Set the logits of all tokens that cannot come next to minus infinity."""
        self._fill(self._matcher, self._mask, 0)
        self._apply(logits.reshape(1, -1)[:, : self._count], self._mask)

    def took(self, token: int) -> None:
        """Go on behind `token`."""
        self._matcher.consume_token(token)
        if self._matcher.is_error():
            raise EngineError(f"The schema cannot be followed: {self._matcher.get_error()}.")

    @property
    def complete(self) -> bool:
        """Whether nothing can follow."""
        return bool(self._matcher.is_stopped())


class Joiner:
    """Tokens -> pieces of text: whole characters only, and nothing of a stop string.

    Args:
        spelling: the bytes of the tokens.
        stop: texts that end the answer.
    """

    def __init__(self, spelling: Spelling, stop: Sequence[str]) -> None:
        self._pieces = spelling.pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = [text for text in stop if text]
        self._waiting = ""
        self.stopped = False

    def add(self, token: int) -> str:
        """Return the text that is certain now; `stopped` tells that a stop string came."""
        return self._certain(self._decoder.decode(self._pieces[token]))

    def end(self) -> str:
        """Return what was held back."""
        if self.stopped:
            return ""
        text = self._certain(self._decoder.decode(b"", final=True))
        text, self._waiting = text + self._waiting, ""
        return text

    def _certain(self, new: str) -> str:
        text = self._waiting + new
        found = [place for mark in self._stop if (place := text.find(mark)) >= 0]
        if found:
            self.stopped, self._waiting = True, ""
            return text[: min(found)]
        held = max(
            (
                length
                for mark in self._stop
                for length in range(1, min(len(mark), len(text) + 1))
                if text.endswith(mark[:length])
            ),
            default=0,
        )
        cut = len(text) - held
        self._waiting = text[cut:]
        return text[:cut]


def _bytes(name: str, letters: Mapping[str, int]) -> bytes:
    try:
        return bytes(letters[letter] for letter in name)
    except KeyError:  # a token defined by its text
        return name.encode()


def _letters() -> dict[str, int]:
    """The byte that each letter of a byte-level vocabulary stands for (GPT-2's scheme).

    Printable Latin-1 stands for itself; the others follow in order from U+0100 on.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    found = {chr(byte): byte for byte in plain}
    others = [byte for byte in range(256) if byte not in set(plain)]
    found.update({chr(0x100 + place): byte for place, byte in enumerate(others)})
    return found
