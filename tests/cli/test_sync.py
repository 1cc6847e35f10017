"""sync and forget as people call them: dry runs, failures in hundreds, watching, addresses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.calling import ROOT, Result
from tests.syncing.site import Site, html, sitemap

from groundtone.catalog import Catalog
from groundtone.cli import synced
from groundtone.cli.output import console
from groundtone.cli.sync import words
from groundtone.syncing import Change, Step, SyncReport

Call = Callable[..., Result]
GUIDE = "# Guide\n\n## 1.1 Start\n\nTurn the blue key to the right.\n"


@pytest.fixture
def kb(call: Call, tmp_path: Path, minilm: object) -> Path:
    """A workspace with a folder of one document that is not synced yet."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/guide.md").write_text(GUIDE)
    (tmp_path / "groundtone.toml").write_text("[web]\nallow_private = true\ndelay = 0\n")
    call("init", tmp_path)
    return tmp_path


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.pages["/keys"] = html("About keys", "The brass key opens the cellar.", etag='"1"')
    site.pages["/map.xml"] = sitemap([f"{site.url}/keys"])
    yield site
    site.close()


def text(*parts: Any) -> str:
    shown = console()
    with shown.capture() as captured:
        for part in parts:
            shown.print(part)
    return captured.get()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(call: Call, kb: Path) -> None:
    result = call("sync", kb / "docs", "--dry-run", "--workspace", kb)
    assert result.code == 0
    assert "Nothing was done" in result.out and "guide.md" in result.out
    told = call("sync", kb / "docs", "--dry-run", "--workspace", kb, "--json").json
    assert told["dry_run"] and told["added"] == 1
    assert told["changes"] == [{"kind": "added", "path": "guide.md", "before": None}]
    assert call("sync", "--workspace", kb).code == 2, "the source was not remembered"


def test_every_change_is_named(call: Call, kb: Path) -> None:
    call("sync", kb / "docs", "--workspace", kb)
    (kb / "docs/guide.md").rename(kb / "docs/manual.md")
    (kb / "docs/new.md").write_text("# New\n\nThe red key is for guests.\n")
    told = call("sync", "--workspace", kb, "--json").json
    assert (told["added"], told["moved"], told["deleted"]) == (1, 1, 0)
    assert told["changes"] == [
        {"kind": "moved", "path": "manual.md", "before": "guide.md"},
        {"kind": "added", "path": "new.md", "before": None},
    ]


def test_watching_and_a_dry_run_exclude_each_other(call: Call, kb: Path) -> None:
    assert call("sync", "--watch", "--dry-run", "--workspace", kb).code == 2


def test_addresses_from_the_command_line(call: Call, kb: Path, site: Site) -> None:
    first = call("sync", f"{site.url}/map.xml", kb / "docs", "--workspace", kb, "--json")
    assert (first.code, first.json["added"]) == (0, 2)
    [best, *_] = call("search", "What opens the cellar?", "--workspace", kb, "--json").json
    assert best["document"] == f"{site.url}/keys" and best["title"] == "About keys"
    assert call("sync", "--workspace", kb, "--json").json["unchanged"] == 2
    missing = call("sync", f"{site.url}/none", "--workspace", kb)
    assert missing.code == 2 and "does not exist" in missing.err
    wrong = call("sync", "ftp://example.com/", "--workspace", kb)
    assert wrong.code == 2 and "http" in wrong.err
    site.close()
    away = call("sync", "--workspace", kb, "--json")
    assert away.code == 1 and away.json["deleted"] == 0


def test_a_page_opens_at_its_address_and_doctor_asks_no_server(
    call: Call, kb: Path, site: Site
) -> None:
    from groundtone.cli.ask import file_of
    from groundtone.workspace import Workspace

    call("sync", f"{site.url}/map.xml", kb / "docs", "--workspace", kb)
    site.asked.clear()
    with Workspace.open(kb) as workspace:
        opens = {str(file_of(workspace, d.source, d.path)) for d in workspace.catalog.documents()}
    assert opens == {f"{site.url}/keys", str(kb / "docs/guide.md")}
    checked = call("doctor", "--workspace", kb).out
    assert "is gone" not in checked and site.asked == []
    (kb / "docs").rename(kb / "away")
    assert "is gone" in call("doctor", "--workspace", kb).out


def test_forgetting_sources(call: Call, kb: Path, site: Site) -> None:
    assert "No source" in call("forget", "--workspace", kb).out
    call("sync", kb / "docs", f"{site.url}/map.xml", "--workspace", kb)
    listed = call("forget", "--workspace", kb, "--json").json["sources"]
    assert [one["documents"] for one in listed] == [1, 1]
    wrong = call("forget", kb / "docs", kb / "other", "--workspace", kb)
    assert wrong.code == 2 and "no source of this workspace" in wrong.err
    told = call("forget", f"{site.url}/map.xml#x", "--workspace", kb, "--json")
    assert told.code == 0 and told.json["forgotten"][0]["documents"] == 1
    assert "1 document" in call("forget", kb / "docs", "--workspace", kb).out
    assert call("search", "blue key", "--workspace", kb, "--json").json == []
    assert (kb / "docs/guide.md").exists()
    assert call("sync", "--workspace", kb).code == 2


# -- reports ------------------------------------------------------------------------------------


def test_hundreds_that_fail_for_one_reason_are_one_line() -> None:
    failed = [(f"scan-{n}.pdf", f"no text on {n} pages: scanned?") for n in range(400)]
    failed += [(f"empty-{n}.md", "the file is empty") for n in range(3)]
    report = SyncReport(failed=failed)
    shown = text(*synced.shown(report))
    assert shown.count("scanned?") == 1 and "400" in shown and "scan-0.pdf" in shown
    assert "the file is empty" in shown
    assert len(shown.splitlines()) < 20
    assert len(synced.as_document(report)["failed"]) == 403


def test_a_few_failures_are_named_one_by_one() -> None:
    shown = text(*synced.shown(SyncReport(failed=[("a\nb.md", "x"), ("c.md", "x")])))
    assert "a\\nb.md" in shown and "c.md" in shown


def test_one_line_for_a_set_of_changes() -> None:
    report = SyncReport(
        added=1,
        moved=4,
        failed=[("x.md", "empty")],
        seconds=0.42,
        changes=[Change("moved", f"{n}.md", "b.md") for n in range(5)],
    )
    assert synced.brief(report) == "1 added, 4 moved, 1 failed in 0.4 s: 0.md, 1.md, 2.md, …"


def test_the_words_behind_the_bar() -> None:
    step = Step(done=3, total=9, chunks=1200, windows=2000, seconds=10, left=75)
    assert words(step) == "files · 1,200 chunks · 120/s · 1 min 15 s left"
    page = Step(done=1, total=2, chunks=0, windows=0, seconds=1, page="https://example.com/")
    assert words(page) == "pages · https://example.com/"


# -- watching -----------------------------------------------------------------------------------


class Watcher:
    """``sync --watch --json`` in a process of its own."""

    def __init__(self, kb: Path, *sources: object) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "groundtone.cli.main",
                "sync",
                *map(str, sources),
                "--watch",
                "--workspace",
                str(kb),
                "--json",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )

    def line(self) -> dict[str, Any]:
        """The next set of changes."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())  # type: ignore[no-any-return]

    def ready(self) -> None:
        """Wait until it watches."""
        assert self.process.stderr is not None
        while "Watching" not in self.process.stderr.readline():
            assert self.process.poll() is None
        time.sleep(1)  # its first look is over

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=180)
        return self.process.returncode, err


def test_watching_follows_edits_and_survives_errors(kb: Path) -> None:
    from groundtone.syncing.guarding import alone
    from groundtone.workspace import Workspace

    docs = kb / "docs"
    watcher = Watcher(kb, docs)
    try:
        assert watcher.line()["added"] == 1
        watcher.ready()
        with Workspace.open(kb) as workspace:

            def until(question: str, wanted: str | None) -> None:  # how soon: bench/following.py
                began = time.monotonic()
                while time.monotonic() - began < 180:
                    found = {passage.document for passage in workspace.search(question, k=5)}
                    if (wanted in found) if wanted else (found == {"guide.md"}):
                        return
                    time.sleep(0.05)
                raise AssertionError(f"{wanted} was not found")

            workspace.search("warm up", k=1)
            (docs / "new.md").write_text("# Cellar\n\nThe brass key opens the cellar.\n")
            until("What opens the cellar?", "new.md")
            assert watcher.line()["changes"] == [
                {"kind": "added", "path": "new.md", "before": None}
            ]
            (docs / "new.md").unlink()
            until("What opens the cellar?", None)
            assert watcher.line()["deleted"] == 1
            (docs / "guide.md").write_text(GUIDE.replace("blue", "green"))
            assert watcher.line()["updated"] == 1
            (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
            assert watcher.line()["failed"][0]["path"] == "broken.pdf"
        with alone(
            kb / ".groundtone", Catalog(kb / ".groundtone" / "catalog.db")
        ):  # another process syncs: said, and tried again
            (docs / "late.md").write_text("# Attic\n\nThe tin key opens the attic.\n")
            assert "Another process" in watcher.line()["error"]["message"]
        while "error" in (line := watcher.line()):
            pass
        assert line["added"] == 1
        docs.rename(kb / "away")
        assert watcher.line() == {"gone": str(docs)}
        (kb / "away").rename(docs)
        (docs / "back.md").write_text("# Back\n\nThe iron key opens the gate.\n")
        assert watcher.line()["changes"] == [{"kind": "added", "path": "back.md", "before": None}]
        code, err = watcher.stop()
        assert code == 130 and "Traceback" not in err
    finally:
        watcher.process.kill()
        watcher.process.communicate()
