"""A comparison as a job.

Payload: ``questions`` (path of a file; null: the answers rated good), and any of :data:`OPTIONS`,
as `groundtone.workspace.compare.compare` takes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.catalog import JobEvent

if TYPE_CHECKING:
    from groundtone.jobs.holding import Hold
    from groundtone.workspace import Workspace

OPTIONS = (
    "arms", "tuned", "seeds", "without_documents", "further", "judge", "skip_leaks", "limit",
    "seed",
)  # fmt: skip


def carry_out(workspace: Workspace, hold: Hold) -> None:
    """Compare; ``progress`` tells the paths of its ``report`` (JSON) and ``page`` (HTML).

    Answers are kept as they come: a next attempt asks only what was not yet answered.
    """
    payload: dict[str, Any] = hold.job.payload
    options = {name: payload[name] for name in OPTIONS if payload.get(name) is not None}

    def tell(done: int, total: int, *_: object) -> None:
        hold.show(done=done, of=total)

    report = workspace.compare(payload.get("questions"), progress=tell, **options)
    folder = workspace.state / "jobs" / hold.job.id
    folder.mkdir(parents=True, exist_ok=True)
    written: Path = folder / "report.json"
    written.write_text(json.dumps(report.to_json()), "utf-8")
    page = report.to_html(folder / "report.html")
    hold.succeed(JobEvent("The comparison is finished"), report=str(written), page=str(page))
