"""Leaves of JSON values: what each claims, where it stands, and the value without some."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answering.scripted import passage

from groundtone.answering.evidence import Evidence
from groundtone.answering.leaves import claims, judge, pointer, without

TEXT = (
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier. "
    "The trash holds at most 1,500 boards. Version 3 runs on Ubuntu 20.04 and Debian 11. "
    "Guests cannot export boards. Boards can be exported by members. It keeps five copies."
)
QUESTION = "How long do deleted boards stay in the trash?"


def where(value: Any, question: str = QUESTION) -> list[str]:
    """The quotes that hold the leaves; "" for one that stands nowhere."""
    evidence = Evidence([passage(TEXT, title="Trash")])
    found = [judge(claim, question, evidence, 0.5) for claim in claims(value)]
    return [TEXT[a.sources[0].start : a.sources[0].end] if a.sources else "" for a in found]


@pytest.mark.parametrize(
    ("value", "quote"),
    [
        ({"days": 30}, "Deleted boards stay in the trash for 30 days."),
        ({"days": 30.0}, "Deleted boards stay in the trash for 30 days."),
        ({"days": 90}, ""),
        ({"most": 1500}, "The trash holds at most 1,500 boards."),
        ({"trashCopies": 5}, "It keeps five copies."),
        ({"days": 1}, ""),
        ({"time": "30 days"}, "Deleted boards stay in the trash for 30 days."),
        ({"time": "30 weeks"}, ""),
        ({"who": "an admin"}, "An Admin may empty the trash earlier."),
        ({"who": "Owner"}, ""),
        ({"system": ["Debian 11"]}, "Version 3 runs on Ubuntu 20.04 and Debian 11."),
        ({"system": ["Debian 12"]}, ""),
        ("Deleted boards stay in the trash for 30 days.", TEXT[:45]),
        ("Deleted boards stay in the trash for 90 days.", ""),
        ("Bananas grow in warm countries, far away from here, all year round indeed.", ""),
        ({"guests export boards": True}, ""),
        ({"guests export boards": False}, "Guests cannot export boards."),
        ({"moon": "!!"}, ""),
        ({"n": 10**400}, ""),
        ({"days": -30}, ""),
    ],
)
def test_a_value_is_supported_where_it_stands(value: Any, quote: str) -> None:
    assert where(value, "What is known of version 3 and its trash and boards?") == [quote]


def test_a_value_in_a_sentence_about_something_else_is_not_supported() -> None:
    assert where({"price": 11}, "What does it cost?") == [""]


def test_null_and_empty_claim_nothing() -> None:
    assert list(claims({"a": None, "b": "", "c": [], "d": {}})) == []


def test_pointers_are_those_of_the_rfc() -> None:
    assert pointer(()) == ""
    assert pointer(("a/b", 0, "m~n", "")) == "/a~1b/0/m~0n/"


def test_a_lost_value_is_null_where_that_is_valid_else_left_out() -> None:
    value = {"a": 1, "b": [1, 2, 3], "c": {"d": 1, "e": 2}}
    made = without(value, [("a",), ("b", 1)], lambda _: True)
    assert made is not None
    assert made[0] == {"a": None, "b": [1, None, 3], "c": {"d": 1, "e": 2}}

    def no_null(node: Any) -> bool:
        kids = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return node is not None and all(map(no_null, kids))

    made = without(value, [("a",), ("b", 1)], no_null)
    assert made is not None
    assert made[0] == {"b": [1, 3], "c": {"d": 1, "e": 2}}
    assert made[1][("b", 2)] == ("b", 1)
    assert made[1][("a",)] is None
    whole = without(value, [("c", "d"), ("c", "e")], lambda v: v.get("c", {"d": 1, "e": 1}) != {})
    assert whole is not None
    stuck = without(value, [("c", "d")], lambda v: "c" in v and v["c"] == {"d": 1, "e": 2})
    assert stuck is None
    assert without(7, [()], lambda _: True) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.data())
def test_what_is_left_is_what_was_not_lost(value: Any, data: st.DataObject) -> None:
    known = [claim.path for claim in claims(value) if claim.path]
    lost = [path for path in known if data.draw(st.booleans())]
    made = without(value, lost, lambda _: True)
    assert made is not None
    kept = [claim.value for claim in claims(value) if claim.path not in lost]
    assert [claim.value for claim in claims(made[0])] == kept
    old = {claim.path: claim.value for claim in claims(value)}
    new = {claim.path: claim.value for claim in claims(made[0])}
    for path, now in made[1].items():
        assert (now is None) == (path in lost)
        assert now is None or new[now] == old[path]
