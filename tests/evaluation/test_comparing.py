"""The arms are what their names say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from groundtone.answering.answer import Answer
from groundtone.answering.prompt import Shot
from groundtone.errors import WrongUse
from groundtone.evaluation import Question
from groundtone.evaluation.comparing import ARMS, PLAIN, Contestants, build

SHOTS = tuple(Shot(f"Q{i}?", f"A{i}.") for i in range(5))
WHO = Contestants(base="base", tuned="ft:base:x:1", system="Be brief.", shots=SHOTS)


class Recorder:
    """Stands where an Answerer does and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def ask(self, question: str, **options: Any) -> Answer:
        self.asked.append(options)
        return Answer(question, "So.", "So.", False, ("So.",), (), (), options["model"])


@pytest.mark.parametrize(
    ("arm", "model", "documents", "shots"),
    [
        ("base", "base", False, 0),
        ("few-shot", "base", False, 3),
        ("rag", "base", True, 0),
        ("few-shot+rag", "base", True, 3),
        ("tuned", "ft:base:x:1", False, 0),
        ("both", "ft:base:x:1", True, 0),
    ],
)
def test_each_arm_asks_its_model_with_its_means(
    arm: str, model: str, documents: bool, shots: int
) -> None:
    recorder = Recorder()
    ask = build([arm], recorder, WHO, lambda *_: True)[arm]  # type: ignore[arg-type]
    outcome = ask(Question(id="q", question="Why?"))
    asked = recorder.asked[0]
    assert (asked["model"], asked["documents"], len(asked["shots"])) == (model, documents, shots)
    assert asked["system"] == "Be brief."
    assert (outcome.arm, outcome.question_id, outcome.text) == (arm, "q", "So.")


def test_what_an_arm_lacks_is_said_before_anything_is_asked() -> None:
    nothing = Contestants(base="base", tuned="", system="", shots=())
    recorder: Any = Recorder()
    with pytest.raises(WrongUse, match="no arm 'magic'"):
        build(["magic"], recorder, WHO, lambda *_: True)
    with pytest.raises(WrongUse, match="tuned model"):
        build(["both"], recorder, nothing, lambda *_: True)
    with pytest.raises(WrongUse, match="worked examples"):
        build(["few-shot"], recorder, nothing, lambda *_: True)
    with pytest.raises(WrongUse, match="without documents"):
        build([PLAIN], recorder, WHO, lambda *_: True)
    who = replace(WHO, plain="ft:base:plain:1")
    assert set(build(ARMS, recorder, who, lambda *_: True)) == set(ARMS)
