"""A conversation through a pipe."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from tests.answering.scripted import Scripted

from groundtone import Workspace


@pytest.mark.slow
def test_follow_ups_are_searched_with_their_topic(
    call, manual: Path, smollm: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("What does ERR-1003 mean?\n\nWhy?\n"))
    result = call("chat", "--workspace", manual, "--json")
    assert result.code == 0, result.err
    first, second = map(json.loads, result.out.splitlines())
    assert first["searched"] == "What does ERR-1003 mean?"
    assert second["searched"] == "What does ERR-1003 mean? Why?"
    assert second["forgotten"] == 0


def test_nothing_asked_is_nothing_answered(
    call, manual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n  \n"))
    result = call("chat", "--workspace", manual)
    assert (result.code, result.out) == (0, "")


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory, minilm: object) -> Path:
    """Three pages on one thing: for everybody, for one group, and of long ago."""
    folder = tmp_path_factory.mktemp("chat")
    (folder / "pages").mkdir()
    for name, groups in (("open", ""), ("inner", "---\ngroups: [support]\n---\n"), ("old", "")):
        page = folder / "pages" / f"{name}.md"
        page.write_text(f"{groups}# Desks\n\nDesks of {name} are on floor 3.\n", "utf-8")
    os.utime(folder / "pages" / "old.md", (86_400, 86_400))
    with Workspace.create(folder) as workspace:
        workspace.sync(folder / "pages")
    return folder


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ((), {"open.md", "inner.md", "old.md"}),
        (("--group", "sales"), {"open.md", "old.md"}),
        (("--group", "support", "--where", "path=inner.md"), {"inner.md"}),
        (("--since", "2000-01-01"), {"open.md", "inner.md"}),
        (("--until", "2000-01-01"), {"old.md"}),
    ],
)
def test_it_draws_on_what_ask_would_draw_on(
    call, desks: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], seen: set[str]
) -> None:
    engine = Scripted("Desks are on floor 3.")
    monkeypatch.setattr("groundtone.workspace.engines.open_chat", lambda *_, **__: engine)
    monkeypatch.setattr(sys, "stdin", io.StringIO("On which floor are desks?\nWhy?\n"))
    result = call("chat", "--workspace", desks, "--json", *options)
    assert result.code == 0, result.err
    asked = call("ask", "On which floor are desks?", "--workspace", desks, "--json", *options)
    answers = [*map(json.loads, result.out.splitlines()), asked.json]
    assert len(answers) == 3
    for answer in answers:
        assert {passage["document"] for passage in answer["passages"]} == seen
