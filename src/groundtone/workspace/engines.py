"""The chat engine that a workspace's settings name: on this machine, elsewhere, or a fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from groundtone.chat import ChatEngine, open_chat
from groundtone.workspace import bases

if TYPE_CHECKING:
    from groundtone.settings import Chat


def open_engine(chat: Chat) -> ChatEngine:
    """Open it; adapters are for the caller to load.

    Raises:
        WrongUse: the model has none of the known forms, or a fleet is to serve a base of which
            there is no file here.
        MissingModel, DamagedModel, MissingExtra, EngineError: it cannot be opened now.
    """
    if not chat.fleet:
        return open_here(chat)
    from groundtone.chat.fleet import FleetEngine

    url, _, served = chat.fleet.partition("#")

    def local(adapters: dict[str, Path]) -> ChatEngine:
        engine = open_here(chat)
        engine.load(adapters)
        return engine

    return FleetEngine(
        bases.base_file(chat.model),
        name=chat.model,
        url=url,
        served=served,
        local=local,
        unproven=chat.unproven,
        context_tokens=chat.context_tokens,
        parallel=chat.parallel or 16,
        timeout=chat.timeout,
    )


def open_here(chat: Chat) -> ChatEngine:
    """The engine that ``model`` names, whatever fleet there is."""
    return open_chat(
        chat.model,
        context_tokens=chat.context_tokens,
        threads=chat.threads,
        parallel=chat.parallel,
        timeout=chat.timeout,
    )
