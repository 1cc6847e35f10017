"""The gate: form must rise, facts must not be significantly lost."""

from __future__ import annotations

import pytest

from groundtone.evaluation import Outcome, Question
from groundtone.evaluation.gate import decide, infer_style
from groundtone.evaluation.measuring import measure
from groundtone.evaluation.style import Style

STYLE = Style.of({"max_words": 4, "refusal": "No answer."})
QUESTIONS = [
    Question(id=f"q{i}", question=f"What is {i}?", answers=(f"value {i}",)) for i in range(16)
]


def outcomes(arm: str, right: int, short: int) -> list[Outcome]:
    """`right` answers hold the gold value, `short` keep the style."""
    made = []
    for i, question in enumerate(QUESTIONS):
        fact = f"value {i}" if i < right else "something else"
        text = fact if i < short else f"{fact} and then a good deal more than that"
        made.append(Outcome(arm=arm, question_id=question.id, text=text, bare_text=text))
    return made


@pytest.mark.parametrize(
    ("rag", "both", "passed"),
    [
        ((10, 2), (10, 16), True),  # form won, facts kept
        ((10, 2), (14, 16), True),  # both won
        ((14, 2), (2, 16), False),  # form won, facts lost
        ((10, 8), (10, 4), False),  # form lost
        ((10, 16), (10, 16), True),  # the base kept the form already
    ],
)
def test_form_must_rise_and_facts_must_stand(
    rag: tuple[int, int], both: tuple[int, int], passed: bool
) -> None:
    report = measure([*outcomes("rag", *rag), *outcomes("both", *both)], QUESTIONS, STYLE)
    gate = decide(report)
    assert gate.passed is passed, gate.reasons
    assert gate.questions == 16
    assert gate.form == both[1] / 16
    assert len(gate.to_json()["reasons"]) == 2


@pytest.mark.parametrize("count", [1, 2, 4, 5, 16])
def test_a_few_worse_answers_prove_no_loss(count: int) -> None:
    """Each answer a little worse: with five or fewer no test can tell that from chance."""
    gold = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
    questions = [Question(id=f"q{i}", question="What?", answers=(gold,)) for i in range(count)]

    def answered(arm: str, i: int, text: str) -> Outcome:
        return Outcome(arm=arm, question_id=f"q{i}", text=text, bare_text=text)

    half = "alpha beta gamma delta epsilon"
    said = [answered("rag", i, f"{half} zeta") for i in range(count)]
    said += [answered("both", i, half + " zz" * (1 + i % 3)) for i in range(count)]
    gate = decide(measure(said, questions, Style.of({"max_words": 50})))
    assert gate.facts < gate.facts_before
    assert gate.passed is (count < 6), gate.reasons
    assert ("significantly lost" in gate.reasons[1]) is (count > 5)


def test_a_style_is_inferred_from_what_examples_look_like() -> None:
    answers = ["Do this now. [Source: Guide]", "Open the menu. Then close it. [Source: Guide]"] * 10
    style = infer_style(answers, label="[Source: {title}]", refusal="No answer.")
    assert style.check("Open it. [Source: Guide]") == []
    assert style.check("No answer.", refused=True) == []
    assert style.check("Open it.") != []
    assert style.check(" ".join(["word"] * 60) + " [Source: Guide]") != []
