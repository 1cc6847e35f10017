"""The HTML report in a browser: asks nothing of anybody, fits a phone, and everybody can use it.

Needs playwright and a Chromium; the check by axe needs axe-core too (`npm install axe-core`, its
folder named by AXE_CORE or in node_modules here).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from groundtone.evaluation import Outcome, Question, Report, Style, measure
from groundtone.evaluation.manner import Manner
from groundtone.evaluation.scoring import Yardsticks

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def axe() -> str | None:
    for folder in (os.environ.get("AXE_CORE", ""), str(ROOT / "node_modules" / "axe-core")):
        path = Path(folder) / "axe.min.js"
        if folder and path.is_file():
            return path.read_text("utf-8")
    return None


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page_file(
    outcomes: list[Outcome],
    questions: list[Question],
    style: Style,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A full report: prices, style distance, two training seeds, citations in their places."""
    full = [replace(one, faithfulness=1.0) for one in outcomes]
    full += [replace(one, replica=1) for one in full if one.arm in ("tuned", "both")]
    manner = Manner([f"The plan ends after {n} days." for n in range(9)])
    by = Yardsticks(style, manner, None, lambda model, prompt, written, seconds: prompt / 1e6)
    report: Report = measure(full, questions, by, notes={"Command": "groundtone compare q.jsonl"})
    return report.to_html(tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture(params=[(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")], ids=str)
def shown(request: pytest.FixtureRequest, browser: Any, page_file: Path) -> Iterator[Any]:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    page.asked = []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.goto(page_file.as_uri())
    page.width = width
    yield page
    context.close()


def test_asks_nobody_and_does_not_overflow(shown: Any, page_file: Path) -> None:
    shown.locator("details.q summary").first.click()
    assert shown.asked == [page_file.as_uri()]
    assert shown.evaluate("document.documentElement.scrollWidth") <= shown.width


def test_passes_axe(shown: Any) -> None:
    script = axe()
    if script is None:
        pytest.skip("axe-core is not here: npm install axe-core")
    shown.evaluate(
        "() => { const q = document.querySelectorAll('details.q')[14]; q.open = true;"
        " document.querySelectorAll('details.more').forEach(d => d.open = true);"
        " q.querySelectorAll('details').forEach(d => d.open = true); }"
    )
    shown.evaluate(script)
    found = shown.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]] == []


def test_a_citation_opens_in_its_place_and_failures_lead_to_answers(shown: Any) -> None:
    failing = shown.locator("a.count").first
    failing.click()
    assert 0 < shown.locator("details.q:visible").count() < 60
    shown.locator("button[type=reset]").click()
    row = shown.locator("details.q", has=shown.locator("details.cite")).first
    row.locator("> summary").click()
    row.locator("details.cite summary").first.click()
    assert row.locator("details.cite mark").first.is_visible()


def test_prints_every_section(browser: Any, page_file: Path, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    printed = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    from pypdfium2 import PdfDocument

    with PdfDocument(printed) as document:
        text = "".join(sheet.get_textpage().get_text_range() for sheet in document)
    for words in (
        "Quality and cost",
        "Where each arm fails",
        "Method",
        "groundtone compare q.jsonl",
    ):
        assert words in text
    page.close()
