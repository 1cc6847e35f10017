"""Schemas: faults with their place, what models are shown, narrowing that never widens."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.answering import schema
from groundtone.errors import MissingExtra, WrongUse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "object",\n  "properties": oops}', "line 2, column 17"),
        ('["type"]', "in braces"),
        ("true", "in braces"),
        ('{"type": "objekt"}', r"\$.type"),
        ('{"properties": {"days": {"type": "integer", "minimum": "x"}}}', "days.minimum"),
        ('{"properties": {"a": {"$ref": "http://example.com/a.json"}}}', "properties.a.*names"),
        ('{"items": {"$ref": "#/$defs/none"}}', "items.*none"),
        ('{"anyOf": [{"$ref": "other.json"}]}', r"anyOf\[0\]"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text, "utf-8")
    with pytest.raises(WrongUse, match=said) as error:
        schema.load(path)
    assert "s.json" in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"nowhere\.json"):
        schema.load(tmp_path / "nowhere.json")
    (tmp_path / "s.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(WrongUse, match="UTF-8"):
        schema.load(tmp_path / "s.json")
    (tmp_path / "deep.json").write_text("[" * 200_000, "utf-8")
    with pytest.raises(WrongUse, match=r"deep\.json"):
        schema.load(tmp_path / "deep.json")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(MissingExtra, match=r"groundtone\[style\]"):
        schema.check({"type": "object"})


TREE = {
    "type": "object",
    "properties": {
        "days": {"type": "integer", "description": "how long"},
        "plan": {"enum": ["Free", "Pro"]},
        "roles": {"type": "array", "items": {"type": "string"}},
        "child": {"$ref": "#"},
        "who": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["days"],
}


def test_faults_of_a_value_have_their_place() -> None:
    checked = schema.check(TREE)
    assert checked.faults({"days": 3}) == []
    (fault,) = checked.faults({"days": 3, "child": {"days": "x"}})
    assert fault.startswith("$.child.days: ")


def test_a_sketch_ends_even_where_the_schema_does_not() -> None:
    shown = schema.sketch(TREE)
    assert '"days": integer (how long), "plan": "Free" or "Pro", "roles": [string]' in shown
    assert '"who": string or null' in shown
    assert len(shown) < 2_000


def _schemas() -> st.SearchStrategy[dict[str, Any]]:
    plain = st.sampled_from(
        [
            {"type": "string"}, {"type": "string", "minLength": 300}, {"enum": ["a", 1]},
            {"type": "integer"}, {"type": "string", "pattern": "^a*$"}, {"type": "boolean"},
        ]
    )  # fmt: skip
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds(lambda s: {"type": "array", "items": s}, inner),
            st.builds(lambda s, t: {"anyOf": [s, t]}, inner, inner),
            st.builds(lambda s: {"type": "object", "properties": {"p": s}}, inner),
        ),
        max_leaves=5,
    )


@given(
    _schemas(),
    st.recursive(
        st.one_of(st.text("ab", max_size=400), st.integers(), st.booleans()),
        lambda inner: st.one_of(st.lists(inner, max_size=14), st.dictionaries(st.just("p"), inner)),
        max_leaves=10,
    ),
)
def test_what_the_narrowed_schema_allows_the_schema_allows(
    given_schema: dict[str, Any], value: Any
) -> None:
    before = json.dumps(given_schema)
    narrow = schema.narrowed(given_schema)
    assert json.dumps(given_schema) == before
    if jsonschema.Draft202012Validator(narrow).is_valid(value):
        assert jsonschema.Draft202012Validator(given_schema).is_valid(value)


def test_texts_and_lists_without_an_end_get_one() -> None:
    made = schema.narrowed(TREE)["properties"]
    assert made["roles"]["maxItems"] > 0
    assert made["roles"]["items"]["maxLength"] > 0
    assert "maxLength" not in schema.narrowed({"type": "string", "enum": ["a"]})
    assert schema.narrowed({"type": "string", "minLength": 900})["maxLength"] == 900
    assert schema.narrowed({"type": ["string", "null"]})["maxLength"] > 0


def test_an_object_ends_with_the_properties_it_names() -> None:
    assert schema.narrowed(TREE)["additionalProperties"] is False
    assert "additionalProperties" not in schema.narrowed({"type": "object"})
    more = {"properties": {"a": {}}, "required": ["a", "b"]}
    assert "additionalProperties" not in schema.narrowed(more)
    wide = {"properties": {"a": {}}, "additionalProperties": {"type": "string"}}
    assert schema.narrowed(wide)["additionalProperties"]["maxLength"] > 0
    both = {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}
    assert schema.narrowed(both) == both
