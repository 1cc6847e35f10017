from __future__ import annotations

from collections.abc import Sequence

import pytest

from groundtone.evaluation.questions import Evidence, Question
from groundtone.evaluation.retrieval import Found, RetrievalReport, judge
from groundtone.evaluation.statistics import holm, paired_p
from groundtone.retrieval import Passage
from groundtone.retrieval.packing import Packed
from groundtone.retrieval.tracing import Trace


def passage(rank: int, document: str, text: str = "text", **more: object) -> Passage:
    values: dict[str, object] = {
        "rank": rank,
        "text": text,
        "score": 1 / rank,
        "document": document,
        "title": "",
        "section": "",
        "headings": (),
        "page": None,
        "start": 0,
        "end": len(text),
        "box": None,
        "version": document,
        "chunk": 0,
        "window": (0, len(text)),
        "dense": 0.5,
        "lexical": 1.0,
    }
    return Passage(**{**values, **more})  # type: ignore[arg-type]


def trace(*documents: str, k: int = 3, passages: Sequence[Passage] | None = None) -> Trace:
    order = tuple((document, 0) for document in documents)
    shown = [passage(n, name) for n, name in enumerate(documents[:k], 1)]
    return Trace(
        passages=tuple(shown if passages is None else passages),
        order=order,
        dense={key: rank for rank, key in enumerate(order, 1)},
        lexical={},
        paths={document: document for document in documents},
    )


def everything(passages: Sequence[Passage]) -> Packed:
    return Packed(tuple(passages))


def judged(question: Question, found: Trace, known: str = "abcdefgh", k: int = 3) -> Found:
    return judge(question, found, frozenset(known), k, everything)


ASKED = Question("q", "Where?", evidence=(Evidence("c"),))


def test_the_numbers_of_one_question() -> None:
    found = judged(ASKED, trace("a", "b", "c"))
    assert found.ndcg == pytest.approx(0.5)
    assert (found.first, found.recall, found.reciprocal) == (0, 1, pytest.approx(1 / 3))
    assert found.documents == ("a", "b", "c") and found.failure is None and found.place is None


def test_several_documents_are_alternatives_for_the_first_place() -> None:
    both = Question("q", "Where?", evidence=(Evidence("a"), Evidence("c"), Evidence("c")))
    found = judged(both, trace("a", "b", "c"))
    assert (found.first, found.recall) == (1, 1)
    assert judged(both, trace("a", "b", "d")).recall == 0.5


def test_each_failure_names_the_stage_where_it_was_lost() -> None:
    failure = judged(ASKED, trace("a", "b"), known="ab").failure
    assert failure is not None and failure.reason == "not indexed" and "c" in failure.detail
    failure = judged(ASKED, trace("a", "b")).failure
    assert failure is not None and failure.reason == "not retrieved"
    failure = judged(ASKED, trace("a", "b", "d", "c")).failure
    assert failure is not None and failure.reason == "lost in fusion"
    assert failure.detail == "passage 4 of all, 4 by vectors, not found by words"

    def two(passages: Sequence[Passage]) -> Packed:
        return Packed(tuple(passages[:2]), left_out=(3,))

    failure = judge(ASKED, trace("a", "b", "c"), frozenset("abc"), 3, two).failure
    assert failure is not None and failure.reason == "lost in packing"


def test_a_document_behind_many_passages_is_found_but_not_shown() -> None:
    """Ranks of measures are documents', as in BEIR; what is shown are k passages."""
    order = (("a", 0), ("a", 1), ("a", 2), ("c", 0))
    found = Trace(
        passages=tuple(passage(n, "a") for n in (1, 2, 3)),
        order=order,
        dense={key: rank for rank, key in enumerate(order, 1)},
        lexical={},
        paths={"a": "a", "c": "c"},
    )
    one = judged(ASKED, found)
    assert one.documents == ("a", "c") and (one.recall, one.reciprocal) == (1, 0.5)
    assert one.failure is not None and one.failure.reason == "lost in fusion"
    assert one.failure.detail == "passage 4 of all (document 2), 4 by vectors, not found by words"


def test_a_folded_twin_is_no_failure() -> None:
    def fold(passages: Sequence[Passage]) -> Packed:
        return Packed(tuple(passages[:2]), folded=((3, 1),))

    assert judge(ASKED, trace("a", "b", "c"), frozenset("abc"), 3, fold).failure is None


@pytest.mark.parametrize(
    ("evidence", "right"),
    [
        (Evidence("a", text="The blue key."), True),
        (Evidence("a", text="The red key."), False),
        (Evidence("b", text="The blue key."), False),
        (Evidence("a", section="2.1"), True),
        (Evidence("a", section="blue KEYS"), True),
        (Evidence("a", section="3"), False),
        (Evidence("a", page=4), True),
        (Evidence("a", page=5), False),
    ],
)
def test_the_very_place_is_asked_for_where_evidence_names_it(
    evidence: Evidence, right: bool
) -> None:
    shown = [
        passage(
            1, "a", "Use the blue key. Not others.", page=4, section="2.1", headings=("Blue keys",)
        )
    ]
    question = Question("q", "Where?", evidence=(evidence,))
    assert judged(question, trace("a", passages=shown)).place is right


def report(*ranks: int) -> RetrievalReport:
    order = [trace(*("xyz"[: rank - 1] + "c"), k=5) for rank in ranks]
    return RetrievalReport(
        5, tuple(judged(ASKED, each, known="xyzc", k=5) for each in order), skipped=1
    )


def test_means_have_intervals_and_two_settings_are_compared_in_pairs() -> None:
    good, bad = report(*[1] * 30), report(*[1, 2, 4] * 10)
    mean = good.measures()["MRR@10"]
    assert mean is not None and mean.value == 1 and mean.n == 30
    assert good.measures()["place@5"] is None
    differences = {each.measure: each for each in good.against(bad)}
    assert set(differences) == {"nDCG@10", "recall@1", "recall@5", "MRR@10"}
    assert differences["nDCG@10"].verdict == "better"
    assert differences["recall@5"].verdict == "no proven difference"
    raw = {name: paired_p(good.values()[name], bad.values()[name]) for name in differences}
    assert {name: each.p for name, each in differences.items()} == holm(raw)  # four are tested
    assert {each.verdict for each in bad.against(good)} == {"worse", "no proven difference"}
    assert report().measures()["nDCG@10"] is None
