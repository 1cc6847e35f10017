"""The checker that the settings name, opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundtone.answering.judging import Checker
    from groundtone.chat import ChatEngine


def open_checker(named: str, folder: Path, chat: Callable[[], ChatEngine]) -> Checker:
    """Open a checker.

    Args:
        named: ``chat`` or ``nli:FOLDER``, as in the setting ``[answer] checker``.
        folder: the workspace's; a relative FOLDER lies under it.
        chat: the engine that judges where `named` is ``chat``.

    Raises:
        WrongUse: the folder holds no model, or none that says which number means entailment.
        MissingExtra, EngineError: it cannot be opened.
    """
    from groundtone.answering.judging import ChatChecker, EntailmentChecker
    from groundtone.reranking import open_entailer

    if named == "chat":
        return ChatChecker(chat)
    model = Path(named.removeprefix("nli:").strip()).expanduser()
    return EntailmentChecker(open_entailer(folder / model))
