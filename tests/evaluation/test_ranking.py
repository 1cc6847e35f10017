from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.evaluation.ranking import ndcg, recall, reciprocal_rank


def test_ndcg_of_a_worked_example() -> None:
    # Gains 3, 2, 3, 0, 1, 2 in this order; ideal 3, 3, 2, 2, 1: trec_eval says 0.9608.
    gains = {"a": 3, "b": 2, "c": 3, "e": 1, "f": 2}
    assert ndcg("abcdef", gains, 6) == pytest.approx(0.96081, abs=1e-5)


def test_only_the_first_k_count() -> None:
    assert ndcg("a", {"a": 1}) == 1
    ranking = [*"0123456789", "a"]
    assert ndcg(ranking, {"a": 1}, 10) == 0
    assert ndcg(ranking, {"a": 1}, 11) == pytest.approx(1 / math.log2(12))
    assert recall(ranking, {"a": 1, "0": 1}, 10) == 0.5
    assert reciprocal_rank(ranking, {"a": 1}, 10) == 0
    assert reciprocal_rank(ranking, {"a": 1, "3": 1}, 10) == 0.25


def test_without_a_relevant_document_nothing_is_defined() -> None:
    for gains in ({}, {"a": 0}):
        with pytest.raises(ValueError, match="not defined"):
            ndcg("abc", gains)
        with pytest.raises(ValueError, match="not defined"):
            recall("abc", gains, 3)
        assert reciprocal_rank("abc", gains) == 0


@given(
    ranking=st.lists(st.sampled_from("abcdefgh"), unique=True),
    gains=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 4), min_size=1),
    k=st.integers(1, 10),
)
def test_bounds_and_the_best_order(ranking: list[str], gains: dict[str, int], k: int) -> None:
    assert 0 <= ndcg(ranking, gains, k) <= 1 + 1e-9
    assert 0 <= recall(ranking, gains, k) <= 1
    best = sorted(gains, key=lambda name: -gains[name])
    assert ndcg(best, gains, k) == pytest.approx(1)
