"""What tuned models are called: ``ft:<base>:<suffix>:<id>``, or with an organisation, as OpenAI's.

Both spellings mean the same model, whichever it was made with: its id is what tells it apart.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from groundtone.errors import WrongUse

if TYPE_CHECKING:
    from groundtone.catalog import Catalog
    from groundtone.settings import Chat

ORGANISATION = "local"
"""Stands in the names of models that were made through the API, where OpenAI has the account's."""
_CHECKPOINT = re.compile(r":ckpt-step-\d+$")


def tuned_name(base: str, suffix: str, id: str, *, organisation: str = "") -> str:
    """The name of a tuned model.

    >>> tuned_name("smollm2-135m-instruct", "support", "1a2b3c4d")
    'ft:smollm2-135m-instruct:support:1a2b3c4d'
    >>> tuned_name("smollm2-135m-instruct", "", "1a2b3c4d", organisation="local")
    'ft:smollm2-135m-instruct:local::1a2b3c4d'
    >>> tuned_name("gguf:models/Qwen3-0.6B.gguf", "support", "1a2b3c4d")
    'ft:Qwen3-0.6B:support:1a2b3c4d'
    """
    return ":".join(["ft", short(base), *([organisation] if organisation else []), suffix, id])


def means(asked: str, name: str, base: str) -> bool:
    """Whether `asked` may stand for the tuned model `name` of `base`.

    It may be its suffix, its id, its name in the other spelling, or that of its checkpoint.

    >>> name = "ft:base:local:support:1a2b"
    >>> [means(asked, name, "base") for asked in ("support", "1a2b", "ft:base:support:1a2b")]
    [True, True, True]
    >>> [means(asked, name, "base") for asked in ("local", "ft:other:support:1a2b", "")]
    [False, False, False]
    """
    suffix, id = name.rsplit(":", 2)[-2:]
    asked = _CHECKPOINT.sub("", asked)
    if not asked.startswith("ft:"):
        return bool(asked) and asked in (suffix, id)
    for spelled in (short(base), base):
        if asked.startswith(f"ft:{spelled}:"):
            other = asked.removeprefix(f"ft:{spelled}:").split(":")
            return len(other) in (2, 3) and other[-2:] == [suffix, id]
    return False


def meant(model: str | None, catalog: Catalog, settings: Chat) -> str:
    """The full name of the model to use; see `Workspace.model_name`.

    Raises:
        WrongUse: there is no such model.
    """
    base = settings.model
    if model is None:
        return catalog.active_model() or base
    if model in ("base", base, *settings.aliases):
        return base
    if catalog.get_model(model) is not None:
        return model
    tuned = catalog.list_models()
    named = [known.name for known in tuned if means(model, known.name, known.base)]
    if not named:
        raise WrongUse(
            f"There is no model {model!r} here.", "Run `groundtone models list` to see them."
        )
    return named[-1]


def short(base: str) -> str:
    """What a base is called in names: one of a file's path, or of a hub's repository, by its own.

    >>> short("hf:HuggingFaceTB/SmolLM2-360M-Instruct-GGUF")
    'HuggingFaceTB-SmolLM2-360M-Instruct-GGUF'
    """
    if base.startswith("hf:"):
        return base.removeprefix("hf:").partition("#")[0].replace("/", "-")
    if not base.startswith("gguf:"):
        return base
    return PurePath(base.removeprefix("gguf:")).stem.replace(":", "-") or "base"
