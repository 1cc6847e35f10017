"""A sync as a job. Payload: ``sources`` (list; none: all known), ``collection``, ``rebuild``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from groundtone.catalog import JobEvent

if TYPE_CHECKING:
    from groundtone.jobs.holding import Hold
    from groundtone.syncing import Step
    from groundtone.workspace import Workspace


def carry_out(workspace: Workspace, hold: Hold) -> None:
    """Sync, telling where it stands in ``progress``; its report is in ``progress["report"]``.

    What was finished when it is stopped or killed stays; the next attempt goes on from there.
    """
    payload: dict[str, Any] = hold.job.payload
    options = {"collection": payload["collection"]} if payload.get("collection") else {}

    def tell(step: Step) -> None:
        hold.show(
            done=step.done, of=step.total, chunks=step.chunks, left_s=step.left, page=step.page
        )

    report = workspace.sync(
        *payload.get("sources", ()),
        progress=tell,
        rebuild=bool(payload.get("rebuild")),
        **options,
    )
    told = (
        f"{report.added} added, {report.updated} updated, {report.deleted} deleted, "
        f"{len(report.failed)} failed"
    )
    hold.succeed(JobEvent(told), report=asdict(report))
