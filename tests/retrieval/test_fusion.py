from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.index import Hit
from groundtone.index.words import indexed
from groundtone.retrieval.fusion import Sides, features, fuse

RULES = ["learned", "weighted", "ranks", "vectors", "words"]
Key = tuple[str, int]


def sides(dense: dict[Key, float], lexical: dict[Key, float], **texts: str) -> Sides:
    def hits(scores: dict[Key, float]) -> list[Hit]:
        best_first = sorted(scores, key=lambda key: -scores[key])
        return [
            Hit(version, chunk, 0, scores[version, chunk], words=indexed(texts.get(version, "")))
            for version, chunk in best_first
        ]

    return Sides(hits(dense), hits(lexical))


def scores(rule: str, found: Sides, question: str = "q", weight: float = 0.2) -> dict[Key, float]:
    return {key: sum(some.values()) for key, some in fuse(rule, found, question, weight).items()}


keys = st.tuples(st.text("abc", min_size=1, max_size=2), st.integers(0, 3))
cosines = st.dictionaries(keys, st.floats(-1, 1, width=32))
bm25 = st.dictionaries(keys, st.floats(0, 100, width=32))


@given(
    dense=cosines,
    lexical=bm25,
    rule=st.sampled_from(RULES),
    weight=st.floats(0, 1),
    question=st.text("abc ", max_size=20),
)
def test_fused_scores_lie_between_0_and_1(
    dense: dict[Key, float], lexical: dict[Key, float], rule: str, weight: float, question: str
) -> None:
    fused = scores(rule, sides(dense, lexical), question, weight)
    known = {"vectors": dense.keys(), "words": lexical.keys()}
    assert fused.keys() == known.get(rule, dense.keys() | lexical.keys())
    assert all(-1e-6 <= score <= 1 + 1e-6 for score in fused.values())


@given(dense=cosines, lexical=bm25)
def test_a_weight_of_one_keeps_the_order_of_vectors(
    dense: dict[Key, float], lexical: dict[Key, float]
) -> None:
    fused = scores("weighted", sides(dense, lexical), weight=1.0)
    for better in dense:
        for worse in dense:
            if dense[better] > dense[worse]:
                assert fused[better] >= fused[worse]


def test_a_single_candidate_counts_in_full() -> None:
    found = sides({("a", 0): 0.4}, {("b", 0): 3.0})
    assert scores("weighted", found, weight=0.3) == {
        ("a", 0): pytest.approx(0.3),
        ("b", 0): pytest.approx(0.7),
    }
    assert scores("ranks", found) == {("a", 0): 0.5, ("b", 0): 0.5}


def test_words_that_stand_together_win_over_words_that_do_not() -> None:
    found = sides(
        {("apart", 0): 0.5, ("together", 0): 0.5},
        {("apart", 0): 3.0, ("together", 0): 3.0},
        apart="The gate of the garden. Many other words are between them here. A wooden door.",
        together="Which key opens the garden door?",
    )
    fused = scores("learned", found, "garden door")
    assert fused["together", 0] > fused["apart", 0]
    parts = features(found, "garden door")
    assert parts["together", 0]["phrases"] == 1 and parts["apart", 0]["phrases"] == 0


def test_a_store_without_words_is_fused_by_both_scores() -> None:
    found = Sides([Hit("a", 0, 0, 0.6)], [Hit("b", 0, 0, 2.0, 0.7)])
    fused = scores("learned", found, "garden door")
    assert fused["b", 0] > fused["a", 0] > 0


def test_the_cosine_of_what_only_words_found_counts() -> None:
    dense = [Hit("a", 0, 0, 0.6)]
    near = Sides(dense, [Hit("b", 0, 0, 2.0, 0.59), Hit("c", 0, 0, 2.0, 0.1)])
    fused = scores("learned", near)
    assert fused["b", 0] > fused["c", 0]
    assert near.cosine == {("a", 0): 0.6, ("b", 0): 0.59, ("c", 0): 0.1}


def test_a_chunk_has_the_score_and_the_window_of_its_best() -> None:
    found = Sides(
        [Hit("a", 0, 2, 0.6), Hit("a", 0, 1, 0.5)], [Hit("a", 0, 1, 4.0, 0.5), Hit("b", 0, 3, 1.0)]
    )
    assert found.dense == {("a", 0): 0.6} and found.lexical == {("a", 0): 4.0, ("b", 0): 1.0}
    assert found.window == {("a", 0): 2, ("b", 0): 3}
