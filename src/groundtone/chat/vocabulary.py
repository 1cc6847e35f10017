"""A GGUF model's own tokenizer and chat template, without loading its weights.

Training and serving both use this module, so their token ids are equal by construction. It is
checked against llama.cpp's tokenizer in tests/chat/test_vocabulary.py, and at each start of the
engine on a few difficult texts.

Not built from transformers' GGUF reader on purpose: that one drops the digit splitting of the
"smollm" pre-tokenizer, so that runs of spaces before a digit get other ids than in llama.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.chat import Message, check_messages
from groundtone.chat.metadata import metadata
from groundtone.errors import EngineError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_CONTROL, _USER_DEFINED = 3, 4
_SPLITTINGS = (("gpt2", "smollm"), ("gpt2", "gpt-2"))

SAMPLES = (
    "Hello  world, it's 12345.6 (v2.10)!",
    "  7 spaces,\t tab\n\n\n  and   3 lines \r\n",
    "<|im_start|>user\nHow do I reset my password?<|im_end|>\n",
    "Grüße, 東京 — مرحبا 👩\u200d🚀 ½ ² ٣ Ⅷ",
    "def f(x):\n    return x**2  # they'll DON'T",
)
"""Texts on which tokenizers usually disagree: digits, runs of spaces, scripts, special tokens."""


class Vocabulary:
    """Tokenizer and chat template of one GGUF file.

    Attributes:
        known: whether its way of splitting text is one that we can build; llama.cpp itself must
            be asked for tokens otherwise.
        template: the chat template's Jinja source.
        bos, eos: texts of the special tokens, "" where the model has none.
        eos_id: the id that ends an answer.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        head = metadata(self.path)
        self._kind = (head.get("tokenizer.ggml.model"), head.get("tokenizer.ggml.pre"))
        self.known = self._kind in _SPLITTINGS
        self._tokenizer: Tokenizer | None = None
        self.template: str = head.get("tokenizer.chat_template", "")
        tokens = head["tokenizer.ggml.tokens"]
        bos, eos = head.get("tokenizer.ggml.bos_token_id"), head.get("tokenizer.ggml.eos_token_id")
        self.bos: str = tokens[bos] if bos is not None else ""
        self.eos: str = tokens[eos] if eos is not None else ""
        self.eos_id: int | None = eos
        self._compiled: Any = None

    @property
    def tokenizer(self) -> Tokenizer:
        """The ``tokenizers.Tokenizer`` equal to the model's own.

        Raises:
            EngineError: its way of splitting text is not known here.
        """
        if self._tokenizer is None:
            if not self.known:
                known = ", ".join(f"{kind}/{pre}" for kind, pre in _SPLITTINGS)
                raise EngineError(
                    f"{self.path.name} uses the tokenizer {'/'.join(map(str, self._kind))}, which "
                    f"is not known here (known: {known}).",
                    "Tune another base model; for answering alone it can be used.",
                )
            self._tokenizer = _tokenizer(metadata(self.path), str(self._kind[1]))
        return self._tokenizer

    def tokens(self, text: str) -> list[int]:
        """Return the ids of `text`; special tokens in it are parsed, none are added."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def render(self, messages: Sequence[Message]) -> str:
        """Return the prompt of `messages` by the model's template, opened for the answer.

        Raises:
            WrongUse: a message lacks its role or content, or there is none.
            EngineError: the model has no chat template, or it refuses these messages.
        """
        check_messages(messages)
        return self.write(messages)

    @property
    def knows_tools(self) -> bool:
        """Whether the template has a form for tools and for their calls."""
        return "tool_calls" in self.template and "tools" in self.template

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, special tokens shown."""
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    def write(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        opened: bool = True,
    ) -> str:
        """Return messages by the template, calls of tools among them.

        Args:
            tools: those that may be called, as in OpenAI's API.
            opened: whether the beginning of the answer follows.

        Raises:
            EngineError: the model has no chat template, or it refuses these messages.
        """
        import jinja2

        if self._compiled is None:
            self._compiled = _compile(self.path, self.template)
        try:
            text: str = self._compiled.render(
                messages=[dict(message) for message in messages],
                add_generation_prompt=opened,
                **({"tools": [dict(tool) for tool in tools]} if tools else {}),
                bos_token=self.bos,
                eos_token=self.eos,
            )
        except jinja2.TemplateError as error:
            raise EngineError(
                f"The chat template of {self.path.name} refuses these messages: {error}."
            ) from error
        return text


@lru_cache(maxsize=4)
def vocabulary(path: Path) -> Vocabulary:
    """Return the vocabulary of a GGUF file, read once per process."""
    return Vocabulary(path)


def _compile(path: Path, template: str) -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    if not template:
        raise EngineError(
            f"{path.name} holds no chat template.", "Use a model tuned for instructions."
        )

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = refuse
    try:
        return environment.from_string(template)
    except jinja2.TemplateError as error:
        raise EngineError(f"The chat template of {path.name} is not valid: {error}.") from error


def _tokenizer(head: Mapping[str, Any], pre: str) -> Tokenizer:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokens = head["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in head["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(
        models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges)
    )
    tokenizer.pre_tokenizer = (
        pre_tokenizers.Sequence([digits, byte_level]) if pre == "smollm" else byte_level
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, what in zip(tokens, head["tokenizer.ggml.token_type"], strict=True)
            if what in (_CONTROL, _USER_DEFINED)
        ]
    )
    return tokenizer
