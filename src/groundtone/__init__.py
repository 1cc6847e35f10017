"""groundtone: answers from your documents, in your voice, with both halves measured.

>>> import groundtone
>>> workspace = groundtone.Workspace.create("kb")  # doctest: +SKIP
>>> workspace.sync("manuals/")  # doctest: +SKIP
>>> print(workspace.ask("How do I reset my password?").text)  # doctest: +SKIP

Names are loaded when first used, so that ``import groundtone`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Workspace": "groundtone.workspace",
    "Advice": "groundtone.advice.report",
    "Answer": "groundtone.answering.answer",
    "Citation": "groundtone.answering.answer",
    "Passage": "groundtone.retrieval",
    "GroundtoneError": "groundtone.errors",
    "Report": "groundtone.evaluation.report",
    "support": "groundtone.answering.support",
}
__all__ = [
    "Advice",
    "Answer",
    "Citation",
    "GroundtoneError",
    "Passage",
    "Report",
    "Workspace",
    "support",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'groundtone' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
