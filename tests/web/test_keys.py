"""With keys: signing in, and seeing nothing of a collection or a group that is not one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import keep_answer, served

from groundtone import Workspace

pytestmark = pytest.mark.slow
SECRET = "The vault opens with the word heliotrope."


@dataclass(frozen=True)
class Locked:
    """A served workspace with keys.

    Attributes:
        guest: secret of a key for the collection `open` and no group.
        owner: secret of a key for everything.
        vault, board, pdf: versions of documents that the guest may not see.
        answer: id of an answer that rests on one of them.
    """

    address: str
    folder: Path
    guest: str
    guest_id: str
    owner: str
    vault: str
    board: str
    pdf: str
    answer: str


@pytest.fixture(scope="session")
def locked(
    tmp_path_factory: pytest.TempPathFactory, examples: Path, minilm: object
) -> Iterator[Locked]:
    folder = tmp_path_factory.mktemp("locked") / "kb"
    (folder / "canteen").mkdir(parents=True)
    (folder / "safe").mkdir()
    (folder / "groundtone.toml").write_text("[chat]\nmax_tokens = 32\n", "utf-8")
    (folder / "canteen" / "menu.md").write_text("# Menu\n\nMonday is pea soup.\n", "utf-8")
    (folder / "canteen" / "board.md").write_text(
        "---\ngroups: [board]\n---\n\n# Board menu\n\nThe board eats lobster.\n", "utf-8"
    )
    (folder / "safe" / "vault.md").write_text(f"# Vault\n\n{SECRET}\n", "utf-8")
    shutil.copy(examples / "manual" / "installation-guide.pdf", folder / "safe")
    with Workspace.create(folder) as workspace:
        workspace.sync(folder / "canteen", collection="open")
        workspace.sync(folder / "safe", collection="closed")
        catalog = workspace.catalog
        versions = {one.path: one.version for one in catalog.documents()}
        guest, guest_secret = catalog.create_key(
            ["chat", "files"], name="guest", collections=["open"], groups=[]
        )
        _, owner_secret = catalog.create_key(["admin"], name="owner")
    answer = keep_answer(folder, "How does the vault open?", SECRET)
    with served(folder) as address:
        yield Locked(
            address,
            folder,
            guest_secret,
            guest.id,
            owner_secret,
            versions["vault.md"],
            versions["board.md"],
            versions["installation-guide.pdf"],
            answer,
        )


def sign_in(page: Any, secret: str) -> None:
    page.get_by_label("Key").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#content").wait_for()


def test_one_signs_in_with_a_key_and_out_again(locked: Locked, open_page: Any) -> None:
    page = open_page(f"{locked.address}/documents")
    assert "/sign-in" in page.url
    page.get_by_label("Key").fill("gt-00000000-nothing")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    open_page.wrong.clear()  # the browser's own note on the 403
    sign_in(page, locked.owner)
    assert page.url.endswith("/documents")
    cookie = next(c for c in page.context.cookies() if c["name"] == "groundtone_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    assert locked.owner not in cookie["value"]
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(f"{locked.address}/documents")
    assert "/sign-in" in page.url


def test_after_signing_in_a_link_leads_where_it_pointed(locked: Locked, open_page: Any) -> None:
    page = open_page(f"{locked.address}/source/{locked.vault}?at=0-7")
    sign_in(page, locked.owner)
    assert page.url.endswith(f"/source/{locked.vault}?at=0-7")
    page.locator("mark").wait_for()


def test_nothing_is_served_without_a_key(locked: Locked, browser: Any) -> None:
    request = browser.new_context().request
    for path in (
        f"/source/{locked.pdf}/page/1",
        f"/documents/{locked.vault}/understood",
        f"/source/{locked.vault}?at=0-9",
        f"/answer/{locked.answer}",
        "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
        "/_nicegui/client/1/upload/2",
        "/nothing-here",
    ):
        answer = request.get(locked.address + path, max_redirects=0)
        assert answer.status in (303, 401), path
        assert "heliotrope" not in answer.text()
    forged = {"cookie": "groundtone_session=a2V5LTEuOTk5OTk5OTk5OTk=.00"}
    assert request.get(f"{locked.address}/", headers=forged, max_redirects=0).status == 401


def test_a_guest_sees_nothing_of_another_collection_or_group(
    locked: Locked, open_page: Any
) -> None:
    page = open_page(f"{locked.address}/documents?collection=closed")
    sign_in(page, locked.guest)
    page.get_by_role("link", name="Menu").first.wait_for()
    seen = page.locator("body").inner_text()
    for hidden in ("vault", "closed", "Board menu", "Installation Guide"):
        assert hidden.lower() not in seen.lower()
    assert "1 document" in seen
    for path in (f"/documents/{locked.vault}", f"/documents/{locked.board}"):
        page.goto(locked.address + path)
        page.get_by_text("There is no such document").wait_for()
    page.goto(f"{locked.address}/source/{locked.vault}?at=0-9")
    page.get_by_text("There is no such source").wait_for()
    page.goto(f"{locked.address}/answer/{locked.answer}")
    page.get_by_text("There is no such answer").wait_for()
    assert "vault" not in page.content().lower()
    page.goto(f"{locked.address}/history")
    page.get_by_text("Nothing was asked yet").wait_for()
    for path in ("/settings", "/tune", "/compare", "/advise"):
        page.goto(locked.address + path)
        page.get_by_text("Not with this key").wait_for()
    request = page.context.request
    assert request.get(f"{locked.address}/source/{locked.pdf}/page/1").status == 404
    assert request.get(f"{locked.address}/documents/{locked.vault}/understood").status == 404
    upload = f"{locked.address}/documents/upload?collection=closed&name=a.md"
    assert request.post(upload, data=b"x").status == 403


def test_a_guests_question_draws_on_their_own_documents(locked: Locked, open_page: Any) -> None:
    page = open_page(locked.address)
    sign_in(page, locked.guest)
    page.get_by_label("Your question").fill("With which word does the vault open?")
    page.keyboard.press("Enter")
    page.locator(".turn .tools").wait_for()
    assert "heliotrope" not in page.content()
    with Workspace.open(locked.folder) as workspace:
        stored = workspace.catalog.list_answers(1)[0]
        assert workspace.catalog.asker(stored.id) == locked.guest_id
        assert {p["document"] for p in stored.answer["passages"]} <= {"menu.md"}
    page.goto(f"{locked.address}/history")
    page.get_by_role("link", name="With which word").wait_for()


def test_the_owner_sees_everything_and_a_revoked_key_nothing(
    locked: Locked, open_page: Any
) -> None:
    page = open_page(f"{locked.address}/answer/{locked.answer}")
    sign_in(page, locked.owner)
    page.get_by_role("heading", name="How does the vault open?").wait_for()
    with Workspace.open(locked.folder) as workspace:
        _, secret = workspace.catalog.create_key(["chat"], name="passing")
    other = open_page(locked.address)
    sign_in(other, secret)
    page.goto(f"{locked.address}/settings")
    page.get_by_role("button", name="Revoke passing").click()
    page.get_by_text("revoked").first.wait_for()
    other.goto(locked.address)
    assert "/sign-in" in other.url
