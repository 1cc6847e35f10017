"""Running arms: order, cache, resuming."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundtone.errors import WrongUse
from groundtone.evaluation import Ask, Outcome, Question, run_arms

QUESTIONS = [Question("a", "One?"), Question("b", "Two?")]


class Counting:
    """Arms that note every call and can break down at one."""

    def __init__(self, break_at: int = 99) -> None:
        self.calls: list[tuple[str, str]] = []
        self._break_at = break_at

    def arms(self, *names: str) -> dict[str, Ask]:
        return {name: self._arm(name) for name in names}

    def _arm(self, name: str) -> Ask:
        def ask(question: Question) -> Outcome:
            if len(self.calls) >= self._break_at:
                raise RuntimeError("engine away")
            self.calls.append((name, question.id))
            cited = [{"document": "ä.md", "resolvable": True}]
            return Outcome(name, question.id, f"Antwört {name}", f"Antwört {name}", False, cited)

        return ask


def test_order_of_asking_and_of_results() -> None:
    for outermost, expected in (
        ("question", [("x", "a"), ("y", "a"), ("x", "b"), ("y", "b")]),
        ("arm", [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]),
    ):
        counting = Counting()
        seen: list[tuple[int, int]] = []
        outcomes = run_arms(
            counting.arms("x", "y"),
            QUESTIONS,
            progress=lambda done, total, _, seen=seen: seen.append((done, total)),  # type: ignore[misc]
            outermost=outermost,  # type: ignore[arg-type]
        )
        assert counting.calls == expected
        assert [(o.arm, o.question_id) for o in outcomes] == [
            ("x", "a"),
            ("x", "b"),
            ("y", "a"),
            ("y", "b"),
        ]
        assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(ValueError, match="outermost"):
        run_arms({}, [], outermost="both")  # type: ignore[arg-type]


def test_resumes_where_it_broke_down(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "answers.jsonl"
    broken = Counting(break_at=3)
    with pytest.raises(RuntimeError):
        run_arms(broken.arms("x", "y"), QUESTIONS, cache=cache)
    again = Counting()
    first = run_arms(again.arms("x", "y"), QUESTIONS, cache=cache)
    assert again.calls == [("y", "b")]
    third = Counting()
    assert run_arms(third.arms("x", "y"), QUESTIONS, cache=cache) == first
    assert third.calls == []


def test_a_line_cut_off_is_asked_again(tmp_path: Path) -> None:
    cache = tmp_path / "answers.jsonl"
    run_arms(Counting().arms("x"), QUESTIONS, cache=cache)
    whole = cache.read_bytes()
    for cut in range(0, len(whole) - 1, 9):
        cache.write_bytes(whole[:cut])
        counting = Counting()
        assert len(run_arms(counting.arms("x"), QUESTIONS, cache=cache)) == 2
        idle = Counting()
        run_arms(idle.arms("x"), QUESTIONS, cache=cache)
        assert counting.calls and not idle.calls


def test_another_fingerprint_or_question_is_asked_again(tmp_path: Path) -> None:
    cache = tmp_path / "answers.jsonl"
    run_arms(Counting().arms("x"), QUESTIONS, cache=cache, fingerprints={"x": "model 1"})
    other = Counting()
    run_arms(other.arms("x"), QUESTIONS, cache=cache, fingerprints={"x": "model 2"})
    assert len(other.calls) == 2
    changed = Counting()
    questions = [Question("a", "One, really?"), QUESTIONS[1]]
    run_arms(changed.arms("x"), questions, cache=cache, fingerprints={"x": "model 1"})
    assert changed.calls == [("x", "a")]


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cache"):
        run_arms(Counting().arms("x"), QUESTIONS, cache=tmp_path)


def test_an_arm_must_answer_as_itself() -> None:
    with pytest.raises(ValueError, match="answered as"):
        run_arms({"y": Counting().arms("x")["x"]}, QUESTIONS)


def test_several_questions_at_once_give_the_same(tmp_path: Path) -> None:
    questions = [Question(str(n), f"Number {n}?") for n in range(12)]
    alone = run_arms(Counting().arms("x", "y"), questions, outermost="arm")
    counting = Counting()
    seen: list[int] = []
    together = run_arms(
        counting.arms("x", "y"),
        questions,
        cache=tmp_path / "kept.jsonl",
        outermost="arm",
        workers={"x": 4},
        progress=lambda done, total, _: seen.append(done),
    )
    assert together == alone and seen == list(range(1, 25))
    idle = Counting()
    again = run_arms(idle.arms("x", "y"), questions, cache=tmp_path / "kept.jsonl", outermost="arm")
    assert again == alone and not idle.calls


def test_what_was_answered_before_one_of_several_failed_is_kept(tmp_path: Path) -> None:
    questions = [Question(str(n), f"Number {n}?") for n in range(9)]
    broken = Counting(break_at=5)
    with pytest.raises(RuntimeError):
        run_arms(
            broken.arms("x"),
            questions,
            cache=tmp_path / "kept.jsonl",
            outermost="arm",
            workers={"x": 3},
        )
    rest = Counting()
    run_arms(rest.arms("x"), questions, cache=tmp_path / "kept.jsonl", outermost="arm")
    assert len(broken.calls) >= 5
    assert sorted(broken.calls + rest.calls) == [("x", q.id) for q in questions]


def test_other_passages_are_another_question(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    run_arms(Counting().arms("x"), QUESTIONS, cache=kept, found=lambda question: "old")
    changed = Counting()
    run_arms(
        changed.arms("x"),
        QUESTIONS,
        cache=kept,
        found=lambda question: "new" if question.id == "b" else "old",
    )
    assert changed.calls == [("x", "b")]
