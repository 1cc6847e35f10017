from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from groundtone.advice.decision import RESPECTS, decide, possible, turning, undecided

WHOLE = st.fixed_dictionaries({name: st.booleans() for name in RESPECTS})
PARTLY = st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in RESPECTS})


def test_every_situation_has_a_verdict_and_all_four_occur() -> None:
    verdicts = {
        decide(dict(zip(RESPECTS, values, strict=True)))
        for values in itertools.product((False, True), repeat=len(RESPECTS))
    }
    assert verdicts == {"prompt only", "RAG", "fine-tune", "both"}


@given(WHOLE)
def test_what_cannot_be_trained_is_not(s: dict[str, bool]) -> None:
    if not (s["trainable"] and s["enough"] and s["gains"]):
        assert decide(s) in ("prompt only", "RAG")


@given(WHOLE)
def test_what_must_be_cited_is_retrieved(s: dict[str, bool]) -> None:
    if s["facts"] and s["cited"]:
        assert decide(s) in ("RAG", "both")


@given(WHOLE)
def test_facts_that_change_are_never_left_to_the_weights(s: dict[str, bool]) -> None:
    if s["facts"] and s["changing"] and not s["fits"]:
        assert decide(s) in ("RAG", "both")


@given(PARTLY)
def test_questions_are_asked_exactly_where_the_verdict_is_open(s: dict[str, bool | None]) -> None:
    if s["plenty"] and s["enough"] is False:
        return  # five hundred examples that are not fifty
    assert bool(undecided(s)) == (len(possible(s)) > 1)
    assert all(s[name] is None for name in undecided(s))


@given(WHOLE)
def test_what_would_change_the_verdict_does(s: dict[str, bool]) -> None:
    if s["plenty"] and not s["enough"]:
        return
    for names, other in turning(s):
        turned = {**s, **{name: not s[name] for name in names}}
        assert decide(turned) == other != decide(s)
