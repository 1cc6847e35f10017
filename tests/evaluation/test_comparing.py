"""The arms are what their names say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from groundtone.answering.answer import Answer
from groundtone.answering.prompt import Shot
from groundtone.errors import WrongUse
from groundtone.evaluation import Outcome, Question
from groundtone.evaluation.comparing import (
    ARMS,
    PLAIN,
    Arm,
    Contestants,
    build,
    merged,
    parse,
    standard,
)

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


@pytest.mark.parametrize(
    ("text", "arm"),
    [
        ("gpt=openai:gpt-4o-mini", Arm("gpt", ("openai:gpt-4o-mini",))),
        ("gpt=openai:gpt-4o-mini+docs", Arm("gpt", ("openai:gpt-4o-mini",), documents=True)),
        ("a b=http://h/v1#m+shots+docs", Arm("a b", ("http://h/v1#m",), True, True)),
        ("x=gguf:a+b.gguf+docs", Arm("x", ("gguf:a+b.gguf",), True)),
        ("own=base+docs", Arm("own", ("base-model",), True)),
    ],
)
def test_further_arms_are_read_from_words(text: str, arm: Arm) -> None:
    assert parse(text, replace(WHO, base="base-model")) == arm


@pytest.mark.parametrize("text", ["gpt", "=m", "gpt=", "rag=openai:m", "a#2=openai:m", "g=+docs"])
def test_words_that_are_no_arm(text: str) -> None:
    with pytest.raises(WrongUse, match="is no arm"):
        parse(text, WHO)
    with pytest.raises(WrongUse, match="worked examples"):
        parse("gpt=openai:m+shots", replace(WHO, shots=()))


def test_seeds_are_one_arm_under_several_labels() -> None:
    arm = standard("both", replace(WHO, seeds=("s1", "s2")))
    assert arm.models == ("ft:base:x:1", "s1", "s2")
    assert arm.labels() == ["both", "both#2", "both#3"]
    found = merged([arm], [Outcome(label, "q", "x", "x") for label in arm.labels()])
    assert [(one.arm, one.replica) for one in found] == [("both", 0), ("both", 1), ("both", 2)]


def test_the_arm_without_documents_in_training_sees_them_when_asked() -> None:
    arm = standard(PLAIN, replace(WHO, plain="ft:base:plain:1"))
    assert arm == Arm(PLAIN, ("ft:base:plain:1",), documents=True)
