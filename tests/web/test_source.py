"""The page that a citation in another program opens: the place itself, marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import faults

from groundtone import Workspace

pytestmark = pytest.mark.slow


def place(folder: Path, path: str, quote: str) -> str:
    """The address of a quote."""
    with Workspace.open(folder) as workspace:
        catalog = workspace.catalog
        document = next(one for one in catalog.documents() if one.path == path)
        start = catalog.text(document.version).index(quote)
        return f"/source/{document.version}?at={start}-{start + len(quote)}"


def test_a_citation_opens_where_its_words_stand(site: str, open_page: Any, folder: Path) -> None:
    quote = "A quokka sleeps for 19 hours."
    page = open_page(site + place(folder, "quokka <b>care<.md", quote))
    marked = page.locator("mark")
    marked.wait_for()
    assert marked.inner_text() == quote
    assert "Care" in page.locator(".where").first.inner_text()
    assert page.title() == "Source · groundtone"
    assert faults(page) == []


def test_what_stands_far_down_is_scrolled_to(site: str, open_page: Any, folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        catalog = workspace.catalog
        document = next(
            one for one in catalog.documents() if one.path == "account-management-guide.md"
        )
        start = catalog.chunks(document.version)[-1].start
    page = open_page(f"{site}/source/{document.version}?at={start}-{start + 40}")
    page.wait_for_function("window.scrollY > 100")
    top = page.locator("mark").first.bounding_box()["y"]
    assert 0 < top < 800


def test_a_pdf_is_shown_as_its_page(site: str, open_page: Any, folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        catalog = workspace.catalog
        document = next(one for one in catalog.documents() if one.path == "installation-guide.pdf")
        chunk = catalog.chunks(document.version)[-1]
    page = open_page(f"{site}/source/{document.version}?at={chunk.start}-{chunk.start + 30}")
    page.locator(".sheet img").wait_for()
    assert f"page {chunk.page}" in page.locator(".where").first.inner_text()
    assert page.locator(".frame").count() >= 1
    assert faults(page) == []


@pytest.mark.parametrize("address", ["/source/nothing?at=1-2", "/source/nothing"])
def test_what_is_gone_is_told(site: str, open_page: Any, address: str) -> None:
    page = open_page(site + address)
    page.get_by_text("There is no such source").wait_for()


@pytest.mark.parametrize("at", ["", "?at=x", "?at=9-3", "?at=999999-1999999"])
def test_an_odd_place_shows_the_document(site: str, open_page: Any, folder: Path, at: str) -> None:
    address = place(folder, "seats.csv", "Northern desk").partition("?")[0]
    page = open_page(site + address + at)
    page.get_by_role("heading", name="seats").wait_for()
