"""One workspace with a few guides and some hostile files, served for real, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.serving import HOSTILE, SCRIPT, served

pytest.importorskip("nicegui", reason="the serve extra is not installed")
playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GUIDES = ("account-management-guide.md", "api-reference.html", "billing-and-plans-guide.docx")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, examples: Path, minilm: object) -> Path:
    """A synced workspace: four guides, a spreadsheet, and documents that try to be markup."""
    from groundtone import Workspace

    folder = tmp_path_factory.mktemp("web") / "kb"
    guides = folder / "guides"
    guides.mkdir(parents=True)
    (folder / "groundtone.toml").write_text("[chat]\nmax_tokens = 40\n", "utf-8")
    for name in (*GUIDES, "installation-guide.pdf"):
        shutil.copy(examples / "manual" / name, guides / name)
    (guides / "seats.csv").write_text("Desk,Chairs\nNorthern desk,417\nSouthern desk,38\n")
    (guides / "quokka <b>care<.md").write_text(
        f"---\ntitle: <i>Quokka</i> Quokka care\n---\n\n# {HOSTILE} Care\n\n"
        f"A quokka sleeps for 19 hours. {SCRIPT} {HOSTILE}\n\n"
        "[press me](javascript:document.title='pwned') and ![](http://198.51.100.7/spy.png)\n",
        "utf-8",
    )
    (guides / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing more")
    with Workspace.create(folder) as workspace:
        workspace.sync(guides)
    return folder


@pytest.fixture(scope="session")
def site(folder: Path) -> Iterator[str]:
    """Address of the server of `folder`, which has no keys."""
    with served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium; for one file of tests, since its loop keeps others from running theirs."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages in a fresh browser profile; nothing may leave this machine, or fail aloud."""
    contexts: list[Any] = []
    outside: list[str] = []
    wrong: list[str] = []

    def opened(url: str, *, wide: int = 1280, scheme: str = "light", **options: Any) -> Any:
        context = browser.new_context(
            viewport={"width": wide, "height": 800}, color_scheme=scheme, **options
        )
        contexts.append(context)

        def checked(route: Any) -> None:
            address = route.request.url
            if address.startswith(("http://127.0.0.1", "data:", "blob:")):
                route.continue_()
            else:
                outside.append(address)
                route.abort()

        context.route("**/*", checked)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: wrong.append(message.text) if message.type == "error" else None,
        )
        page.goto(url)
        return page

    opened.wrong = wrong  # type: ignore[attr-defined]
    yield opened
    for context in contexts:
        context.close()
    assert outside == []
    assert wrong == []
