"""Tune, Compare, Advise and Settings, walked through as a person would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import faults

from groundtone import Workspace
from groundtone.catalog import JobEvent, StoredJob
from groundtone.workspace.files import Files

pytestmark = pytest.mark.slow


def example(question: str, answer: str) -> str:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns}) + "\n"


def test_examples_show_their_faults_and_are_edited_and_dropped(
    site: str, open_page: Any, tmp_path: Path
) -> None:
    lines = [example(f"What is rule {n}?", f"Rule {n} says be kind.") for n in range(12)]
    lines[4] = '{"messages": [{"role": "user", "content": "Half a turn"}]}\n'
    (tmp_path / "rules.jsonl").write_text("".join(lines), "utf-8")
    page = open_page(f"{site}/tune")
    page.locator("input[type=file]").set_input_files(tmp_path / "rules.jsonl")
    page.get_by_role("link", name="rules.jsonl").click()
    page.get_by_text("Line 5", exact=True).wait_for()
    first = page.locator(".examples li").first
    assert "Line 5" in first.inner_text() and first.locator(".in-place.bad").count() >= 1
    assert faults(page) == []
    page.get_by_role("button", name="Drop line 5").click()
    page.get_by_text("11 lines, no faults").wait_for()
    card = page.locator(".examples li", has_text="What is rule 11?")
    card.get_by_role("button", name="Edit").click()
    card.get_by_label("Answer").fill("Rule 11 says listen.")
    card.get_by_role("button", name="Save").click()
    page.get_by_text("Rule 11 says listen.").first.wait_for()


def test_examples_are_drafted_from_the_documents(site: str, open_page: Any) -> None:
    page = open_page(f"{site}/tune")
    page.get_by_role("button", name="Draft some from the documents").click()
    page.get_by_role("heading", name="drafted.jsonl").wait_for()
    assert page.locator(".examples li").count() > 10
    first = page.locator(".examples li").last
    first.get_by_text("What the model reads, and what it learns").click()
    learned = first.locator(".mask-part.learned")
    learned.wait_for()
    assert learned.locator("pre").inner_text().strip().endswith("<|im_end|>")
    assert faults(page) == []


def test_a_run_shows_its_losses_its_gate_and_can_be_cancelled(
    site: str, open_page: Any, folder: Path
) -> None:
    payload: dict[str, Any] = {
        "model": "smollm2-135m-instruct",
        "training_file": "file-none",
        "validation_file": None,
        "suffix": "told",
        "seed": 1,
        "hyperparameters": {},
        "metadata": None,
        "groundtone": {},
    }
    steps = [
        JobEvent(f"Step {n}", kind="metrics", data={"step": n, "train_loss": 3 - n / 10})
        for n in range(1, 20)
    ]
    gate = {"passed": False, "reasons": ["house style kept in 3% of held-out answers: refused"]}
    with Workspace.open(folder) as workspace:
        done = StoredJob(
            "ftjob-done", "tune", "tune", payload, state="succeeded",
            progress={"model": "ft:smollm2-135m-instruct:told:1", "gate": gate},
        )  # fmt: skip
        workspace.catalog.put_job(done, *steps)
        waiting = {**payload, "suffix": "waiting"}
        # In no worker's lane: it waits until somebody cancels it.
        workspace.catalog.put_job(StoredJob("ftjob-waits", "tune", "nowhere", waiting))
    page = open_page(f"{site}/tune")
    run = page.locator("article", has_text="told")
    run.locator("svg polyline").first.wait_for()
    assert "The gate: refused" in run.inner_text()
    assert run.get_by_role("button", name="Use this model").is_disabled()
    assert faults(page) == []
    waits = page.locator("article", has_text="waiting")
    waits.get_by_role("button", name="Pause").click()
    waits.get_by_role("button", name="Resume").click()
    waits.get_by_role("button", name="Cancel").click()
    waits.get_by_text("cancelled", exact=True).wait_for()


def finished(folder: Path) -> str:
    """A comparison that has ended, of two arms and two questions; its id."""
    with Workspace.open(folder) as workspace:
        id = "compare-finished"
        if workspace.catalog.get_job(id) is None:
            kept = workspace.state / "jobs" / id
            kept.mkdir(parents=True)
            rows = [
                {
                    "id": f"q{n}",
                    "question": f"Question {n}?",
                    "answers": ["yes"],
                    "arms": {
                        "base": {"text": f"plainly {n}", "passed": False},
                        "rag": {"text": f"<b>cited</b> {n}", "passed": True},
                    },
                }
                for n in (1, 2)
            ]
            report = {"verdict": "rag is better here.", "questions": rows}
            (kept / "report.json").write_text(json.dumps(report), "utf-8")
            (kept / "report.html").write_text("<title>Report</title><h1>The report</h1>", "utf-8")
            told = {"report": str(kept / "report.json"), "page": str(kept / "report.html")}
            payload = {"questions": "none", "arms": ["base", "rag"]}
            workspace.catalog.put_job(
                StoredJob(id, "compare", "compare", payload, state="succeeded", progress=told)
            )
    return id


def test_two_arms_are_seen_side_by_side_and_voted_on_blind(
    site: str, open_page: Any, folder: Path
) -> None:
    id = finished(folder)
    page = open_page(f"{site}/compare")
    page.get_by_role("link", name="Side by side").first.click()
    page.get_by_text("rag is better here.").wait_for()
    assert page.get_by_text("<b>cited</b> 1").count() == 1
    assert faults(page) == []
    page.goto(f"{site}/compare/{id}/vote")
    for n in (1, 2):
        page.get_by_role("heading", name=f"Question {n}?").wait_for()
        cards = page.locator(".arms .card")
        assert "base" not in cards.first.inner_text() and "rag" not in cards.first.inner_text()
        cards.filter(has_text="cited").get_by_role("button").click()
    page.get_by_text("No proven preference").wait_for()
    with Workspace.open(folder) as workspace:
        votes = workspace.catalog.list_votes(id)
    assert [(vote.question, vote.preferred) for vote in votes] == [("q1", "rag"), ("q2", "rag")]
    answer = page.context.request.get(f"{site}/compare/{id}/report")
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_a_comparison_is_started_from_a_file_of_questions(
    site: str, open_page: Any, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text("not JSON\n", "utf-8")
    (tmp_path / "asked.jsonl").write_text(
        '{"id": "a", "question": "How big may a profile photo be?", "answers": ["4 MB"]}\n', "utf-8"
    )
    page = open_page(f"{site}/compare")
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.jsonl")
    page.get_by_text("was not taken").wait_for()
    open_page.wrong.clear()  # the browser's own note on the 422
    page.locator("input[type=file]").set_input_files(tmp_path / "asked.jsonl")
    page.get_by_label("At most so many questions").fill("1")
    page.get_by_label("base: the model alone").uncheck()
    assert faults(page) == []
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator("article", has_text="rag").get_by_role("link", name="Vote").or_(
        page.locator("article h3", has_text="rag")
    ).first.wait_for()
    with Workspace.open(folder) as workspace:
        jobs, _ = workspace.catalog.list_jobs(kind="compare")
        started = next(job for job in jobs if job.id != "compare-finished")
        assert started.payload["arms"] == ["rag"] and started.payload["limit"] == 1
        assert Files(workspace).path(Path(started.payload["questions"]).name).is_file()
        workspace.catalog.cancel_job(started.id)


def test_advice_changes_with_what_is_said(site: str, open_page: Any) -> None:
    page = open_page(f"{site}/advise")
    page.locator(".verdict").wait_for()
    assert page.locator(".known .badge").count() >= 1  # what the workspace shows is filled in
    assert faults(page) == []
    for question in ("Do answers need facts", "Must answers cite"):
        group = page.get_by_role("group", name=question)
        group.get_by_label("Yes").check()
    page.get_by_label("How many questions are asked in a month?").fill("many")
    page.get_by_role("button", name="Advise again").click()
    page.get_by_text("is no answer").wait_for()
    page.get_by_label("How many questions are asked in a month?").fill("2000")
    page.get_by_role("button", name="Advise again").click()
    page.get_by_text("The advice is up to date.").wait_for()
    page.reload()
    page.locator(".verdict").wait_for()
    asked = page.get_by_label("How many questions are asked in a month?")
    assert asked.input_value() == "2000"


def test_settings_show_models_prices_and_every_value(site: str, open_page: Any) -> None:
    for wide, scheme in ((1280, "light"), (390, "dark")):
        page = open_page(f"{site}/settings", wide=wide, scheme=scheme)
        page.get_by_role("heading", name="Everything that is set").wait_for()
        page.get_by_text("in use").first.wait_for()
        page.get_by_text("answer", exact=True).click()
        page.get_by_text("evidence_below").wait_for()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
