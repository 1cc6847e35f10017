"""Folders and files kept in step with the catalog and the index.

Names are loaded when first used: the processes that read files need only a few modules of this
package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundtone.syncing.forgetting import forget
    from groundtone.syncing.report import Change, Progress, Step, SyncReport
    from groundtone.syncing.run import sync

_HOMES = {
    "Change": "report",
    "Progress": "report",
    "Step": "report",
    "SyncReport": "report",
    "forget": "forgetting",
    "sync": "run",
}

__all__ = ["Change", "Progress", "Step", "SyncReport", "forget", "sync"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'groundtone.syncing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"groundtone.syncing.{_HOMES[name]}"), name)
