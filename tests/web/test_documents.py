"""The Documents page: handing in, following, looking at, and taking away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import faults
from tests.web.test_ask import ask

from groundtone import Workspace

pytestmark = pytest.mark.slow


def test_a_file_is_handed_in_found_looked_at_and_deleted(
    site: str, open_page: Any, folder: Path, tmp_path: Path
) -> None:
    note = tmp_path / "plants.md"
    note.write_text("# Office plants\n\nThe ficus is watered every nine days.\n", "utf-8")
    page = open_page(f"{site}/documents")
    page.locator("input[type=file]").set_input_files(note)
    page.get_by_text("In step: 1 added").wait_for()
    page.get_by_role("link", name="Ask", exact=True).click()
    turn = ask(page, "How often is the ficus watered?")
    assert "Office plants" in turn.inner_text()  # what the worker indexed, the server finds
    page.go_back()
    page.get_by_role("link", name="Office plants").click()
    page.get_by_role("heading", name="Office plants").wait_for()
    assert "nine days" in page.locator(".passages").inner_text()
    assert faults(page) == []
    page.get_by_role("link", name="Everything that was understood").click()
    page.get_by_text("ficus").first.wait_for()
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="Delete Office plants").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete Office plants").click()
    page.locator("dialog[open]").get_by_role("button", name="Delete it").click()
    page.get_by_text("In step: 1 deleted").wait_for()
    with Workspace.open(folder) as workspace:
        assert "plants.md" not in {one.path for one in workspace.catalog.documents()}
    assert not (folder / ".groundtone" / "uploads" / "default" / "plants.md").exists()


def test_a_file_that_could_not_be_read_says_why(site: str, open_page: Any) -> None:
    page = open_page(f"{site}/documents")
    failure = page.locator(".failures li")
    assert "broken.pdf" in failure.inner_text()
    assert "damaged" in failure.inner_text()


def test_a_kind_that_nobody_reads_is_not_taken(site: str, open_page: Any, tmp_path: Path) -> None:
    program = tmp_path / "setup.exe"
    program.write_bytes(b"MZ")
    page = open_page(f"{site}/documents")
    page.locator("input[type=file]").set_input_files(program)
    page.get_by_text("was not taken").wait_for()
    open_page.wrong.clear()  # the browser's own note on the 422


def test_a_collection_is_made_filled_and_deleted(
    site: str, open_page: Any, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "menu").mkdir()
    (tmp_path / "menu" / "monday.md").write_text("# Monday\n\nThere is pea soup.\n", "utf-8")
    page = open_page(f"{site}/documents")
    page.get_by_role("button", name="New").click()
    page.locator("dialog[open] input").fill("canteen")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/documents?collection=canteen")
    page.get_by_text("No documents yet").wait_for()
    page.get_by_label("Or keep a folder or a web page in step").fill(str(tmp_path / "menu"))
    page.get_by_role("button", name="Sync", exact=True).click()
    page.get_by_role("link", name="Monday").wait_for()
    with Workspace.open(folder) as workspace:
        made = {one.name: one.documents for one in workspace.collections()}
    assert made["canteen"] == 1
    page.get_by_role("button", name="Delete this collection").click()
    page.locator("dialog[open]").get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/documents?collection=")
    with Workspace.open(folder) as workspace:
        assert "canteen" not in {one.name for one in workspace.collections()}
    assert (tmp_path / "menu" / "monday.md").exists()
