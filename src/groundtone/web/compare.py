"""Base, documents, tuned and both, on your questions: started, followed, read, voted on."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from nicegui import ui
from starlette.exceptions import HTTPException

from groundtone.catalog import JobEvent, StoredFile, StoredJob
from groundtone.errors import GroundtoneError, WrongUse
from groundtone.evaluation.comparing import DEFAULT_ARMS
from groundtone.web.elements import badge, button, choice, empty, field, form, link, node, picture
from groundtone.web.layout import Visit, announce, frame, visit
from groundtone.web.uploads import received, too_large
from groundtone.workspace import ledger
from groundtone.workspace.files import Files

router = APIRouter()
KIND = "compare"
PURPOSE = "questions"
OFTEN = 1.0  # seconds between two looks at the comparisons
SHOWN = 10
ROWS = 60  # questions shown side by side
ARMS = {
    "base": "the model alone",
    "few-shot": "with examples in the prompt",
    "rag": "with documents",
    "tuned": "tuned, without documents",
    "both": "tuned, with documents",
}
# A report brings its own script: it runs, but as if from a site of its own.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


@router.post("/compare/upload", include_in_schema=False)
async def upload(request: Request, name: str) -> Response:
    """Keep a questions file, the request's body."""
    from groundtone.evaluation.questions import load_questions

    here = visit(request)
    if not _may(here):
        return PlainTextResponse("Your key does not allow this.", 403)
    pieces = await received(request, here)
    if pieces is None:
        return too_large(here)

    def keep() -> None:
        files = Files(here.workspace)
        kept = files.add(pieces, name, PURPOSE, owner=here.visitor.key)
        try:
            load_questions(files.path(kept.id))
        except GroundtoneError:
            files.delete(kept.id)
            raise

    try:
        await asyncio.to_thread(keep)
    except GroundtoneError as error:
        return PlainTextResponse(str(error), 422)
    return PlainTextResponse("kept", 201)


@router.get("/compare/{id}/report", include_in_schema=False)
async def report(request: Request, id: str) -> HTMLResponse:
    """The report page of a comparison that has ended."""
    here = visit(request)
    job = await asyncio.to_thread(find, here, id)
    page = Path(str(job.progress.get("page", ""))) if job else None
    if page is None or not page.is_file():
        raise HTTPException(404, "There is no such report.")
    text = await asyncio.to_thread(page.read_text, "utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


def _may(here: Visit) -> bool:
    """Comparisons draw on every document: only for who may see them all."""
    return here.visitor.may("tune") and here.visitor.unlimited


def find(here: Visit, id: str) -> StoredJob | None:
    """A comparison that the visitor may see."""
    job = here.workspace.catalog.get_job(id)
    if job is None or job.kind != KIND or not _may(here):
        return None
    return job if here.visitor.may("admin") or job.owner == here.visitor.key else None


def rows_of(job: StoredJob) -> dict[str, Any]:
    """The report of a finished comparison, as JSON values."""
    found: dict[str, Any] = json.loads(Path(job.progress["report"]).read_text("utf-8"))
    return found


def _look(here: Visit) -> tuple[list[StoredFile], list[StoredJob]]:
    catalog = here.workspace.catalog
    owner = None if here.visitor.may("admin") else here.visitor.key
    files, _ = catalog.list_files(purpose=PURPOSE, owner=owner)
    jobs, _ = catalog.list_jobs(kind=KIND, owner=owner, limit=SHOWN)
    return files, jobs


@ui.page("/compare")
async def compare(request: Request) -> None:
    """Start a comparison, and see those that were made."""
    with frame(request, "compare", "Compare") as here:
        if not _may(here):
            empty("Not with this key", "It needs the scope “tune” and every document.")
            return
        node("h1", "Compare")
        node(
            "p",
            "The same questions to the model alone, with documents, tuned, and both. What is "
            "better is told with its uncertainty, and what it costs.",
            "lead",
        )
        await ComparePage(here).show()


class ComparePage:
    """The page, which follows its comparisons."""

    def __init__(self, here: Visit) -> None:
        self._here = here
        self._chosen = ""
        self._known = ""

    async def show(self) -> None:
        """Make it."""
        with node("section", classes="section"):
            node("h2", "Questions")
            with node("div", classes="drop small-drop", data_upload="/compare/upload?a=1") as zone:
                picture("upload")
                with node("p"):
                    node("span", "Drop a JSONL file of questions with their answers, or ")
                    with node("label", classes="choose"):
                        node("span", "choose one")
                        node("input", type="file", accept=".jsonl", classes="visually-hidden")
            zone.on("sent", self._fill, args=[])
            with node("div", classes="buttons"):
                button("Make one of answers rated good", self._from_answers)
            self._start = node("div")
        with node("section", classes="section"):
            node("h2", "Comparisons")
            self._list = node("div", aria_live="polite")
        await self._fill()
        ui.timer(OFTEN, self._follow)

    async def _fill(self) -> None:
        files, jobs = await asyncio.to_thread(_look, self._here)
        tuned = await asyncio.to_thread(self._here.workspace.catalog.list_models)
        self._start.clear()
        with self._start:
            if files:
                self._make_start(files, bool(tuned))
        self._known = ""
        self._make_list(jobs)

    async def _follow(self) -> None:
        _, jobs = await asyncio.to_thread(_look, self._here)
        self._make_list(jobs)

    def _make_start(self, files: list[StoredFile], tuned: bool) -> None:
        self._chosen = files[0].id
        with form(self._begin, "card"):
            choice("Questions", [(f.id, f.name) for f in files], self._chosen, self._choose)
            with node("fieldset", classes="checks"):
                node("legend", "Ask", "field-label")
                for arm in DEFAULT_ARMS:
                    needs = arm in ("tuned", "both", "few-shot") and not tuned
                    with node("label", classes="check"):
                        node(
                            "input",
                            type="checkbox",
                            name=f"arm-{arm}",
                            checked=not needs,
                            disabled=needs,
                        )
                        more = " (needs a tuned model)" if needs else ""
                        node("span", f"{arm}: {ARMS[arm]}{more}")
            field("At most so many questions", "limit", "50", type="number", min="1")
            with node("div", classes="buttons"):
                node("button", "Compare", "button primary", type="submit")

    def _choose(self, id: str) -> None:
        self._chosen = id

    async def _begin(self, fields: dict[str, str]) -> None:
        here = self._here
        arms = [arm for arm in DEFAULT_ARMS if fields.get(f"arm-{arm}")]

        def work() -> None:
            if not arms:
                raise WrongUse("Choose at least one way of answering.")
            payload = {
                "questions": str(Files(here.workspace).path(self._chosen)),
                "arms": arms,
                "limit": int(fields["limit"]) if fields.get("limit") else None,
            }
            id = f"compare-{secrets.token_hex(8)}"
            job = StoredJob(id, KIND, KIND, payload, owner=here.visitor.key)
            here.workspace.catalog.put_job(job, JobEvent("The comparison is queued"))

        await self._attempt(work, "The comparison is queued.")

    async def _from_answers(self) -> None:
        def work() -> None:
            rows = list(ledger.export(self._here.workspace, "questions"))
            if not rows:
                raise WrongUse("No answer was rated good yet.", "Use the thumbs below answers.")
            body = (line.encode() for line in ledger.lines(iter(rows)))
            owner = self._here.visitor.key
            Files(self._here.workspace).add(body, "answers.jsonl", PURPOSE, owner=owner)

        await self._attempt(work, "Kept as a file.")

    async def _cancel(self, job: StoredJob) -> None:
        catalog = self._here.workspace.catalog
        told = JobEvent("The comparison was cancelled", level="warn")
        await self._attempt(lambda: catalog.cancel_job(job.id, told), "It ends.")

    async def _attempt(self, work: Any, told: str) -> None:
        try:
            await asyncio.to_thread(work)
        except GroundtoneError as error:
            announce(str(error), "bad")
        else:
            announce(told)
        await self._fill()

    def _make_list(self, jobs: list[StoredJob]) -> None:
        known = repr([(job.id, job.state, job.progress.get("done")) for job in jobs])
        if known == self._known:
            return
        self._known = known
        self._list.clear()
        with self._list:
            if not jobs:
                node("p", "Nothing was compared yet.", "note")
            for job in jobs:
                with node("article", classes="card"):
                    self._job(job)

    def _job(self, job: StoredJob) -> None:
        kinds = {"succeeded": "good", "failed": "bad", "running": "busy", "queued": "busy"}
        with node("div", classes="section-head"):
            with node("h3"):
                node("span", f"{', '.join(job.payload.get('arms') or DEFAULT_ARMS)} ")
                badge(job.state, kinds.get(job.state, ""))
            if not job.ended:
                button("Cancel", lambda: self._cancel(job), "quiet")
        if job.error:
            node("p", str(job.error.get("message", "")), "fault")
        done, of = job.progress.get("done", 0), job.progress.get("of", 0)
        if job.state == "running" and of:
            node("p", f"{done:,} of {of:,} answers", "note")
            with node(
                "div",
                classes="progress",
                role="progressbar",
                aria_label="Answers",
                aria_valuenow=done,
                aria_valuemax=of,
            ):
                node("div").style(f"width:{100 * done / of:.0f}%")
        if job.state == "succeeded":
            with node("div", classes="buttons"):
                link("The report", f"/compare/{job.id}/report", "button primary", target="_blank")
                link("Side by side", f"/compare/{job.id}", "button")
                if len(job.payload.get("arms") or DEFAULT_ARMS) > 1:
                    link("Vote", f"/compare/{job.id}/vote", "button")


@ui.page("/compare/{id}")
async def side_by_side(request: Request, id: str) -> None:
    """What every arm said to every question."""
    with frame(request, "compare", "Side by side") as here:
        job = await asyncio.to_thread(find, here, id)
        if job is None or job.state != "succeeded":
            with empty("There is no such comparison", "Or it has not ended."):
                link("Compare", "/compare", "button")
            return
        found = await asyncio.to_thread(rows_of, job)
        link("Compare", "/compare", "text-link")
        node("h1", "Side by side")
        node("p", found["verdict"], "lead")
        for row in found["questions"][:ROWS]:
            with node("article", classes="section"):
                node("h2", row["question"])
                gold = row["answers"][0] if row["answers"] else "The documents do not say."
                node("p", f"Expected: {gold}", "note")
                with node("div", classes="arms"):
                    for arm, result in row["arms"].items():
                        with node("div", classes="card"):
                            with node("h3"):
                                node("span", f"{arm} ")
                                passed = result["passed"]
                                badge("passed" if passed else "failed", "good" if passed else "bad")
                            node("p", result["text"] or "–", "passage-text")
        if len(found["questions"]) > ROWS:
            node("p", f"The first {ROWS} questions; the report has all.", "note")
