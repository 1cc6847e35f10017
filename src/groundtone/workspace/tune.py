"""From a page of examples to a model that has earned its place.

Check → render with the documents → train in a child process → register → load beside the base →
gate. Each step leaves its result in the run's folder, so a run can be followed, cancelled, resumed
and finished from any process.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import groundtone
from groundtone.catalog.models import StoredModel, StoredRun
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.tuning import runs
from groundtone.tuning.recipe import Contexts, Recipe
from groundtone.workspace.bases import INVOCATION as INVOCATION
from groundtone.workspace.gating import measure
from groundtone.workspace.model_names import tuned_name
from groundtone.workspace.preparing import prepare

if TYPE_CHECKING:
    from groundtone.workspace.workspace import Workspace

Event = dict[str, Any]
_SUFFIX = re.compile(r"[\w-]{1,64}")


class Run:
    """One tuning run; made by :func:`start` or :func:`find`."""

    def __init__(self, workspace: Workspace, id: str) -> None:
        self._workspace = workspace
        self.id = id
        self.folder = workspace.state / "runs" / id

    @property
    def status(self) -> str:
        """``running``, ``paused``, ``trained``, ``succeeded``, ``cancelled``, ``failed``, or
        ``interrupted``: killed without a word."""
        stored = self._stored()
        if stored.status != "running":
            return stored.status
        if runs.alive(self.folder):
            return "running"
        told = runs.events(self.folder)
        ended = bool(told) and told[-1]["event"] in runs.ENDS
        return str(told[-1]["event"]) if ended else "interrupted"

    @property
    def model(self) -> str | None:
        """The tuned model's name, once the run has succeeded."""
        return self._stored().model

    def events(
        self, *, seen: int = 0, meanwhile: Callable[[], None] | None = None
    ) -> Iterator[Event]:
        """Follow the run; after ``trained`` the model is registered and gated, then ``done``.

        `meanwhile` is called several times a second while it trains; what it raises ends the
        following, not the run.
        """
        for event in runs.follow(self.folder, seen=seen, meanwhile=meanwhile):
            yield event
            if event["event"] == "trained":
                yield from finish(self._workspace, self)
            elif event["event"] in runs.ENDS:
                self._workspace.catalog.update_run(
                    self.id,
                    status=event["event"],
                    error=event.get("error"),
                    finished_at=None if event["event"] == "paused" else time.time(),
                )

    def wait(self) -> Run:
        """Follow to the end.

        Raises:
            GroundtoneError: the run failed.
        """
        last = deque(self.events(), maxlen=1)[0]
        if last.get("event") == "failed":
            raise GroundtoneError(f"Run {self.id} failed: {last.get('error')}.")
        return self

    def pause(self) -> bool:
        """Stop after the step at hand, with a checkpoint of it; False if it ended meanwhile.

        Raises:
            WrongUse: it is not at work.
        """
        if self.status != "running":
            raise WrongUse(f"Run {self.id} is not at work: it is {self.status}.")
        paused = runs.pause(self.folder)
        if paused:
            self._workspace.catalog.update_run(self.id, status="paused")
        return paused

    def cancel(self) -> bool:
        """End the run; what was checkpointed stays. Returns whether it was at work."""
        stopped = runs.cancel(self.folder)
        self._workspace.catalog.update_run(self.id, status="cancelled", finished_at=time.time())
        return stopped

    def resume(self) -> int:
        """Go on from the last checkpoint; returns how many events had been told before.

        Raises:
            WrongUse: it is at work, or has succeeded.
        """
        if self.status in ("running", "succeeded"):
            raise WrongUse(f"Run {self.id} is {self.status}.", "There is nothing to resume.")
        told = runs.events(self.folder)
        self._workspace.catalog.update_run(self.id, status="running", error=None)
        if told and told[-1]["event"] == "trained":
            return len(told) - 1  # only the gate is missing
        runs.start(self.folder)
        return len(told)

    def _stored(self) -> StoredRun:
        stored = self._workspace.catalog.get_run(self.id)
        if stored is None:
            raise WrongUse(f"There is no run {self.id}.", "Run `groundtone tune status`.")
        return stored


def find(workspace: Workspace, id: str | None = None) -> Run:
    """The run of this id; None is the newest.

    Raises:
        WrongUse: there is none.
    """
    if id is None:
        newest = workspace.catalog.list_runs(limit=1)
        if not newest:
            raise WrongUse("Nothing has been tuned here.", "Start with `groundtone tune run FILE`.")
        id = newest[0].id
    run = Run(workspace, id)
    run._stored()
    return run


def start(
    workspace: Workspace,
    path: Path,
    *,
    suffix: str,
    recipe: Recipe | None = None,
    contexts: Contexts | None = None,
    held_out: Path | None = None,
    validation: Path | None = None,
    limit: int | None = None,
    organisation: str = "",
    id: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Check the examples, render them with the workspace's documents, and start training.

    Args:
        suffix: part of the model's name, up to 64 letters, digits, ``-`` and ``_``; may be empty
            where there is an `organisation`.
        held_out: a questions or examples file that must share nothing with the examples.
        validation: examples to measure on; None holds out a share of those in `path`.
        limit: use only the first so many examples.
        organisation: part of the model's name, as OpenAI's names have it:
            ``ft:<base>:<organisation>:<suffix>:<id>``.
        id: of the run, where the caller must know it before it exists; None draws one.
        contexts: how examples are given documents; `Contexts.none()` trains without any, and then
            needs none in the workspace.
        progress: called with (rendered, total).

    Raises:
        BadExamples: a file has faults; nothing is trained.
        UnusableExamples: nothing of a file can be trained, or measured, on: none of its answers is
            supported by the documents, or tools are called in every example.
        WrongUse: a bad suffix.
        MissingExtra: the ``tune`` extra is not installed.
    """
    check_suffix(suffix, organisation)
    id = id or f"run-{uuid.uuid4().hex[:8]}"
    folder = workspace.state / "runs" / id
    job = prepare(
        workspace,
        path,
        folder,
        recipe=recipe or Recipe(),
        contexts=contexts or Contexts(),
        held_out=held_out,
        validation=validation,
        limit=limit,
        progress=progress,
    )
    job |= {"suffix": suffix, "organisation": organisation}
    (folder / "job.json").write_text(json.dumps(job, indent=1), "utf-8")
    workspace.catalog.put_run(StoredRun(id, "running", settings=job))
    runs.start(folder)
    return Run(workspace, id)


def check_suffix(suffix: str, organisation: str = "") -> None:
    """Raise WrongUse unless a model can be named so."""
    if not (_SUFFIX.fullmatch(suffix) or (organisation and not suffix)):
        raise WrongUse(
            f"The suffix {suffix!r} cannot be part of a model's name.",
            "Use up to 64 letters, digits, '-' and '_'.",
        )


def finish(workspace: Workspace, run: Run) -> Iterator[Event]:
    """Register what a run trained, load it, gate it; yields ``gating`` and ``done``."""
    job = json.loads((run.folder / "job.json").read_text("utf-8"))
    trained = next(e for e in reversed(runs.events(run.folder)) if e["event"] == "trained")
    name = tuned_name(
        job["base"],
        job["suffix"],
        run.id.removeprefix("run-"),
        organisation=job.get("organisation", ""),
    )
    model = StoredModel(
        name=name,
        base=job["base"],
        kind=job["recipe"]["kind"],
        path=f"runs/{run.id}/adapter.gguf",
        data_sha256=job["data_sha256"],
        settings={
            "system": job["system"],
            "recipe": job["recipe"],
            "contexts": job["contexts"],
            "documents": job.get("documents", True),
            "rendered": job["rendered"],
            "examples": job["examples"],
            "base_sha256": job.get("base_sha256"),
            "version": groundtone.__version__,
            "lineage": {"run": run.id, "base": job["base"]},
        },
        metrics={key: value for key, value in trained.items() if key != "event"},
    )
    workspace.catalog.put_model(model)
    try:
        workspace.chat.load(workspace.adapters())  # refuses an adapter that changes nothing
        gate = yield from measure(workspace, name, run.folder)
    except GroundtoneError as error:
        workspace.catalog.delete_model(name)
        workspace.catalog.update_run(
            run.id, status="failed", error=str(error), finished_at=time.time()
        )
        yield {"event": "failed", "error": str(error)}
        return
    workspace.catalog.put_model(replace(model, metrics={**model.metrics, "gate": gate.to_json()}))
    workspace.catalog.update_run(run.id, status="succeeded", model=name, finished_at=time.time())
    yield {
        "event": "done",
        "run": run.id,
        "model": name,
        "gate": gate.to_json(),
        "trained_tokens": trained["trained_tokens"],
        "seconds": trained["seconds"],
    }
