"""Answers measured: ALCE's definitions, who failed why, two settings compared, nothing made up."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.answering.scripted import Found, Scripted, answerer, passage

from groundtone.answering.answer import Answer
from groundtone.errors import WrongUse
from groundtone.evaluation import answers_citing
from groundtone.evaluation.answers import REASONS, AnswersReport, Judged, judge, report
from groundtone.evaluation.answers_asking import Observed, answering, gating, observe_all
from groundtone.evaluation.answers_refusing import balanced, refusal_curve
from groundtone.evaluation.questions import Evidence, Question

TRASH = passage(
    "Deleted boards stay in the trash for 30 days. An Admin may empty the trash earlier.",
    title="Trash",
)
MAIL = passage("Mail rules run every 5 minutes. Closed tickets are not changed.", title="Mail")
RIGHT = "Deleted boards stay in the trash for 30 days."
RULES = "Mail rules run every 5 minutes."
EARLIER = "An Admin may empty the trash earlier."
QUESTION = "How long do deleted boards stay in the trash?"
GOLD = Question("a", QUESTION, ("30 days",), (Evidence("trash.md"),))
REFUSAL = "The documents do not answer this question."


def observed(
    *says: str, questions: Sequence[Question] = (GOLD,), found: Any = (TRASH, MAIL), **options: Any
) -> list[Observed]:
    made = answerer(Scripted(*says), Found(*found), **options)
    observe = answering(made, "scripted", "", None, lambda answer, citation: True)
    return observe_all(questions, observe)


def judged(*says: str, question: Question = GOLD, **options: Any) -> Judged:
    (seen,) = observed(*says, questions=[question], **options)
    return judge(question, seen)


# -- citations ------------------------------------------------------------------------------


def test_recall_wants_all_cited_passages_together_to_support_it() -> None:
    assert answers_citing.needed(RIGHT, [TRASH]) == [True]
    assert answers_citing.needed(RIGHT, [MAIL]) is None
    assert answers_citing.needed(RIGHT, []) is None


def test_a_citation_is_irrelevant_that_neither_proves_nor_is_missed() -> None:
    assert answers_citing.needed(RIGHT, [TRASH, MAIL]) == [True, False]
    both = "Deleted boards stay in the trash for 30 days and mail rules run every 5 minutes."
    assert answers_citing.needed(both, [TRASH, MAIL]) == [True, True]
    twice = replace(TRASH, title="Copy")
    assert answers_citing.needed(RIGHT, [TRASH, twice]) == [True, True]


def test_an_answer_is_judged_by_its_statements_and_citations() -> None:
    def made(text: str, **options: Any) -> Answer:
        engine = answerer(Scripted(text), Found(TRASH, MAIL), **options)
        return engine.ask(QUESTION, model="scripted")

    whole = answers_citing.judge(made(f"{RIGHT} {RULES}"), None)
    assert whole == answers_citing.Cited(1.0, 1.0, ())
    half = answers_citing.judge(made(f"{RIGHT} Bananas grow in Peru.", check="mark"), None)
    assert half == answers_citing.Cited(0.5, 1.0, ("Bananas grow in Peru.",))
    none = answers_citing.judge(made("Bananas grow in Peru.", check="off"), None)
    assert none == answers_citing.Cited(0.0, 0.0, ("Bananas grow in Peru.",))
    assert answers_citing.judge(made(REFUSAL), None) is None
    quoted = made("Bananas grow in Peru.")
    assert quoted.rescued
    assert answers_citing.judge(quoted, None) == answers_citing.Cited(1.0, 1.0, ())
    assert answers_citing.strays(made(f"{RIGHT} It costs 77 euros.", check="off")) == ("77",)


# -- one question ---------------------------------------------------------------------------


def test_a_good_answer_has_all_numbers_and_no_failure() -> None:
    good = judged(RIGHT)
    assert good.reason is None
    for name in ("correct", "contains", "citation_recall", "citation_precision", "figures",
                 "citation_resolvable", "citation_right", "citation_right_found", "faithful",
                 "retrieved", "answered"):  # fmt: skip
        assert good.values[name] == 1.0, name
    assert good.values["em"] == 0.0
    assert 0 < good.values["f1"] < 1
    assert "refusal_recall" not in good.values


OTHER = replace(GOLD, evidence=(Evidence("elsewhere.md"),))
UNKNOWN = Question("u", "Which fruit does the monkey like?", answerable=False)


@pytest.mark.parametrize(
    ("says", "question", "options", "reason"),
    [
        (REFUSAL, OTHER, {}, "not retrieved"),
        (EARLIER, OTHER, {}, "not retrieved"),
        (REFUSAL, GOLD, {}, "refused wrongly"),
        (RIGHT, GOLD, {"evidence_below": 1.0}, "refused wrongly"),
        ("Bananas grow in Peru.", GOLD, {"rescue": ""}, "unsupported"),
        (f"{RIGHT} Bananas grow in Peru.", GOLD, {"check": "mark"}, "unsupported"),
        (EARLIER, GOLD, {}, "wrong"),
        (RULES, GOLD, {"rescue": ""}, "wrong"),
        (RULES, GOLD, {}, None),  # about something else: the sentence that was asked for is quoted
        ("Bananas in Peru ripen in 30 days.", GOLD, {"check": "off"}, "no citation"),
        (RIGHT, OTHER, {}, "wrong document"),
        (RIGHT, UNKNOWN, {}, "answered wrongly"),
        (REFUSAL, UNKNOWN, {}, None),
    ],
)
def test_each_failure_has_its_reason(
    says: str, question: Question, options: dict[str, Any], reason: str | None
) -> None:
    found = judged(says, question=question, **options)
    assert found.reason == reason
    assert reason is None or (found.detail and reason in REASONS)


def test_a_quote_that_does_not_stand_is_a_failure() -> None:
    made = answerer(Scripted(RIGHT), Found(TRASH))
    (seen,) = observe_all([GOLD], answering(made, "scripted", "", None, lambda a, c: False))
    found = judge(GOLD, seen)
    assert found.reason == "does not resolve"
    assert found.values["citation_resolvable"] == 0.0


# -- all questions --------------------------------------------------------------------------


def made_report(says: Sequence[str], **options: Any) -> AnswersReport:
    questions = [replace(GOLD, id=str(number)) for number in range(len(says))]
    seen = observed(*says, questions=questions, **options)
    return report(questions, seen, model="scripted", threshold=0.2)


def test_a_measure_without_data_is_none_and_never_nan() -> None:
    nothing = report([], [], model="", threshold=0.2)
    assert nothing.curve() is None
    assert set(nothing.measures().values()) == {None}
    refused = made_report([REFUSAL])
    assert refused.measures()["citation_recall"] is None
    assert refused.measures()["refusal_recall"] is None
    assert refused.measures()["refusal_precision"].value == 0.0  # type: ignore[union-attr]
    for one in (nothing, refused, made_report([RIGHT, RULES])):
        assert "NaN" not in json.dumps(one.to_json(), default=vars_of)


def vars_of(value: Any) -> Any:
    """Dataclasses with slots, as JSON."""
    return {name: getattr(value, name) for name in value.__slots__}


def test_two_settings_are_compared_in_pairs() -> None:
    good, bad = made_report([RIGHT] * 12), made_report([EARLIER] * 12)
    differences = {each.measure: each for each in bad.against(good)}
    assert differences["correct"].verdict == "worse"
    assert differences["correct"].interval.value == -1.0  # type: ignore[union-attr]
    assert differences["correct"].p < 0.05  # type: ignore[operator]
    assert differences["citation_resolvable"].verdict == "no proven difference"
    assert "refusal_recall" not in differences
    same = good.against(good)
    assert all(each.verdict == "no proven difference" for each in same)


def test_questions_refused_under_one_setting_do_not_count_for_citations() -> None:
    one, other = made_report([RIGHT, REFUSAL, RIGHT]), made_report([RIGHT, RIGHT, REFUSAL])
    differences = {each.measure: each for each in one.against(other)}
    assert differences["citation_recall"].interval.n == 1  # type: ignore[union-attr]
    assert differences["answered"].interval.n == 3  # type: ignore[union-attr]


def test_the_gate_alone_asks_no_model() -> None:
    engine = Scripted(RIGHT)
    made = answerer(engine, Found(TRASH, MAIL), evidence_below=0.3)
    seen = observe_all([GOLD, UNKNOWN], gating(made, None))
    assert engine.asked == []
    found = report([GOLD, UNKNOWN], seen, model="", threshold=0.3)
    assert found.measures()["retrieved"].value == 1.0  # type: ignore[union-attr]
    assert found.measures()["correct"] is None
    assert [one.reason for one in found.judged] == [None, "answered wrongly"]


# -- what is kept ---------------------------------------------------------------------------


def test_what_was_answered_is_kept_through_a_stop(tmp_path: Path) -> None:
    keep = tmp_path / "kept.jsonl"
    questions = [replace(GOLD, id=str(number)) for number in range(4)]
    engine = Scripted(RIGHT)
    observe = answering(answerer(engine, Found(TRASH)), "scripted", "", None, lambda a, c: True)

    def stopped(question: Question) -> Observed:
        if question.id == "2":
            raise KeyboardInterrupt
        return observe(question)

    with pytest.raises(KeyboardInterrupt):
        observe_all(questions, stopped, keep=keep, fingerprint="x")
    keep.write_text(keep.read_text("utf-8") + '{"key": "torn', "utf-8")
    told: list[int] = []
    first = observe_all(questions, observe, keep=keep, fingerprint="x", progress=told.append)
    assert len(engine.asked) == 4
    assert told == [1, 2, 3, 4]
    again = observe_all(questions, observe, keep=keep, fingerprint="x")
    assert (again, len(engine.asked)) == (first, 4)
    observe_all(questions, observe, keep=keep, fingerprint="y")
    assert len(engine.asked) == 8
    with pytest.raises(WrongUse, match="kept"):
        observe_all([GOLD], observe, keep=tmp_path / "kept.jsonl" / "x.jsonl", fingerprint="z")


# -- the gate's curve -----------------------------------------------------------------------


def test_a_threshold_is_recommended_in_the_middle_of_the_best() -> None:
    found = refusal_curve([0.9, 0.8, 0.4, 0.1], [True, True, False, False], 0.2)
    assert found is not None
    assert found.recommended is not None
    assert 0.5 < found.recommended.threshold < 0.7
    assert found.now.balanced == 0.75
    assert found.few
    shown = found.to_json()
    assert shown["recommended"] == found.recommended.threshold
    assert shown["points"][0]["precision"] is None


def test_one_kind_of_question_recommends_nothing() -> None:
    found = refusal_curve([0.9, 0.1], [True, True], 0.2)
    assert found is not None
    assert found.recommended is None
    shown = found.to_json()
    assert shown["now"] == {
        "threshold": 0.2, "kept": 0.5, "refused": None, "precision": 0.0, "balanced": None,
    }  # fmt: skip


@given(st.lists(st.sampled_from([0.0, 1.0])), st.lists(st.sampled_from([0.0, 1.0])))
def test_balanced_accuracy_stays_within_its_interval(kept: list[float], out: list[float]) -> None:
    found = balanced(kept, out)
    if not kept or not out:
        assert found is None
        return
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert math.isclose(found.value, (sum(kept) / len(kept) + sum(out) / len(out)) / 2)
