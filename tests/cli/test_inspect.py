from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.calling import EXAMPLES

GUIDE = EXAMPLES / "manual" / "ticket-guide.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minilm: object) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_shows_outline_tables_and_chunks_without_a_workspace(call, elsewhere: Path) -> None:
    result = call("inspect", GUIDE)
    assert result.code == 0
    assert "ticket-guide.md · text/markdown" in result.out
    assert "1.2 Priorities" in result.out
    assert "Tables" in result.out
    assert "Chunks: 9" in result.out
    assert list(elsewhere.iterdir()) == []


def test_json_is_one_document(call) -> None:
    told = json.loads(call("inspect", GUIDE, "--json").out)
    (document,) = told["documents"]
    text = GUIDE.read_text("utf-8")
    assert all(c["text"] == text[c["start"] : c["end"]] for c in document["chunks"])
    assert told["chunking"]["window_tokens"] > 0
    assert told["html"] is None


def test_the_page_is_written(call, elsewhere: Path) -> None:
    result = call("inspect", GUIDE, "--html", "out.html")
    assert result.code == 0
    assert "out.html" in result.out
    assert "1.2 Priorities" in (elsewhere / "out.html").read_text("utf-8")


def test_the_workspace_says_how_to_cut(call, elsewhere: Path) -> None:
    (elsewhere / "groundtone.toml").write_text("[chunking]\nmin_tokens = 32\nmax_tokens = 64\n")
    told = json.loads(call("inspect", GUIDE, "--json").out)
    assert told["chunking"]["max_tokens"] == 64
    assert len(told["documents"][0]["chunks"]) > 9


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [("none.md", 2, "There is no none.md"), (".", 2, "is a folder"), ("empty.txt", 1, "empty.txt")],
)
def test_what_cannot_be_shown_is_one_line(
    call, elsewhere: Path, name: str, code: int, said: str
) -> None:
    (elsewhere / "empty.txt").write_text("")
    result = call("inspect", name)
    assert result.code == code
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_page_that_cannot_be_written_is_said(call) -> None:
    result = call("inspect", GUIDE, "--html", "no/such/folder/out.html")
    assert result.code == 2
    assert "cannot be written" in result.err
