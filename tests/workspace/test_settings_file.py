"""Changing groundtone.toml: what a person wrote stays."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.errors import SettingsError
from groundtone.settings import DEFAULT_FILE
from groundtone.workspace.settings_file import changed, write

NEW = {"store": "pgvector", "url": "postgresql://me@host/db?a=b#c", "collection": "x"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        DEFAULT_FILE,
        '[index]\nstore = "lancedb" # mine\n[chat]\nmax_tokens = 3\n',
        "[chat]\nmax_tokens = 3",
        "[ index ]  # here\nstore='chroma'\n\n# url = \"\"   # of a server\n",
        '[sync]\nexclude = [\n  "[index]",\n  "a",\n]\n\n[index]\nurl = "a # b"  # c\n',
        '[chat]\r\nmax_tokens = 3\r\n[index]\r\nstore = "x"\r\n',
        '[retrieval]\n# store = "not this one"\nk = 3\n',
    ],
)
def test_values_are_set_and_everything_else_stays(tmp_path: Path, text: str) -> None:
    file = tmp_path / "groundtone.toml"
    file.write_bytes(text.encode())
    file.chmod(0o600)
    write(file, "index", NEW)
    after = file.read_text()
    wanted = tomllib.loads(text)
    assert tomllib.loads(after) == wanted | {"index": NEW}
    for comment in (line.rpartition("# ")[2].strip() for line in text.splitlines() if "# " in line):
        assert comment in after or comment.startswith(("store", "url", "collection"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["groundtone.toml"]


def test_the_explanation_behind_a_default_stays() -> None:
    text = changed(DEFAULT_FILE, "index", {"store": "qdrant"})
    line = next(line for line in text.splitlines() if line.startswith("store ="))
    assert line.startswith('store = "qdrant"') and 'or "chroma"' in line
    assert len(text.splitlines()) == len(DEFAULT_FILE.splitlines())


@pytest.mark.parametrize(
    "text", ['index = {store = "lancedb"}\n', 'index.store = "lancedb"\n', "[index\n"]
)
def test_what_cannot_be_changed_is_left_and_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "groundtone.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match='store = "pgvector"'):
        write(file, "index", NEW)
    assert file.read_text() == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_comes_back_as_it_was_set(value: str) -> None:
    text = changed('[index]\nurl = "old"  # why\n', "index", {"url": value})
    assert tomllib.loads(text)["index"]["url"] == value
    assert "# why" in text
