"""Which drafts are chosen, and that the numbers told add up."""

from __future__ import annotations

from itertools import product

from groundtone.tuning.drafting import Draft, Drafts, Source, select


def draft(question: str, answer: str, document: str = "guide.md", chunk: int = 0) -> Draft:
    source = Source(document, "Guide", "1", None, answer, document, chunk, 0, len(answer))
    return Draft(question, answer, "", "sentence", source)


def told(found: Drafts) -> int:
    return len(found.kept) + found.dropped.total() + found.unread


VERSIONS = [
    draft(f"How long does the {what} take?", f"The {what} takes {minutes} minutes.", f"v{minutes}")
    for what, minutes in product(("kettle", "oven", "dishwasher"), (3, 4, 5))
]
"""Three versions of a manual, which answer three questions differently."""


def test_drafts_that_several_others_contradict_count_once() -> None:
    found = select(VERSIONS, count=50, wrong=lambda _: "")
    assert (found.kept, found.considered) == ([], 9)
    assert dict(found.dropped) == {"answered differently elsewhere": 9}
    assert told(found) == 9


def test_what_was_not_looked_at_is_told_and_the_numbers_add_up() -> None:
    fine = [draft(f"Where does the {n} stand?", f"In room {n}.", chunk=n) for n in range(20, 40)]
    again = [draft("Where does the 21 stand?", "In room 21.", chunk=99)]
    drafts = [*VERSIONS, *fine, *again]
    for count in (1, 5, 100):
        found = select(
            drafts,
            count=count,
            known=["Where does the 22 stand?"],
            wrong=lambda each: "made up" if each.source.chunk == 23 else "",
        )
        assert told(found) == found.considered == 30
        assert bool(found.unread) == (count < 100)
    assert found.dropped == {
        "answered differently elsewhere": 9,
        "asked already": 2,
        "made up": 1,
    }
