"""Follow-ups stand alone; a memory has an edge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.answering.conversation import condense, follows, remember
from groundtone.errors import WrongUse

TOPIC = "How do I reset my password?"


@pytest.mark.parametrize(
    "question",
    [
        "Why?", "Why not", "Show me.", "And on Windows?", "What about guests?",
        "How do I delete it?", "Can that be undone?", "Does it work offline?",
        "What are their limits?", "How long does it take?",
        "Is there another one?", "Give an example", "Since when?", "Who can do that?",
    ],
)  # fmt: skip
def test_a_follow_up_brings_its_topic(question: str) -> None:
    assert condense(question, [TOPIC]) == f"{TOPIC} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "How large may a profile photo be?", "What does ERR-1003 mean?", "What is a sprint?",
        "If a step of the upgrade fails, what happens to it?",
        "Which files that I delete come back?",
        "Why are guests asked to confirm their address?", "Is it possible to export a board?",
    ],
)  # fmt: skip
def test_a_question_with_its_own_subject_is_left_alone(question: str) -> None:
    assert condense(question, [TOPIC]) == question


def test_a_chain_goes_back_to_the_question_that_stood_alone() -> None:
    assert condense("Why?", ["What is a board?", TOPIC, "And for guests?"]) == (
        f"{TOPIC} And for guests? Why?"
    )
    assert not follows(TOPIC)


def test_without_history_nothing_is_added() -> None:
    assert condense("Why?", []) == "Why?"


def test_the_oldest_turns_are_forgotten_and_counted() -> None:
    history = []
    for number in range(6):
        history.append({"role": "user", "content": f"Question number {number} about boards?"})
        history.append({"role": "assistant", "content": "An answer of five words."})
    found = remember("Why?", history, tokens=40)
    assert found.forgotten > 0
    assert found.history[0]["role"] == "user"
    assert len(found.history) + 2 * found.forgotten == len(history)
    assert found.searched == "Question number 5 about boards? Why?"
    assert remember("Why?", history, tokens=10_000).forgotten == 0
    assert remember("Why?", history, tokens=0).searched == "Why?"


@pytest.mark.parametrize("message", [{"role": "system", "content": "x"}, {"role": "user"}, "x"])
def test_a_broken_history_is_named(message: object) -> None:
    with pytest.raises(WrongUse, match="Message 1"):
        remember("Why?", [message])  # type: ignore[list-item]


@given(st.text(max_size=200), st.lists(st.text(max_size=80), max_size=4))
def test_the_question_is_always_in_what_is_searched(question: str, earlier: list[str]) -> None:
    assert question.strip() in condense(question, earlier)
