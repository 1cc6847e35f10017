"""The Ask page, walked through as a person would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import faults, keep_answer

from groundtone import Workspace

QUESTION = "Which key changes the number of database connections?"
pytestmark = pytest.mark.slow


def ask(page: Any, question: str) -> Any:
    """Ask by keyboard; the finished turn."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn").last
    turn.locator(".tools").wait_for(timeout=240_000)  # a busy machine writes slowly
    return turn


def test_a_question_is_answered_with_sentences_that_open(site: str, open_page: Any) -> None:
    page = open_page(site)
    turn = ask(page, QUESTION)
    assert turn.locator(".question").inner_text() == QUESTION
    turn.locator(".chip, .entry").first.click()
    page.locator(".source .page-text, .source .sheet").first.wait_for()
    assert faults(page) == []


def test_a_question_asked_before_is_asked_again_and_can_be_stopped(
    site: str, open_page: Any, folder: Path
) -> None:
    keep_answer(folder, "What does the Team plan include?", "The Team plan includes 25 queues.")
    page = open_page(site)
    page.get_by_role("button", name="What does the Team plan include?").click()
    page.locator(".turn .question").wait_for()
    page.locator(".turn .tools, .composer .send[aria-label='Stop']:visible").first.wait_for()
    page.evaluate("document.querySelector('.composer .send[aria-label=Stop]').click()")
    page.wait_for_function(
        "document.querySelector('.composer .send[aria-label=Ask]').hidden === false"
    )
    assert page.locator(".turn").count() == 1


def test_a_sentence_opens_the_page_of_the_pdf_that_it_rests_on(
    site: str, open_page: Any, folder: Path
) -> None:
    id = keep_answer(folder, QUESTION, "Set the key db.pool to change the number of connections.")
    page = open_page(f"{site}/answer/{id}")
    chip = page.locator(".chip").first
    chip.wait_for()
    assert "Installation Guide" in chip.get_attribute("aria-label")
    chip.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Source")
    panel.locator(".sheet img").wait_for()
    page.wait_for_function("document.querySelector('.sheet img')?.naturalWidth > 400")
    sheet, passage, words = (
        panel.locator(one).first.bounding_box() for one in (".sheet", ".passage", ".words")
    )
    assert sheet["y"] < passage["y"] < words["y"] < passage["y"] + passage["height"]
    assert sheet["x"] < words["x"] < sheet["x"] + sheet["width"]
    panel.get_by_text("The same as text").click()
    assert "db.pool" in panel.locator("mark").first.inner_text()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.classList.contains('chip')")
    assert not panel.is_visible()


def test_text_is_marked_where_the_sentence_stands_on_a_phone_in_the_dark(
    site: str, open_page: Any, folder: Path
) -> None:
    quote = "The Team plan includes 25 queues."
    page = open_page(
        f"{site}/answer/{keep_answer(folder, 'Queues?', quote)}", wide=390, scheme="dark"
    )
    page.locator(".chip").first.click()
    mark = page.locator(".source mark").first
    mark.wait_for()
    assert mark.inner_text() == quote
    page.wait_for_function(
        "(() => { const box = document.querySelector('.source mark').getBoundingClientRect();"
        " return box.top >= 0 && box.bottom <= innerHeight; })()"
    )
    assert faults(page) == []
    page.get_by_role("button", name="Close the source").click()
    page.get_by_text("1 sentence left out").click()
    assert page.get_by_text("Pigs fly.").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_rows_of_a_spreadsheet_are_a_table(site: str, open_page: Any, folder: Path) -> None:
    page = open_page(f"{site}/answer/{keep_answer(folder, 'Chairs?', 'Northern desk,417')}")
    page.locator(".chip").first.click()
    row = page.locator(".source tr.cited")
    row.wait_for()
    assert row.locator("td").all_inner_texts() == ["Northern desk", "417"]


def test_a_rating_a_correction_and_a_link_that_can_be_shared(
    site: str, open_page: Any, folder: Path
) -> None:
    question = "How many seats are free?"
    id = keep_answer(folder, question, "The Starter plan includes 10 boards.")
    page = open_page(f"{site}/answer/{id}")
    turn = page.locator(".turn")
    bad = turn.get_by_role("button", name="Not a good answer")
    bad.click()
    turn.get_by_label("What should it have said?").fill("It never expires.")
    turn.get_by_role("button", name="Keep the correction").click()
    page.get_by_text("Kept as an example to tune on.").last.wait_for()
    page.wait_for_function("document.querySelector('.correction').hidden")
    with Workspace.open(folder) as workspace:
        stored = workspace.catalog.find_answers(id)[0]
        assert stored.rating == "bad"
        assert workspace.catalog.corrections([stored.id]) == {stored.id: "It never expires."}
    page.goto(f"{site}/history")
    page.get_by_role("link", name=question).first.click()
    page.get_by_role("heading", name=question).wait_for()
    assert page.url.endswith(id)


def test_what_the_documents_do_not_say_is_refused_with_the_nearest_passages(
    site: str, open_page: Any
) -> None:
    page = open_page(site)
    turn = ask(page, "zzyzx qwertz plugh?")
    assert turn.locator(".refusal").inner_text() == "The documents do not answer this question."
    turn.locator(".nearest .entry").first.click()
    page.locator(".source .page-text, .source .sheet").first.wait_for()


@pytest.mark.parametrize("path", ["/", "/history", "/documents"])
@pytest.mark.parametrize("wide", [390, 1280])
def test_a_page_can_be_used_by_everybody(
    site: str, open_page: Callable[..., Any], path: str, wide: int
) -> None:
    for scheme in ("light", "dark"):
        page = open_page(site + path, wide=wide, scheme=scheme)
        page.locator("#content h1").first.wait_for()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
