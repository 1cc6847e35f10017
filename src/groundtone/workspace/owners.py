"""Whose tuned models are whose, where keys are limited to some documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

MOST = 10_000  # jobs that are looked at, newest first


def hidden_models(workspace: Workspace, key: str | None) -> set[str]:
    """Tuned models that must not be seen: what keys limited to some documents have trained.

    A model may repeat what it was trained on. One of the owner's, or of a key that is not limited,
    is for everybody.

    Args:
        key: id of the one who asks, a key that is limited itself; None: nothing is hidden.
    """
    if key is None:
        return set()
    limited = {
        one.id
        for one in workspace.catalog.list_keys()
        if one.id != key and (one.collections is not None or one.groups is not None)
    }
    jobs, _ = workspace.catalog.list_jobs(kind="tune", states=("succeeded",), limit=MOST)
    return {str(job.progress.get("model")) for job in jobs if job.owner in limited}
