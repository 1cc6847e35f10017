"""Answers as outcomes: citations in place, faithfulness for every arm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from groundtone.answering.answer import Answer, Citation, Verdict
from groundtone.evaluation import Question
from groundtone.evaluation.observing import Observer
from groundtone.retrieval import Passage
from groundtone.settings import Answering

TEXT = (
    "The trash is emptied by the hour. Deleted boards stay in the trash for 30 days. Then they go."
)
START = TEXT.index("Deleted")
QUOTE = "Deleted boards stay in the trash for 30 days."
PASSAGE = Passage(
    rank=1, text=TEXT, score=1.0, document="a.md", title="A", section="1", headings=("A",),
    page=None, box=None, start=100, end=100 + len(TEXT), version="v1", chunk=0, window=(100, 140),
    shown=(), dense=0.9, lexical=1.0,
)  # fmt: skip
CITATION = Citation(
    "[1]", QUOTE, "a.md", "A", "1", None, None, 100 + START, 100 + START + len(QUOTE), QUOTE, 1.0, 1
)
QUESTION = Question("q", "How long do boards stay?")


class Finds:
    """Stands where an Answerer does: it finds the one passage."""

    def retrieve(self, question: str) -> list[Passage]:
        return [PASSAGE]


def observer() -> Observer:
    finds: Any = Finds()
    settings = Answering(refusal="The manual does not say.")
    return Observer(finds, settings, None, lambda *_: True)


def answer(text: str, **more: Any) -> Answer:
    return replace(Answer("q", text, text, False, (text,), (), (), "m"), **more)


def test_a_citation_can_be_read_in_its_place() -> None:
    said = answer(QUOTE, citations=(CITATION,), passages=(PASSAGE,), sentences=(QUOTE,))
    found = observer()("rag", QUESTION, replace(said, verdicts=(Verdict(QUOTE, 1.0, True),)), True)
    cited = found.citations[0]
    assert cited["before"] + cited["quote"] + cited["after"] == TEXT
    assert cited["resolvable"] is True
    assert found.citation_recall == found.citation_precision == found.faithfulness == 1.0


def test_only_so_much_is_kept_around_a_quote_and_whole_words() -> None:
    words = "rain " * 200
    long = replace(PASSAGE, text=words + QUOTE + " " + words, end=100 + 2 * len(words) + 60)
    at = 100 + len(words)
    cited = replace(CITATION, start=at, end=at + len(QUOTE))
    said = answer(QUOTE, citations=(cited,), passages=(long,), sentences=(QUOTE,))
    found = observer()("rag", QUESTION, said, True).citations[0]
    assert found["before"].startswith("… rain") and found["after"].endswith("rain …")
    assert len(found["before"]) < 260 and len(found["after"]) < 260


def test_what_an_arm_without_documents_says_is_held_against_them_too() -> None:
    true = observer()("base", QUESTION, answer(QUOTE), False)
    false = observer()("base", QUESTION, answer("Penguins cannot fly at all."), False)
    assert (true.faithfulness, false.faithfulness) == (1.0, 0.0)
    assert true.citation_recall is None and true.citations == []


def test_the_declared_refusal_counts_in_every_arm() -> None:
    refused = observer()("tuned", QUESTION, answer("The manual does not say."), False)
    assert refused.refused and refused.faithfulness is None


def test_sentences_that_were_dropped_count_against_faithfulness() -> None:
    verdicts = (Verdict(QUOTE, 1.0, True), Verdict("Nonsense.", 0.0, False))
    said = answer(QUOTE, verdicts=verdicts, passages=(PASSAGE,))
    assert observer()("rag", QUESTION, said, True).faithfulness == 0.5
