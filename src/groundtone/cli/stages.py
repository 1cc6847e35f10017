"""The stages of the demo. Each is kept when done, so that an interrupted demo goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtone.cli import ask, compare, examples, following, models, sync, synced
from groundtone.cli.output import Output, duration, table
from groundtone.errors import GroundtoneError

if TYPE_CHECKING:
    from groundtone.evaluation.report import Report
    from groundtone.workspace import Workspace
    from groundtone.workspace.tune import Run

STATE = "demo.json"
SUFFIX = "house-style"
ASKED = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done: None is all.

    Attributes:
        examples: to train on. contexts, epochs: of the training.
        questions: put to each arm of the comparison.
    """

    name: str
    examples: int | None
    contexts: int | None
    epochs: int | None
    questions: int | None
    arms: tuple[str, ...]


# Sized for 15 and 4 minutes on two quiet cores.
FULL = Plan("full", 220, 1, 2, 40, ("base", "few-shot", "rag", "tuned", "both"))
QUICK = Plan("quick", 64, 1, 2, 8, ("base", "rag", "tuned", "both"))


class State:
    """What has been done, in the demo's own file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".groundtone" / STATE
        self.values: dict[str, Any] = {}
        if self._path.exists():
            try:
                self.values = json.loads(self._path.read_text("utf-8"))
            except ValueError:
                self.values = {}  # cut off by a kill: every stage looks again

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.values[name] = value
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(self.values, indent=1), "utf-8")
        draft.replace(self._path)


class Stages:
    """Shows which stage is at work and remembers how long each took."""

    def __init__(self, out: Output, count: int) -> None:
        self._out = out
        self._count = count
        self.took: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One stage, timed."""
        self._out.show(f"\n[{len(self.took) + 1}/{self._count}] {name}")
        began = time.monotonic()
        yield
        self.took[name] = round(time.monotonic() - began, 1)
        self._out.line({"event": "stage", "stage": name, "seconds": self.took[name]})


def play(folder: Path, material: Path, plan: Plan, out: Output) -> None:
    """Do, or go on with, the whole demo."""
    from groundtone.workspace import Workspace

    stages = Stages(out, 7)
    with stages.stage("A workspace, and the weights"):
        state = _prepared(folder, material)
        models.bring([], out)
    with Workspace.open(folder) as opened:
        with stages.stage("Documents: read, cut into chunks, embedded, indexed"):
            followed = sync.follow(opened, [folder / "manual"], out)
            out.line({"event": "sync", **synced.as_document(followed)})
            out.show(*synced.shown(followed))
        asked = examples.questions(folder / "questions.jsonl", ASKED)
        with stages.stage("Three questions, answered by the base model from the documents"):
            _ask(opened, asked, "base", state, out)
        with stages.stage("Tuning on the house style, then the gate"):
            done = _tuned(opened, folder, plan, state, out)
        model = done["model"]
        with stages.stage("The same questions, answered by the tuned model"):
            _ask(opened, asked, model, state, out)
        with stages.stage("Measured side by side"):
            report = _compared(opened, folder, plan, model, out)
        with stages.stage("The report"):
            page = report.to_html(folder / f"report-{plan.name}.html")
            out.show(report.table(), f"Written: {page}")
        state["finished"] = plan.name
    _ending(folder, stages, asked, out)
    out.line(
        {
            "event": "done",
            "folder": folder,
            "model": model,
            "gate": done["gate"],
            "verdict": report.verdict,
            "arms": report.to_json()["arms"],
            "html": page,
            "seconds": stages.took,
        }
    )


def end_runs(folder: Path) -> None:
    """End what is at work in a demo that is to be removed."""
    from groundtone.tuning import runs

    for run in (folder / ".groundtone" / "runs").glob("*"):
        runs.cancel(run)


def _prepared(folder: Path, material: Path) -> State:
    """The demo's folder; the marker comes first, so that a half-copied one is known as ours."""
    (folder / ".groundtone").mkdir(parents=True, exist_ok=True)
    state = State(folder)
    if not state["copied"]:
        state["copied"] = False
        examples.copy(material, folder)
        (folder / "groundtone.toml").write_text(examples.settings(folder / "style.toml"), "utf-8")
        state["copied"] = True
    return state


def _ask(workspace: Workspace, questions: list[str], model: str, state: State, out: Output) -> None:
    told: list[str] = (state["asked"] or {}).get(model, [])
    for question in questions:
        if question in told:
            out.show(f"• {question} (answered earlier)")
            continue
        out.show(f"\n• {question}")
        answer = ask.answered(workspace, question, model, out)
        out.line({"event": "answer", "question": question, **answer.to_json()})
        out.show(*("  " + line for line in ask.shown(workspace, answer)))
        told = [*told, question]
        state["asked"] = {**(state["asked"] or {}), model: told}


def _tuned(
    workspace: Workspace, folder: Path, plan: Plan, state: State, out: Output
) -> dict[str, Any]:
    """The plan's run to its end, begun or gone on with; a model that passed is put to use."""
    run, seen = _run(workspace, folder, plan, state, out)
    try:
        done = following.watch(workspace, run, out, seen=seen)
    except KeyboardInterrupt:
        if run.status == "running":
            run.cancel()  # its checkpoint stays
        raise
    if done["event"] != "done":
        raise GroundtoneError(
            f"Tuning ended early: {done.get('error') or done['event']}.",
            "Run `groundtone demo --resume` to go on.",
        )
    out.show(*following.gate_shown(done))
    if done["gate"]["passed"]:
        workspace.use(done["model"])
        out.show(f"In use from now on: {done['model']}")
    else:
        out.show("It is not put to use; the comparison shows why.")
    return done


def _run(
    workspace: Workspace, folder: Path, plan: Plan, state: State, out: Output
) -> tuple[Run, int]:
    from groundtone.tuning.recipe import Contexts, Recipe
    from groundtone.workspace import tune

    key = f"run-{plan.name}"
    stored = workspace.catalog.get_run(state[key]) if state[key] else None
    if stored is not None:
        run = tune.find(workspace, stored.id)
        status = run.status
        if status in ("running", "succeeded"):
            return run, 0
        if status != "failed":
            return run, run.resume()
    recipe, contexts = Recipe(), Contexts()
    if plan.epochs:
        recipe = replace(recipe, epochs=plan.epochs)
    if plan.contexts:
        contexts = replace(contexts, each=plan.contexts)
    with out.bar("Finding passages") as bar:
        run = workspace.tune(
            folder / "style.jsonl",
            suffix=SUFFIX,
            recipe=recipe,
            contexts=contexts,
            held_out=folder / "questions.jsonl",
            limit=plan.examples,
            progress=lambda done, total: bar(done, total, "examples"),
        )
    state[key] = run.id
    return run, 0


def _compared(workspace: Workspace, folder: Path, plan: Plan, model: str, out: Output) -> Report:
    return compare.measured(
        workspace,
        folder / "questions.jsonl",
        out,
        arms=plan.arms,
        tuned=model,
        examples=folder / "style.jsonl" if "few-shot" in plan.arms else None,
        limit=plan.questions,
    )


def _ending(folder: Path, stages: Stages, asked: list[str], out: Output) -> None:
    times = table("stage", "time", right=("time",))
    for name, seconds in stages.took.items():
        times.add_row(name, duration(seconds))
    times.add_row("in all", duration(sum(stages.took.values())))
    out.show("", times)
    out.show(
        f"Go on in this workspace:\n"
        f"  cd {folder}\n"
        f'  groundtone ask "{asked[0]}"\n'
        "  groundtone models list\n"
        "  groundtone compare questions.jsonl --html report.html\n"
        "Or begin with your own documents:\n"
        "  groundtone init my-documents\n"
        "  cd my-documents && groundtone sync FOLDER"
    )
