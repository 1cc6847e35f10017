"""The base model of a workspace as tuning needs it: its file, and where a user's turn begins."""

from __future__ import annotations

from pathlib import Path

from groundtone.chat import ChatEngine
from groundtone.chat.metadata import metadata
from groundtone.errors import WrongUse

INVOCATION = "\n<|im_start|>user\n"
"""From its last occurrence on an activated adapter works. The line break before is part of it, for
llama.cpp is given all but the first token: a line that says "user" must not look like a turn."""
_VOICE, _ASKED = "QZVOICEQZ", "QZASKEDQZ"


def base_file(model: str) -> Path:
    """The GGUF file of a base that can be tuned here: a known name, ``gguf:PATH``, or
    ``hf:ORG/NAME``.

    Raises:
        WrongUse: it answers from elsewhere, or there is no such file.
        MissingModel, DamagedModel: it has not been fetched, or is not what it was.
    """
    from groundtone import weights

    if model.startswith("gguf:"):
        path = Path(model.removeprefix("gguf:")).expanduser()
        if not path.is_file():
            raise WrongUse(f"There is no file {path}.", "Correct chat.model in groundtone.toml.")
        return path
    if model.startswith("hf:"):
        from groundtone.weights import hub

        return hub.path(model)
    if model not in weights.KNOWN or weights.path(model).suffix != ".gguf":
        raise WrongUse(
            f"{model} cannot be tuned on this machine.",
            f"Set chat.model in groundtone.toml to {', '.join(_tunable())}, gguf:PATH or "
            "hf:ORG/NAME.",
        )
    return weights.path(model)


def invocation(chat: ChatEngine) -> list[int]:
    """The ids that begin the user's turn in this model's template, after the system message.

    Empty where the template sets nothing between them, as Gemma's does: an activated adapter would
    have nothing to be switched on by.
    """
    messages = [{"role": "system", "content": _VOICE}, {"role": "user", "content": _ASKED}]
    text = chat.render(messages)
    if _VOICE not in text or text.find(_ASKED) < text.find(_VOICE):
        return []
    between = text[text.index(_VOICE) + len(_VOICE) : text.index(_ASKED)]
    if INVOCATION in between:
        return chat.tokens(INVOCATION)
    return chat.tokens(between) if between.strip() else []


def end_of_turn(path: Path) -> str:
    """The special token that ends an answer: the end of a turn, else that of a text."""
    head = metadata(path)
    tokens = head["tokenizer.ggml.tokens"]
    for key in ("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eos_token_id"):
        if head.get(key) is not None:
            return str(tokens[head[key]])
    raise WrongUse(f"{path.name} names no token that ends an answer.", "Choose another base model.")


def _tunable() -> list[str]:
    from groundtone import weights

    return [name for name, entry in weights.KNOWN.items() if entry.job == "chat"]
