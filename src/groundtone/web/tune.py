"""From examples to a model that has earned its place: files, runs, losses, the gate, promotion."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from nicegui import ui

from groundtone.catalog import JobEvent, StoredFile, StoredJob
from groundtone.errors import GroundtoneError
from groundtone.jobs import fine_tuning
from groundtone.web import charts
from groundtone.web import examples as examples_page
from groundtone.web.elements import (
    attribute,
    badge,
    button,
    choice,
    empty,
    field,
    form,
    link,
    node,
    picture,
)
from groundtone.web.layout import Visit, announce, frame, visit
from groundtone.web.uploads import received, too_large
from groundtone.workspace.files import Files

router = APIRouter()
OFTEN = 1.0  # seconds between two looks at the runs
RUNS = 10  # shown
STEPS = 5000  # events of a run that are looked at
STATES = {
    "succeeded": "good",
    "failed": "bad",
    "running": "busy",
    "queued": "busy",
    "validating_files": "busy",
}


@router.post("/tune/upload", include_in_schema=False)
async def upload(request: Request, name: str) -> Response:
    """Keep an examples file, the request's body."""
    here = visit(request)
    if not here.visitor.may("tune"):
        return PlainTextResponse("Your key does not allow this.", 403)
    pieces = await received(request, here)
    if pieces is None:
        return too_large(here)
    try:
        json.loads(next((line for line in b"".join(pieces).splitlines() if line.strip()), b""))
    except ValueError:
        return PlainTextResponse("its first line is no JSON; examples are one object a line", 422)
    add = Files(here.workspace).add
    await asyncio.to_thread(add, pieces, name, examples_page.PURPOSE, owner=here.visitor.key)
    return PlainTextResponse("kept", 201)


@dataclass(frozen=True, slots=True)
class State:
    """What the page shows: files of examples, runs with what they told, the model in use."""

    files: list[StoredFile]
    jobs: list[tuple[StoredJob, list[JobEvent]]]
    active: str


def _look(here: Visit) -> State:
    catalog, visitor = here.workspace.catalog, here.visitor
    owner = None if visitor.may("admin") else visitor.key
    jobs, _ = catalog.list_jobs(kind=fine_tuning.KIND, owner=owner, limit=RUNS)
    told = [(job, catalog.job_events(job.id, limit=STEPS, newest=False)[0]) for job in jobs]
    return State(examples_page.kept(here), told, here.workspace.model_name())


@ui.page("/tune")
async def tune(request: Request) -> None:
    """Examples, a start, and the runs."""
    with frame(request, "tune", "Tune") as here:
        if not here.visitor.may("tune"):
            empty("Not with this key", "Your key does not have the scope “tune”.")
            return
        node("h1", "Tune")
        node(
            "p",
            "Teach the model the form of your answers: their tone, their length, how they cite. "
            "Facts keep coming from the documents. A tuned model is used only when it has proven "
            "itself on examples that it never saw.",
            "lead",
        )
        await TunePage(here).show()


class TunePage:
    """The page, which follows its runs."""

    def __init__(self, here: Visit) -> None:
        self._here = here
        self._known = ""
        self._chosen = ""

    async def show(self) -> None:
        """Make it."""
        state = await asyncio.to_thread(_look, self._here)
        with node("section", classes="section"):
            node("h2", "1. Examples")
            self._files = node("div")
            with node("div", classes="drop small-drop", data_upload="/tune/upload?a=1") as zone:
                picture("upload")
                with node("p"):
                    node("span", "Drop a JSONL file of examples, or ")
                    with node("label", classes="choose"):
                        node("span", "choose one")
                        node("input", type="file", accept=".jsonl", classes="visually-hidden")
                node(
                    "p",
                    "OpenAI's chat format: a question and the answer you would have given, ten or "
                    "more.",
                    "hint",
                )
            zone.on("sent", self._fill, args=[])
            with node("div", classes="buttons"):
                button("Make one of rated and corrected answers", self._from_answers)
                if self._here.visitor.unlimited:
                    button("Draft some from the documents", self._draft)
        with node("section", classes="section"):
            node("h2", "2. Train")
            self._start = node("div")
        with node("section", classes="section"):
            node("h2", "3. Runs")
            self._runs = node("div", aria_live="polite")
        self._make(state)
        ui.timer(OFTEN, self._follow)

    async def _fill(self) -> None:
        self._known = ""
        self._make(await asyncio.to_thread(_look, self._here))

    async def _follow(self) -> None:
        state = await asyncio.to_thread(_look, self._here)
        known = self._print(state)
        if known != self._known:
            self._known = known
            self._make_runs(state)

    @staticmethod
    def _print(state: State) -> str:
        jobs = [(job.id, job.state, job.lane, len(events)) for job, events in state.jobs]
        return repr((jobs, state.active))

    def _make(self, state: State) -> None:
        self._files.clear()
        with self._files:
            if not state.files:
                node("p", "There are none yet.", "note")
            with node("ul", classes="rows"):
                for file in state.files:
                    with node("li", classes="source-row"):
                        with link("", f"/tune/examples/{file.id}", "row-link"):
                            node("span", file.name, "title")
                            node("span", f"{file.bytes:,} bytes", "where")
                        button(
                            "",
                            lambda id=file.id: self._delete(id),
                            "quiet",
                            icon="delete",
                            aria_label=f"Delete {file.name}",
                        )
        self._start.clear()
        with self._start:
            self._make_start(state)
        self._known = self._print(state)
        self._make_runs(state)

    def _make_start(self, state: State) -> None:
        if not state.files:
            node("p", "Hand in examples first.", "note")
            return
        self._chosen = state.files[0].id
        with form(self._begin, "card"):
            names = [(file.id, file.name) for file in state.files]
            choice("Examples", names, self._chosen, self._choose)
            field(
                "Name",
                "suffix",
                "house-style",
                hint="Part of the model's name: letters, digits and '-'.",
                pattern="[A-Za-z0-9_\\-]{1,40}",
                required=True,
            )
            field(
                "Rounds through the examples",
                "epochs",
                hint="Empty: what the recipe takes.",
                type="number",
                min="1",
                max="20",
            )
            with node("div", classes="buttons"):
                node("button", "Start training", "button primary", type="submit")

    def _choose(self, id: str) -> None:
        self._chosen = id

    async def _begin(self, fields: dict[str, str]) -> None:
        here = self._here
        chosen = {"n_epochs": int(fields["epochs"])} if fields.get("epochs") else {}

        def work() -> StoredJob:
            return fine_tuning.create(
                here.workspace,
                model=here.workspace.settings.chat.model,
                training_file=self._chosen,
                suffix=fields["suffix"].strip(),
                hyperparameters=chosen,
                owner=here.visitor.key,
                limited=not here.visitor.unlimited,
            )

        await self._attempt(work, "The run is queued.")

    async def _from_answers(self) -> None:
        await self._attempt(lambda: examples_page.from_answers(self._here), "Kept as a file.")

    async def _draft(self) -> None:
        announce("Drafting; every draft is checked against its passage …")
        try:
            file = await asyncio.to_thread(examples_page.drafted, self._here)
        except GroundtoneError as error:
            announce(str(error), "bad")
        else:
            ui.navigate.to(f"/tune/examples/{file.id}")

    async def _delete(self, id: str) -> None:
        await self._attempt(lambda: Files(self._here.workspace).delete(id), "Deleted.")

    # -- runs -------------------------------------------------------------------------------

    def _make_runs(self, state: State) -> None:
        self._runs.clear()
        with self._runs:
            if not state.jobs:
                node("p", "Nothing was trained yet.", "note")
            for job, events in state.jobs:
                with node("article", classes="card"):
                    self._run(job, events, state.active)

    def _run(self, job: StoredJob, events: list[JobEvent], active: str) -> None:
        status = fine_tuning.status(job)
        model = job.progress.get("model")
        with node("div", classes="section-head"):
            with node("h3", classes="run-name"):
                node("span", f"{job.payload.get('suffix') or job.id} ")
                badge(status.replace("_", " "), STATES.get(status, ""))
            self._controls(job)
        if job.error:
            node("p", str(job.error.get("message", "")), "fault")
        steps = [event.data for event in events if event.kind == "metrics" and "step" in event.data]
        _loss(steps)
        if events:
            node("p", events[-1].message, "note")
        if job.state == "succeeded" and model:
            self._outcome(job, str(model), active)

    def _controls(self, job: StoredJob) -> None:
        with node("div"):
            if job.state in ("queued", "running"):
                button("Pause", lambda: self._steer(fine_tuning.pause, job, "Paused."), "quiet")
            if job.state == "paused":
                button("Resume", lambda: self._steer(fine_tuning.resume, job, "Going on."), "quiet")
            if not job.ended:
                button("Cancel", lambda: self._steer(fine_tuning.cancel, job, "Ended."), "quiet")

    async def _steer(self, how: Any, job: StoredJob, told: str) -> None:
        await self._attempt(lambda: how(self._here.workspace, job.id, job.owner), told)

    def _outcome(self, job: StoredJob, model: str, active: str) -> None:
        gate = job.progress.get("gate") or {}
        with node("div", classes=f"gate {'passed' if gate.get('passed') else 'refused'}"):
            node("strong", "The gate: passed" if gate.get("passed") else "The gate: refused")
            with node("ul"):
                for reason in gate.get("reasons", ()):
                    node("li", str(reason))
        node("p", model, "path")
        if not self._here.visitor.may("admin"):
            return
        with node("div", classes="buttons"):
            if active == model:
                badge("in use", "good")
                button("Go back to the model before", self._rollback)
            else:
                use = button("Use this model", lambda: self._use(model), "primary")
                attribute(use, disabled=not gate.get("passed"))

    async def _use(self, model: str) -> None:
        await self._attempt(lambda: self._here.workspace.use(model), "It answers from now on.")

    async def _rollback(self) -> None:
        await self._attempt(self._here.workspace.rollback, "The model before answers again.")

    async def _attempt(self, work: Any, told: str) -> None:
        try:
            await asyncio.to_thread(work)
        except GroundtoneError as error:
            announce(str(error), "bad")
        else:
            announce(told)
        await self._fill()


def _loss(steps: list[Any]) -> None:
    """The losses so far, a line each."""
    train = [(float(one["step"]), float(one["train_loss"])) for one in steps]
    valid = [
        (float(one["step"]), float(one["valid_loss"]))
        for one in steps
        if one.get("valid_loss") is not None
    ]
    if train:
        series = [("training loss", train)]
        if valid:
            series.append(("held-out loss", valid))
        charts.lines("Loss by step", series, x_name="steps")
