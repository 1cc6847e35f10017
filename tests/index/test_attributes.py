from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.errors import WrongUse
from groundtone.index.attributes import attributes, wanted


def labels(path: str = "guide/admin/a.pdf", **metadata: Any) -> tuple[str, ...]:
    return attributes(path, "manuals", "application/pdf", metadata)


def found(conditions: list[str], held: tuple[str, ...], **asked: Any) -> bool:
    return wanted(conditions, **asked).allows(held, 0)


def test_a_document_is_found_by_its_folder_file_type_and_source() -> None:
    for condition in ("path=guide", "path=guide/admin/", "path=guide/admin/a.pdf", "type=pdf",
                      "type=application/pdf", "type=PDF", "source=manuals"):  # fmt: skip
        assert found([condition], labels()), condition
    for condition in ("path=gui", "path=admin", "type=docx", "source=other"):
        assert not found([condition], labels()), condition


def test_front_matter_is_asked_by_name_without_regard_to_case() -> None:
    held = labels(Team="Support Desk", version=3, draft=False, tags=["Billing", "VAT"])
    for condition in ("team=support desk", "TEAM=Support Desk", "version=3", "draft=false",
                      "tags=vat", "tags=other|billing"):  # fmt: skip
        assert found([condition], held), condition
    assert not found(["tags=vat", "version=4"], held), "all conditions must hold"


def test_groups_see_their_own_and_what_is_for_everybody() -> None:
    assert found([], labels(), groups=[])
    assert found([], labels(groups=["HR", "Legal"]), groups=["hr"])
    assert not found([], labels(groups=["hr"]), groups=["sales"])
    assert not found([], labels(groups=["hr"]), groups=[])
    assert not found([], labels(groups=[]), groups=["hr"])
    assert not found([], labels(Groups=["hr"]), groups=["sales"]), "however it is spelled"
    assert not found([], labels(GROUP="hr"), groups=[])
    assert not found([], labels(groups={"hr": True}), groups=["hr"]), "not understood: for nobody"
    assert found([], labels(groups=["hr"])), "the owner sees everything"
    for group in ("hr", "legal affairs"):
        assert found([], labels(groups="HR, legal affairs"), groups=[group]), "commas part them"
    for nobody in ("", ",", None):
        assert not found([], labels(groups=nobody), groups=["", ","])
    assert found([], labels(groups=["a, b"]), groups=["a, b"]), "not in a list"


def test_metadata_cannot_pretend_to_be_a_built_in_attribute() -> None:
    told = {"groups": ["hr"], "type": "secret", "path": "public", "source": "x", "Path": "public"}
    held = attributes("guide/a.pdf", "manuals", "application/pdf", told)
    assert not found(["path=public"], held)
    assert not found([], labels(groups=["hr"], **{"group ": "*", "group=*": ""}), groups=[])


@given(st.dictionaries(st.text(), st.recursive(st.text() | st.integers() | st.none(), st.lists)))
def test_no_metadata_opens_a_document_to_a_stranger(metadata: dict[str, Any]) -> None:
    metadata["groups"] = ["hr"]
    held = attributes("a", "s", "text/plain", metadata)
    assert not wanted(groups=["sales"]).allows(held, 0)


def test_dates_include_their_whole_day() -> None:
    day = wanted(since="2026-03-01", until="2026-03-01")
    assert day.since is not None and day.until is not None
    assert day.until - day.since == 86_399


@pytest.mark.parametrize(
    ("conditions", "asked", "said"),
    [
        (["type"], {}, "name=value"),
        (["=x"], {}, "name=value"),
        (["team="], {}, "name=value"),
        (["tema=x"], {"known": ["team"]}, "team"),
        ([], {"since": "yesterday"}, "since"),
        (["team='; DROP TABLE x"], {"known": ["kind"]}, "team"),
    ],
)
def test_what_cannot_be_asked_is_named(conditions: list[str], asked: Any, said: str) -> None:
    with pytest.raises(WrongUse, match=said):
        wanted(conditions, **asked)
