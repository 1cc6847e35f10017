"""House styles: loading, faults, checking."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from groundtone.errors import MissingExtra, SettingsError
from groundtone.evaluation import Style

LABEL = "[Source: {title}, Section {section}]"
GOOD = "Go to Settings > Account > Reset Password. A mail is sent. [Source: Guide, Section 2.1]"

STYLE = """
name = "Support"
label = "[Source: {title}, Section {section}]"
refusal = "The manual does not say."
max_sentences = 2
max_words = 12
must_match = ["\\\\.( \\\\[|$)"]
must_not_match = ["(?i)\\\\bI\\\\b"]
banned_phrases = ["please note"]
"""


@pytest.fixture
def style(tmp_path: Path) -> Style:
    path = tmp_path / "style.toml"
    path.write_text(STYLE)
    return Style.load(path)


def test_a_compliant_answer_has_no_fault(style: Style) -> None:
    assert style.check(GOOD) == []
    assert style.bare(GOOD) == "Go to Settings > Account > Reset Password. A mail is sent."


BAD = [
    ("", "empty"),
    ("Go there.", "no citation label of the form [Source"),
    ("Go there. [Source: Guide]", "no citation label"),
    ("Go. [Source: A, Section 2] Stay. [Source: B]", "a broken label that begins with [Source:"),
    ("Go. Stay. Wait. [Source: A, Section 2]", "3 sentences, at most 2 allowed"),
    ("a b c d e f g h i j k l m. [Source: A, Section 2]", "13 words, at most 12 allowed"),
    ("Go there [Source: A, Section 2]", "does not match"),
    ("I go. [Source: A, Section 2]", "ruled out: “I”"),
    ("Please NOTE this. [Source: A, Section 2]", "banned phrase “please note”"),
]


@pytest.mark.parametrize(("answer", "fault"), BAD)
def test_faults(style: Style, answer: str, fault: str) -> None:
    assert any(fault in found for found in style.check(answer)), style.check(answer)


def test_refusals(style: Style) -> None:
    assert style.check(" The manual does not say.\n", refused=True) == []
    assert style.check("The manual does not say.") == []
    assert style.check("No idea.", refused=True) == ["a refusal in other words than declared"]
    free = Style.of({"label": LABEL, "max_words": 3})
    assert free.check("No idea.", refused=True) == []
    assert free.check("I have no idea.", refused=True) == ["4 words, at most 3 allowed"]


def test_an_empty_style_allows_anything_but_nothing() -> None:
    assert Style.of({}).check("Whatever. " * 50) == []
    assert Style.of({}).check(" ") == ["empty"]


def test_alternative_labels() -> None:
    style = Style.of({"label": [LABEL, "[Source: {title}]", "(p. {page})"]})
    for label in ("[Source: A, Section 2]", "[Source: A [beta]]", "(p. 12)"):
        assert style.check(f"Go. {label}") == [] or "beta" in label
        assert style.bare(f"Go. {label}") == "Go." or "beta" in label
    assert style.check("Go. (p. x)") != []


def test_json_schema(tmp_path: Path) -> None:
    pytest.importorskip("jsonschema")
    (tmp_path / "schema.json").write_text('{"type": "object", "required": ["answer"]}')
    (tmp_path / "style.toml").write_text('json_schema = "schema.json"')
    style = Style.load(tmp_path / "style.toml")
    assert style.check('{"answer": "x"}') == []
    assert style.check("{}") == ["JSON at $: 'answer' is a required property"]
    assert "not JSON" in style.check("plain")[0]
    with pytest.raises(SettingsError, match="json_schema"):
        Style.of({"json_schema": {"type": 7}})


def test_json_schema_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(MissingExtra, match="pip install"):
        Style.of({"json_schema": {}})


def test_every_fault_of_a_style_is_named(tmp_path: Path) -> None:
    path = tmp_path / "style.toml"
    path.write_text(
        'name = 3\nlabel = "Source"\nmax_words = 0\nmax_sentences = true\nmust_match = ["("]\n'
        'must_not_match = "x"\nbanned_phrases = ["", 4]\ncolour = "red"\njson_schema = "absent"\n'
    )
    with pytest.raises(SettingsError) as error:
        Style.load(path)
    for field in (
        "name:",
        "label[0]:",
        "max_words:",
        "max_sentences:",
        "must_match[0]: not a regular expression",
        "must_not_match:",
        "banned_phrases[0]:",
        "banned_phrases[1]:",
        "colour: unknown",
        "json_schema:",
    ):
        assert field in str(error.value)


def test_unusable_style_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        Style.load(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(SettingsError, match="not TOML"):
        Style.load(tmp_path / "bad.toml")
