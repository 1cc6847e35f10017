"""How far a sync is, and how it ended, for people."""

from __future__ import annotations

from typing import Any

from groundtone.web.elements import node
from groundtone.web.syncs import Progress


def show(progress: Progress) -> None:
    """Put it where elements are being made."""
    told = progress.told
    if progress.ended:
        if progress.state == "succeeded":
            node("p", _told(told["report"]))
        else:
            node("p", progress.error or f"The sync was {progress.state}.", "fault", role="alert")
        return
    with node("div", classes="card"):
        node("p", f"Syncing {progress.what}", "title")
        done, of = told.get("done", 0), told.get("of", 0)
        if progress.state == "queued":
            node("p", "Waiting for the worker beside the server …", "note")
        elif told.get("page"):
            node("p", f"Fetching page {done} of {of}: {told['page']}", "note")
        elif not of:
            node("p", "Looking what has changed …", "note")
        else:
            left = f" · {told['left_s']:.0f} s left" if told.get("left_s") else ""
            passages = f"{told.get('chunks', 0):,} passages"
            node("p", f"{done:,} of {of:,} files · {passages}{left}", "note")
            bar = node(
                "div",
                classes="progress",
                role="progressbar",
                aria_label="Files",
                aria_valuenow=done,
                aria_valuemax=of,
            )
            with bar:
                node("div").style(f"width:{100 * done / of:.0f}%")


def _told(report: dict[str, Any]) -> str:
    counts = [(report[word], word) for word in ("added", "updated", "moved", "deleted")]
    counts.append((len(report["failed"]), "could not be read"))
    told = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    return f"In step: {told or 'nothing had changed'} ({report['seconds']:.1f} s)."
