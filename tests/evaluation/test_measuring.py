"""Scores, means, pairs and verdicts of whole comparisons."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from groundtone.errors import WrongUse
from groundtone.evaluation import Evidence, Outcome, Question, Report, Style, measure
from groundtone.evaluation.measures import MEASURES
from groundtone.evaluation.scoring import Yardsticks, score

QUESTION = Question("q", "How long?", ("30 days",), (Evidence("docs/a.md", section="2.1"),))
NEVER = Question("u", "Why?", answerable=False)


def outcome(text: str = "It is 30 days.", **more: Any) -> Outcome:
    return replace(Outcome("rag", "q", text, text), **more)


def cite(document: str = "docs/a.md", section: str = "2.1", resolvable: bool = True) -> Any:
    return {"document": document, "section": section, "resolvable": resolvable}


def test_score_of_a_good_answer() -> None:
    found = score(outcome(citations=[cite()], prompt_tokens=9, total_ms=2.5), QUESTION, Style())
    assert found.faults == () and found.passed is True
    for name in ("correct", "contains", "all_words", "format", "citation_right", "passed"):
        assert found.values[name] == 1.0
    assert found.values["citation_section"] == found.values["gold_cited"] == 1.0
    assert (found.values["prompt_tokens"], found.values["total_ms"]) == (9.0, 2.5)
    assert found.values["completion_tokens"] is None
    assert found.values["refusal_right"] is None and found.values["refusal_wrong"] == 0.0
    assert set(found.values) == set(MEASURES)


def test_score_of_refusals() -> None:
    needless = score(outcome("30 days", refused=True), QUESTION)
    assert needless.passed is False and needless.values["f1"] == 0.0
    assert needless.values["citation_right"] is None
    assert [fault.kind for fault in needless.faults] == ["refused"]
    right = score(outcome("No.", refused=True), NEVER)
    assert right.passed is True and right.values["correct"] is None
    invented = score(outcome(), NEVER)
    assert invented.passed is False and invented.faults[0].kind == "answered"


def test_nothing_to_judge_by_is_none() -> None:
    found = score(outcome(), Question("q", "How?"))
    assert found.passed is None
    assert found.values["correct"] is found.values["format"] is found.values["passed"] is None


@pytest.mark.parametrize(
    ("document", "section", "right", "section_right"),
    [
        ("docs/a.md", "2.1", 1, 1),
        ("docs/a.md", "2.1 Reset a password", 1, 1),
        ("docs/a.md", "Section 2.1", 1, 1),
        ("docs/a.md", "2.10", 1, 0),
        ("docs/a.md", "", 1, 0),
        ("a.md", "2.1", 1, 1),
        ("manual/docs/a.md", "2.1", 1, 1),
        ("docs/ba.md", "2.1", 0, 0),
        ("", "2.1", 0, 0),
    ],
)
def test_citation_right(document: str, section: str, right: int, section_right: int) -> None:
    found = score(outcome(citations=[cite(document, section)]), QUESTION)
    assert found.values["citation_right"] == right
    assert found.values["citation_section"] == section_right
    assert bool(found.faults) == (not right)


@pytest.mark.parametrize(
    ("gold", "cited", "shown", "documents", "right"),
    [
        ("index.md", "api/v2/index.md", ["index.md", "api/v2/index.md"], [], 0),
        ("index.md", "api/v2/index.md", [], ["index.md", "api/v2/index.md"], 0),
        ("./index.md", "api/v2/index.md", ["index.md"], [], 0),
        ("index.md", "index.md", ["index.md", "api/v2/index.md"], [], 1),
        ("index.md", "manual/index.md", ["manual/index.md"], ["manual/index.md"], 1),
        ("manual/index.md", "index.md", ["index.md"], ["index.md"], 1),
        ("manual\\index.md", "manual/index.md", [], ["manual/index.md"], 1),
    ],
)
def test_a_path_that_exists_means_no_other_that_ends_alike(
    gold: str, cited: str, shown: list[str], documents: list[str], right: float
) -> None:
    question = Question("q", "How long?", ("30 days",), (Evidence(gold, section="2.1"),))
    said = outcome(citations=[cite(cited)], passages=shown)
    found = score(said, question, Yardsticks(documents=frozenset(documents))).values
    for name in ("citation_right", "gold_cited", "cited_gold", "citation_section"):
        assert found[name] == right, name


def test_citations_that_do_not_resolve() -> None:
    found = score(outcome(citations=[cite(), cite(resolvable=False)]), QUESTION)
    assert found.values["citation_resolvable"] == 0.5
    assert found.faults[0].text == "1 of 2 citations do not resolve."
    assert found.passed is True


def test_report_of_the_made_up_comparison(report: Report) -> None:
    assert list(report.arms) == ["base", "few-shot", "rag", "tuned", "both"]
    both = report.arms["both"].measures
    correct = both["correct"]
    assert correct is not None and correct.n == 50
    assert both["citation_resolvable"] is not None and both["refusal_right"] is not None
    assert both["refusal_right"].n == 10
    assert report.arms["base"].measures["citation_right"] is None
    content, form = report.pair("both", "rag", "correct"), report.pair("both", "rag", "format")
    assert content is not None and content.verdict == "no proven difference"
    assert form is not None and form.verdict == "better" and form.p_adjusted >= form.p
    ahead = report.pair("both", "tuned", "correct")
    assert ahead is not None and ahead.verdict == "better" and ahead.difference.low > 0.25
    cheaper = report.pair("both", "few-shot", "prompt_tokens")
    assert cheaper is not None and cheaper.verdict == "better" and cheaper.not_worse is None
    assert report.verdict.startswith("“both” wins in form")
    assert {(pair.a, pair.b) for pair in report.pairs} == {
        ("base", "rag"),
        ("few-shot", "rag"),
        ("tuned", "rag"),
        ("both", "rag"),
        ("both", "base"),
        ("both", "few-shot"),
        ("both", "tuned"),
    }


def test_measuring_twice_gives_the_same_digits(
    report: Report, outcomes: list[Outcome], questions: list[Question], style: Style
) -> None:
    again = measure(outcomes, questions, style, notes=report.notes)
    assert json.dumps(again.to_json()) == json.dumps(report.to_json())


def test_json_has_the_documented_shape(report: Report) -> None:
    text = json.dumps(report.to_json(), allow_nan=False)
    data = json.loads(text)
    arm = data["arms"]["both"]
    assert set(arm) >= {
        "model",
        "correctness",
        "format",
        "style",
        "citations",
        "faithfulness",
        "refusal",
        "tokens",
        "latency_ms",
        "cost",
    }
    assert set(arm["correctness"]["em"]) == {"value", "low", "high", "n"}
    assert arm["faithfulness"] is None and arm["cost"] is None
    assert data["arms"]["base"]["citations"]["right"] is None
    assert set(data["pairs"][0]) >= {
        "a",
        "b",
        "measure",
        "difference",
        "low",
        "high",
        "p",
        "verdict",
    }
    assert len(data["questions"]) == 60 and "text" in data["questions"][0]["arms"]["rag"]


def test_tables_hold_every_arm_and_measure(report: Report) -> None:
    from rich.console import Console

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(report.table())
    plain = console.export_text()
    markdown = report.markdown()
    for name in report.shown_measures():
        assert MEASURES[name].title in plain and MEASURES[name].title in markdown
    for arm in report.arms:
        assert arm in plain and arm in markdown
    assert report.verdict in markdown


def pairwise(
    left: list[bool],
    right: list[bool],
    gold: str = "30 days",
    style: Style | None = None,
) -> Report:
    questions = [Question(str(n), "How long?", (gold,)) for n in range(len(left))]
    outcomes = [
        Outcome(
            arm,
            str(n),
            gold if ok else "wrong",
            gold if ok else "wrong",
            prompt_tokens=cost,
            completion_tokens=5,
        )
        for arm, oks, cost in (("rag", right, 100), ("both", left, 90))
        for n, ok in enumerate(oks)
    ]
    return measure(outcomes, questions, style)


GOOD, BAD = [True] * 30, [False] * 30
LONG = "Open the account page and wait for the mail before you close it again"


def test_verdicts() -> None:
    assert pairwise(GOOD, BAD).verdict.startswith("“both” beats “rag” in content: 100% correct")
    assert pairwise(BAD, GOOD).verdict.startswith("“rag” stays ahead")
    even = pairwise(GOOD[:3], GOOD[:3]).verdict
    assert even.startswith("No proven difference") and "Take the cheaper, “both”" in even
    assert "token F1 1.000 against 0.000" in pairwise(GOOD, BAD, LONG).verdict
    strict = Style.of({"must_not_match": ["wrong"]})
    assert "in content and in form" in pairwise(GOOD, BAD, style=strict).verdict
    trade = Style.of({"must_match": ["wrong"]})
    assert pairwise(GOOD, BAD, style=trade).verdict.startswith("A trade-off")


def test_verdicts_with_little_to_say() -> None:
    alone = measure([outcome()], [QUESTION])
    assert alone.verdict == "“rag”: correct 100% over 1 answerable questions."
    assert alone.pairs == []
    assert measure([], [QUESTION]).verdict.startswith("Nothing to compare")
    only_form = measure([outcome()], [Question("q", "How?")], Style())
    assert "house style kept in “rag” 100%" in only_form.verdict
    without = measure([outcome(), outcome(arm="both")], [QUESTION], versus="base")
    assert "“base” was not measured" in without.verdict


def test_outcomes_must_fit_the_questions() -> None:
    with pytest.raises(WrongUse, match="not among"):
        measure([outcome()], [NEVER])
    with pytest.raises(WrongUse, match="twice"):
        measure([outcome(), outcome()], [QUESTION])


def test_pairs_use_common_questions_only() -> None:
    questions = [QUESTION, replace(QUESTION, id="r"), replace(QUESTION, id="s")]
    outcomes = [outcome(), outcome(question_id="r")]
    outcomes += [outcome(arm="both", question_id="r"), outcome(arm="both", question_id="s")]
    pair = measure(outcomes, questions).pair("both", "rag", "correct")
    assert pair is not None and pair.difference.n == 1


def test_each_two_arms_are_tested_once() -> None:
    """A pair that is there twice, turned round, would be corrected as two."""
    questions = [Question(str(n), "How long?", ("30 days",)) for n in range(20)]
    outcomes = [
        Outcome(arm, str(n), text, text)
        for arm, right in (("both", 10), ("base", 3), ("few-shot", 3))
        for n in range(20)
        for text in ["30 days" if n < right else "wrong"]
    ]
    report = measure(outcomes, questions, versus="both")
    pairs = [(pair.a, pair.b) for pair in report.pairs if pair.measure == "correct"]
    assert pairs == [("base", "both"), ("few-shot", "both")]
    alone = measure(outcomes[:40], questions, versus="both").pair("base", "both", "correct")
    assert alone is not None and alone.p_adjusted == alone.p


def seeded(seeds: list[list[bool]]) -> Report:
    """“both” with one list of passes for each training seed, beside a “rag” that passes half."""
    count = len(seeds[0])
    questions = [Question(str(n), "How long?", ("30 days",)) for n in range(count)]

    def one(arm: str, n: int, right: bool, replica: int = 0) -> Outcome:
        text = "30 days" if right else "wrong"
        return Outcome(
            arm, str(n), text, text, prompt_tokens=100, completion_tokens=5, replica=replica,
            model=f"m{replica}", total_ms=2000.0,
        )  # fmt: skip

    outcomes = [one("rag", n, n % 2 == 0) for n in range(count)]
    for replica, passes in enumerate(seeds):
        outcomes += [one("both", n, right, replica) for n, right in enumerate(passes)]
    price = Yardsticks(price=lambda model, prompt, written, seconds: 0.01 if model else None)
    return measure(outcomes, questions, price)


def test_several_training_seeds_are_one_arm() -> None:
    report = seeded([[True] * 30, [n % 3 > 0 for n in range(30)], [True] * 30])
    both = report.arms["both"]
    assert (both.seeds, both.model, both.questions) == (3, "m0, m1, m2", 30)
    correct = both.measures["correct"]
    assert correct is not None and correct.value == pytest.approx(80 / 90) and correct.n == 30
    pair = report.pair("both", "rag", "correct")
    assert pair is not None and pair.difference.value == pytest.approx(80 / 90 - 0.5)
    assert "seeds" in pair.test
    row = report.to_json()["questions"][0]["arms"]["both"]
    assert len(row["seeds"]) == 2 and row["passed"] is True and row["seeds"][0]["passed"] is False
    assert report.to_json()["arms"]["both"]["seeds"] == 3


def test_seeds_that_disagree_stay_within_what_a_score_allows() -> None:
    """Three models, one right, one wrong, over two questions: nothing beyond 1 is possible."""
    report = seeded([[True, True], [False, False], [True, True]])
    for pair in report.pairs:
        if MEASURES[pair.measure].unit in ("share", "score"):
            assert -1 <= pair.difference.low <= pair.difference.high <= 1


def test_arms_of_unequally_many_seeds_are_compared() -> None:
    """Three models beside two: there is no pairing them, so the two count by their mean."""
    questions = [Question(str(n), "How long?", ("30 days",)) for n in range(20)]
    outcomes = [
        Outcome(arm, str(n), text, text, replica=replica)
        for arm, seeds in (("both", 3), ("rag", 2))
        for replica in range(seeds)
        for n in range(20)
        for text in ["30 days" if arm == "both" or n < 5 * replica else "wrong"]
    ]
    pair = measure(outcomes, questions).pair("both", "rag", "correct")
    assert pair is not None and pair.difference.value == pytest.approx(1 - 2.5 / 20)
    assert pair.difference.n == 20 and pair.verdict == "better"


def test_seeds_that_disagree_prove_less_than_seeds_that_agree() -> None:
    good = [n % 5 > 0 for n in range(40)]
    agree = seeded([good, good, good]).pair("both", "rag", "correct")
    apart = seeded([[True] * 40, good, [n % 5 > 2 for n in range(40)]]).pair(
        "both", "rag", "correct"
    )
    assert agree is not None and apart is not None
    assert agree.verdict == "better" and apart.verdict == "no proven difference"
    assert apart.difference.low < 0 < agree.difference.low


def test_cost_of_a_passing_answer() -> None:
    report = seeded([[n < 10 for n in range(40)]])
    cost = report.to_json()["arms"]["both"]["cost"]
    assert cost["value"] == pytest.approx(0.01)
    assert cost["per_passing_answer"]["value"] == pytest.approx(0.04)
    assert cost["per_passing_answer"]["low"] < 0.04 < cost["per_passing_answer"]["high"]
    none = seeded([[False] * 40]).to_json()["arms"]["both"]["cost"]
    assert none["per_passing_answer"] is None and none["value"] == pytest.approx(0.01)


def test_a_number_stands_where_the_documentation_says(report: Report) -> None:
    """Every measure is a mapping of value, low, high and n, or null; groups carry their own."""
    wanted = {"value", "low", "high", "n"}
    for arm in report.to_json()["arms"].values():
        for name in ("em", "f1", "contains", "rouge_l"):
            assert set(arm["correctness"][name]) == wanted
        for name in ("precision", "recall", "resolvable"):
            assert arm["citations"][name] is None or set(arm["citations"][name]) == wanted
        for name in ("format", "refusal", "tokens", "latency_ms"):
            assert set(arm[name]) >= wanted
        for name in ("style", "faithfulness", "cost"):
            assert arm[name] is None  # nothing to measure it by was given


def test_an_open_question_says_what_it_would_take() -> None:
    rights = [n % 2 == 0 for n in range(40)]
    lefts = [right or n < 6 for n, right in enumerate(rights)]
    found = pairwise(lefts, rights)
    pair = found.pair("both", "rag", "correct")
    assert pair is not None and pair.verdict == "no proven difference"
    assert pair.detectable is not None and pair.detectable > pair.difference.value > 0
    assert pair.more_questions is not None and pair.more_questions > 20
    assert f"{pair.more_questions} more questions" in found.remarks()[0]
    settled = pairwise([True] * 40, [n % 4 == 0 for n in range(40)])
    assert settled.remarks() == [] and settled.pairs[0].more_questions == 0


def test_every_result_has_its_reason(report: Report) -> None:
    for row in report.rows:
        for result in row.results.values():
            assert result.score.reason
            if result.score.passed is False:
                kinds = {fault.text for fault in result.score.faults}
                assert result.score.reason in kinds


def test_too_few_questions_are_called_too_few() -> None:
    few = pairwise([True, False, True], [False, True, False])
    assert "no difference in correct is large enough" in few.remarks()[0]
    assert "points in correct would" not in few.remarks()[0]


def test_no_size_is_promised_where_none_was_seen() -> None:
    """Equal answers of a middling F1: how far others would lie apart is not known."""
    questions = [Question(str(n), "How?", (LONG,)) for n in range(12)]
    outcomes = [
        Outcome(arm, question.id, "Open the page", "Open the page")
        for arm in ("rag", "both")
        for question in questions
    ]
    few, many = measure(outcomes[:1] + outcomes[12:13], questions), measure(outcomes, questions)
    pair = many.pair("both", "rag", "f1")
    assert many.content == "f1" and pair is not None and pair.detectable is None
    assert many.remarks() == [
        "With 12 questions that came out alike nobody can say what difference would be proven."
    ]
    assert few.remarks() == [
        "With 1 question no difference in token F1 is large enough to be proven four times in five."
    ]


def test_seeds_that_lie_apart_ask_for_no_further_questions() -> None:
    report = seeded([[True] * 40, [n % 5 > 0 for n in range(40)], [n % 5 > 2 for n in range(40)]])
    pair = report.pair("both", "rag", "correct")
    assert pair is not None and pair.verdict == "no proven difference"
    assert pair.more_questions is None and (pair.detectable is None or pair.detectable > 0.5)
    assert "more questions" not in report.remarks()[0]
