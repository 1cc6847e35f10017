from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.reader import ReaderContract, check_document
from groundtone.documents import Document
from groundtone.documents.json_values import read


class TestJsonContract(ReaderContract):
    suffix = ".json"
    markers = (b"{", b"[", b'{"a": [', b'{"a": 1}\n{"b"')

    def write(self, path: Path) -> None:
        path.write_text(json.dumps([{"about": "The blue crane lifts four tons."}]))

    def test_blocks_know_their_section(self, sample: Path) -> None:
        pytest.skip("JSON has no headings")


class TestJsonLinesContract(TestJsonContract):
    suffix = ".jsonl"

    def write(self, path: Path) -> None:
        path.write_text('{"about": "The blue crane lifts four tons."}\n{"part": "rope"}\n')


def parse(content: str | Any, name: str = "file.json") -> Document:
    text = content if isinstance(content, str) else json.dumps(content)
    document = read(Path(name), text.encode())
    check_document(document)
    return document


def cuts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def test_elements_are_blocks_with_their_path() -> None:
    value = [{"name": "rope", "of": {"metal": "steel"}}, {"name": "hook", "sizes": [1, 2.50]}]
    assert cuts(parse(value)) == [
        "[0]\nname: rope\nof.metal: steel",
        "[1]\nname: hook\nsizes: 1, 2.5",
    ]


def test_members_of_an_object() -> None:
    value = {
        "title": "Crane parts",
        "version": "4",
        "limits": {"tons": 4, "wind speed": 9},
        "parts": [{"name": "rope"}, {"name": "hook", "nothing": None, "empty": []}],
        "done": True,
    }
    document = parse(value)
    assert document.title == "Crane parts"
    assert cuts(document) == [
        "title: Crane parts\nversion: 4",
        'limits.tons: 4\nlimits["wind speed"]: 9',
        "parts[0]\nname: rope",
        "parts[1]\nname: hook",
        "done: true",
    ]


def test_strings_stand_unescaped_and_numbers_as_written() -> None:
    text = parse(
        '{"about": "caf\\u00e9\\n\\"blue\\"", "price": 1.10, "id": 123456789012345678901}'
    ).text
    assert text == 'about: café\n"blue"\nprice: 1.10\nid: 123456789012345678901'


def test_json_lines_know_their_line() -> None:
    document = parse('{"a": 1}\n\n{"b": {"c": "x"}}\nbroken {\n', "file.jsonl")
    assert cuts(document) == ["line 1\na: 1", "line 3\nb.c: x", "line 4\nbroken {"]
    assert document.notes == ("1 line(s) are no JSON and were kept as they stand: 4",)
    assert cuts(parse('{"a": 1}\n{"a": 2}\n')) == ["line 1\na: 1", "line 2\na: 2"]


def test_what_is_no_json_is_kept_as_it_stands() -> None:
    content = '{\n  "name": "rope",\n\n  "made of" "steel"\n}\n'
    document = parse(content)
    assert document.text == content
    assert cuts(document) == ['{\n  "name": "rope",', '  "made of" "steel"\n}']
    assert "line 4, column 13" in document.notes[0]


def test_deep_nesting_is_kept_as_it_stands() -> None:
    document = parse("[" * 5_000 + "]" * 5_000)
    assert document.notes == ("nested too deeply to take apart; kept as it stands",)


def test_paths_that_explode_are_not_written_out() -> None:
    value = {"k" * 190: {f"k{number}": number for number in range(5_000)}, "more": 1}
    document = parse(value)
    assert document.text == json.dumps(value)
    assert "repeated too often" in document.notes[0]
    deep: Any = "x"
    for number in range(300):
        deep = {"key" + str(number): deep}
    assert parse({"a": deep, "b": 1}).text.count("…") == 1


def test_lone_surrogates_are_replaced() -> None:
    assert parse('{"a": "x\\ud800y"}').text == "a: x\ufffdy"


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(value=VALUES)
def test_every_string_is_in_the_text(value: Any) -> None:
    document = parse(json.dumps(value))
    strings = [value]
    while strings:
        one = strings.pop()
        if isinstance(one, dict):
            strings.extend(one.values())
        elif isinstance(one, list):
            strings.extend(one)
        elif isinstance(one, str) and one.strip():
            assert all(word in document.text for word in one.split())


@settings(max_examples=40, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=5))
def test_json_lines_are_one_block_a_line(values: list[Any]) -> None:
    document = parse("\n".join(map(json.dumps, values)), "file.ndjson")
    assert len(document.blocks) <= len(values)
    assert all(cut.startswith("line ") for cut in cuts(document))
