"""The general probe: what counts as right, and as lost."""

from __future__ import annotations

import dataclasses

from groundtone.evaluation.everyday import QUESTIONS, probed, right
from groundtone.evaluation.gate import Parity


def test_there_are_thirty_different_questions_each_with_an_answer() -> None:
    assert len({question for question, _ in QUESTIONS}) == len(QUESTIONS) == 30
    for number, (question, accepted) in enumerate(QUESTIONS):
        assert right(number, f"It is {accepted.split('|')[-1].upper()}.")
        assert not right(number, question)


def test_a_few_lost_are_luck_and_many_are_not() -> None:
    good = [accepted.split("|")[0] for _, accepted in QUESTIONS]
    few = ["no"] * 3 + good[3:]
    many = ["no"] * 8 + good[8:]
    assert not probed(good, good).lost and probed(good, good).p == 1.0
    assert not probed(good, few).lost
    assert probed(good, many).lost
    assert not probed(many, good).lost
    assert probed(good, many).before == 1.0 and probed(good, many).questions == 30


def test_parity_allows_near_ties_and_not_another_model() -> None:
    assert Parity(6, 2, 8).holds and Parity(6, 0, 8).holds
    assert not Parity(4, 1, 8).holds
    assert dataclasses.asdict(Parity(1, 0, 1)) == {"equal": 1, "near": 0, "of": 1}
