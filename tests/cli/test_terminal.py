"""No document and no model gives orders to the terminal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.live import Live
from tests.answering.scripted import Scripted

from groundtone import Workspace
from groundtone.cli import output
from groundtone.cli.ask import drafted
from groundtone.cli.terminal import TextConsole

CLEARS, NAMES, C1 = "\x1b[2J", "\x1b]0;owned\x07", "\x9b2J"
ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SENTENCE = f"Deleted boards stay in the trash {CLEARS}{C1}for 30 days."


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Path:
    folder = tmp_path_factory.mktemp("orders")
    (folder / "guide").mkdir()
    (folder / "guide" / "trash.md").write_text(f"# Trash {NAMES}\n\n{SENTENCE}\n", "utf-8")
    with Workspace.create(folder) as workspace:
        workspace.sync(folder / "guide")
    return folder


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(
        "groundtone.workspace.engines.open_chat", lambda *_, **__: Scripted(SENTENCE)
    )
    yield


@pytest.mark.parametrize("command", ["search", "ask", "log", "inspect"])
def test_orders_in_documents_are_shown_as_signs(
    kb: Path, call: Any, written: None, command: str
) -> None:
    asked = ("How long do deleted boards stay in the trash?", "--workspace", kb)
    arguments = {
        "search": ("search", *asked),
        "ask": ("ask", *asked),
        "log": ("log", "show", "last", "--workspace", kb),
        "inspect": ("inspect", kb / "guide" / "trash.md"),
    }[command]
    if command == "log":
        call("ask", *asked)
    for options in ((), ("--json",)):
        result = call(*arguments, *options)
        assert result.code == 0
        assert "Trash" in result.out or "trash" in result.out
        assert not ORDERS.search(result.out + result.err)
    if command == "search":
        assert CLEARS in json.loads(result.out)[0]["text"], "JSON escapes it, and keeps it"


def test_orders_in_errors_are_shown_as_signs(call: Any, tmp_path: Path) -> None:
    result = call("inspect", tmp_path / f"{NAMES}.md")
    assert result.code == 2
    assert not ORDERS.search(result.err)


def test_orders_in_tables_and_in_words_that_stream_by() -> None:
    shown = io.StringIO()
    console = TextConsole(file=shown, force_terminal=True, width=60, _environ={})
    rows = output.table("question", title=f"found {CLEARS}")
    rows.add_row(f"one {NAMES}")
    console.print(rows, f"{CLEARS}{C1}")
    with Live(console=console, transient=True) as live:
        live.update(drafted(f"{SENTENCE} {NAMES}", ()), refresh=True)
    assert "for 30 days" in shown.getvalue()
    for order in (CLEARS, NAMES, C1):
        assert order not in shown.getvalue()


def test_lines_and_tabs_stay() -> None:
    assert output.visible("one\n\ttwo – ü") == "one\n\ttwo – ü"
    assert output.visible("a\rb\x00c\x7f") == "a�b�c�"
