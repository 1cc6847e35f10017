"""Votes to a preference, held against counts done by hand."""

from __future__ import annotations

from groundtone.evaluation.preferring import preference


def test_votes_are_counted_and_the_sign_test_is_over_questions() -> None:
    votes = [(f"q{n}", "rag") for n in range(8)] + [("q8", ""), ("q0", "base"), ("q0", "rag")]
    found = preference("base", "rag", votes)
    assert (found.wins, found.losses, found.ties, found.questions) == (1, 9, 1, 9)
    # Eight questions for rag, none for base: twice one half to the eighth.
    assert found.p == 2 / 2**8
    assert found.lead is not None and found.lead.value < 0 and found.lead.high < 0


def test_no_votes_prove_nothing() -> None:
    found = preference("base", "rag", [])
    assert (found.p, found.lead, found.questions) == (1.0, None, 0)


def test_a_question_on_which_people_differ_evenly_counts_for_nobody() -> None:
    found = preference("base", "rag", [("q", "base"), ("q", "rag")])
    assert found.p == 1.0 and found.lead is not None and found.lead.value == 0


def test_the_lead_of_one_is_as_sure_as_the_lead_of_the_other() -> None:
    for votes in (["rag"] * 3, ["rag"] * 9, ["rag", "rag", ""], ["rag"] * 7 + ["base"] * 2):
        mine = preference("rag", "base", [(f"q{n}", vote) for n, vote in enumerate(votes)]).lead
        theirs = preference("base", "rag", [(f"q{n}", vote) for n, vote in enumerate(votes)]).lead
        assert mine is not None and theirs is not None
        assert (mine.low, mine.high) == (-theirs.high, -theirs.low)
        assert mine.low < mine.value
