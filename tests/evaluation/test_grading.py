"""The judge: asked once for each answer, silent where there is nothing to judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundtone.chat import Completion
from groundtone.errors import EngineError
from groundtone.evaluation import Outcome, Question, measure
from groundtone.evaluation.grading import Judge
from groundtone.evaluation.scoring import Yardsticks

QUESTIONS = [Question("a", "How long?", ("30 days",)), Question("b", "Why?", answerable=False)]


class Says:
    """A chat engine that judges by whether the answer holds a word."""

    parallel = 2

    def __init__(self, breaks: bool = False, words: str = "") -> None:
        self.asked: list[str] = []
        self._breaks, self._words = breaks, words

    def stream(self, messages: Any, **options: Any) -> Iterator[str | Completion]:
        said = messages[-1]["content"]
        assert options["json_schema"]["properties"]["correct"]["enum"] == ["yes", "no"]
        if self._breaks:
            raise EngineError("away")
        self.asked.append(said)
        answer = self._words or '{"correct": "%s"}' % ("yes" if "a month" in said else "no")
        yield Completion(answer, 1, 1, 1.0, 1.0, "stop")


def outcome(text: str, id: str = "a", **more: Any) -> Outcome:
    return Outcome("rag", id, text, text, **more)


def test_an_answer_is_judged_once(tmp_path: Path) -> None:
    chat = Says()
    right, wrong = outcome("It is a month."), outcome("A year.")
    for _ in range(2):
        judge = Judge("j", lambda: chat, tmp_path / "kept.jsonl")  # type: ignore[arg-type,return-value]
        told = judge.judge([right, wrong, right], QUESTIONS)
        assert (told(right), told(wrong)) == (True, False)
    assert len(chat.asked) == 2
    assert "30 days" in chat.asked[0]
    other = Says()
    Judge("k", lambda: other, tmp_path / "kept.jsonl").judge([right], QUESTIONS)  # type: ignore[arg-type,return-value]
    assert len(other.asked) == 1  # another judge's words are its own


def test_refusals_and_questions_without_gold_ask_nobody(tmp_path: Path) -> None:
    refused, free = outcome("No.", refused=True), outcome("Because.", "b")
    judge = Judge("j", lambda: pytest.fail("opened"), tmp_path / "kept.jsonl")
    told = judge.judge([refused, free], QUESTIONS)
    assert told(refused) is False and told(free) is None


def test_neither_yes_nor_no_is_not_measured(tmp_path: Path) -> None:
    judge = Judge("j", lambda: Says(words="perhaps"), tmp_path / "k.jsonl")  # type: ignore[arg-type,return-value]
    one = outcome("It is 30 days.")
    assert judge.judge([one], QUESTIONS)(one) is None


def test_what_was_judged_before_a_failure_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    Judge("j", lambda: Says(), kept).judge([outcome("It is a month.")], QUESTIONS)  # type: ignore[arg-type,return-value]
    with pytest.raises(EngineError):
        Judge("j", lambda: Says(breaks=True), kept).judge(  # type: ignore[arg-type,return-value]
            [outcome("It is a month."), outcome("A week.")], QUESTIONS
        )
    assert Judge("j", lambda: pytest.fail("asked"), kept).judge(
        [outcome("It is a month.")], QUESTIONS
    )(outcome("It is a month."))


def test_a_judge_decides_what_passes() -> None:
    outcomes = [outcome("It is a month.")]
    by = Yardsticks(judged=lambda one: "month" in one.bare_text)
    report = measure(outcomes, QUESTIONS, by)
    assert report.content == "judge"
    row = report.rows[0].results["rag"].score
    assert row.passed is True and row.values["correct"] == 0.0
    assert row.reason == "Right by the judge."
    assert "right by the judge" in report.verdict
