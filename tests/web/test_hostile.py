"""Nothing that a document, a file name or a question says becomes markup."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.serving import HOSTILE, SCRIPT, keep_answer

pytestmark = pytest.mark.slow


def test_a_hostile_document_question_and_answer_are_shown_as_text(
    site: str, open_page: Any, folder: Any
) -> None:
    quote = f"A quokka sleeps for 19 hours. {SCRIPT} {HOSTILE}"
    id = keep_answer(folder, f"How long? {HOSTILE} {SCRIPT}", quote)
    page = open_page(f"{site}/answer/{id}")
    page.locator(".chip").first.click()
    page.locator(".source mark").first.wait_for()
    assert page.locator(".source mark").first.inner_text() == quote
    assert HOSTILE in page.locator(".question").inner_text()
    assert SCRIPT in page.locator(".answer").inner_text()
    assert page.locator("img[src='x'], a[href^='javascript'], main script").count() == 0
    assert page.title() == "Answer · groundtone"


def test_hostile_titles_and_file_names_are_shown_as_text(site: str, open_page: Any) -> None:
    page = open_page(f"{site}/documents")
    link = page.get_by_role("link", name="Quokka care")
    assert "<i>Quokka</i>" in link.inner_text()
    assert "quokka <b>care<.md" in link.inner_text()
    link.click()
    page.get_by_role("heading", name="Passages").wait_for()
    assert SCRIPT in page.locator(".passages").inner_text()
    assert page.locator("img[src='x'], .passages script").count() == 0
    assert page.title() == "Document · groundtone"


def test_every_answer_of_the_server_has_its_security_headers(site: str, browser: Any) -> None:
    request = browser.new_context().request
    for path in ("/", "/documents", "/nothing-here", "/_groundtone/groundtone.js"):
        headers = request.get(site + path).headers
        policy = headers["content-security-policy"]
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe-inline" not in scripts and "*" not in scripts
        assert "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    one, other = (request.get(site).headers["content-security-policy"] for _ in range(2))
    assert one != other  # a nonce is used once


def test_other_sites_get_nowhere(site: str, browser: Any) -> None:
    request = browser.new_context().request
    upload = f"{site}/documents/upload?collection=default&name=a.md"
    foreign = {"origin": "https://elsewhere.example"}
    assert request.post(upload, data=b"x", headers=foreign).status == 403
    rebound = {"host": "elsewhere.example"}
    assert request.get(site, headers=rebound).status == 403


@pytest.mark.parametrize("name", ["../../escape.md", "/etc/cron.d/x.md", "a/../../b.md", "..", ""])
def test_a_file_name_leads_nowhere_else(site: str, browser: Any, folder: Any, name: str) -> None:
    request = browser.new_context().request
    answer = request.post(
        f"{site}/documents/upload", params={"collection": "default", "name": name}, data=b"text"
    )
    uploads = folder / ".groundtone" / "uploads" / "default"
    found = {path for path in folder.parent.rglob("*.md") if path.read_bytes() == b"text"}
    assert answer.status in (201, 422)
    assert all(path.is_relative_to(uploads) for path in found)
    for path in found:
        path.unlink()
