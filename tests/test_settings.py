from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from groundtone.errors import SettingsError
from groundtone.settings import DEFAULT_FILE, FILE_NAME, Settings


def write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text, "utf-8")
    return folder


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert Settings.load(tmp_path) == Settings()


def test_the_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "[retrieval]\nk = 7\ncandidates = 50\n[sync]\nexclude = ['old/**']\n")
    monkeypatch.setenv("GROUNDTONE_RETRIEVAL__K", "9")
    monkeypatch.setenv("GROUNDTONE_CACHE", "/anything")
    settings = Settings.load(tmp_path)
    assert settings.retrieval.k == 9
    assert settings.retrieval.candidates == 50
    assert settings.sync.exclude == ("old/**",)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[retrieval]\nk = 0\n", "retrieval.k"),
        ("[retrieval]\nk = 'many'\n", "retrieval.k"),
        ("[retrieval]\nkk = 5\n", "retrieval.kk"),
        ("[retrival]\nk = 5\n", "retrival"),
        ("[chunking]\nmin_tokens = 600\n", "max_tokens"),
        ("[answer]\nlabel = '[{name}]'\n", "answer.label"),
        ("[answer]\nlabel = '[{'\n", "answer.label"),
        ("[answer]\nunsupported = 'drop'\n", 'check = "strict"'),
        ("[answer]\nunsupported = 'mark'\n", 'check = "mark"'),
        ("[answer]\nrescue = 'It says so.'\n", "answer.rescue"),
        ("retrieval = 3\n", "retrieval"),
        ("[retrieval\nk = 0\n", "line 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_field_and_file(
    tmp_path: Path, text: str, field: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(write(tmp_path, text))
    assert field in str(caught.value)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GROUNDTONE_RETRIEVAL__K", "none"),
        ("GROUNDTONE_CHUNKING__MAX_TOKENS", "-1"),
        ("GROUNDTONE_SYNC", "[not json"),
    ],
)
def test_a_wrong_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=r"GROUNDTONE_") as caught:
        Settings.load(tmp_path)
    assert variable.split("__")[0].removeprefix("GROUNDTONE_").lower() in str(caught.value).lower()


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not valid TOML"):
        Settings.load(tmp_path)


def test_the_file_that_init_writes_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    assert Settings.load(write(tmp_path, DEFAULT_FILE)) == Settings()
    shown = tomllib.loads(re.sub(r"(?m)^# (?=\w+ = [^ ])", "", DEFAULT_FILE))
    assert Settings(**shown) == Settings()
    assert "[[attributes]]" in DEFAULT_FILE
    assert "[collections.NAME.chunking]" in DEFAULT_FILE
    free = ("attributes", "collections")  # tables whose names are the user's
    sections = {name: f for name, f in Settings.model_fields.items() if name not in free}
    for section, field in sections.items():
        names = set(field.annotation.model_fields)  # type: ignore[union-attr]
        written = set(re.findall(rf"\[{section}\]\n((?:.*\n)*?)(?:\n|\Z)", DEFAULT_FILE)[0].split())
        assert names <= written, section
