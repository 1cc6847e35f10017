"""Metrics against hand-made tables, the rouge-score package, and properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.evaluation import metrics

NORMALISED = [
    ("The answer: Version 4.2.1, in “config.yaml”!", "answer version 4.2.1 in config.yaml"),
    ("Go to Settings > Account.", "go to settings account"),
    ("a read-only, 30-day trial", "read only 30 day trial"),
    ("us-east-1 since 2024-01-31", "us-east-1 since 2024-01-31"),
    ("node.kubernetes.io/not-ready", "node.kubernetes.io/not-ready"),
    ("1,000,000 users; 50%", "1000000 users 50"),
    ("it's -5, not 3-5", "its -5 not 3-5"),
    ("C++ and C#", "c++ and c#"),
    ("well—known foo--bar", "well known foo bar"),
    ("--dry-run=client max_tokens 8080:80", "dry run client max_tokens 8080:80"),
    ("ＦＵＬＬ　width", "full width"),
    ("東京です", "東 京 で す"),
    ("यह काम है।", "यह काम है"),
    ("30-दिन की छुट्टी", "30 दिन की छुट्टी"),
    ("café, n\u0308: cafe\u0301", "café n\u0308 café"),
    ("1\ufe0f\u20e3 apply", "1 apply"),
    ("The", "the"),
    (" ...!? ", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), NORMALISED)
def test_normalise(text: str, expected: str) -> None:
    assert metrics.normalise(text) == expected


# answer, golds, em, f1, contains, all words, correct
TABLE = [
    ("30 days", ["30 days"], True, 1.0, True, True, True),
    ("The 30 Days.", ["30 days"], True, 1.0, True, True, True),
    ("It lasts 30 days in all", ["30 days"], False, 0.5, True, True, True),
    ("days: 30", ["30 days"], False, 1.0, False, True, False),
    ("30", ["30 days"], False, 2 / 3, False, False, False),
    ("version 4.2.1", ["4.2"], False, 0.0, False, False, False),
    ("/etc/hosts", ["/etc"], False, 0.0, False, False, False),
    ("cat", ["dog", "cat"], True, 1.0, True, False, True),
    ("a big cat sat", ["the big cat sat on it", "cat"], False, 0.75, True, True, True),
    ("the big cat sat on it", ["cat", "big cat sat on it"], True, 1.0, True, True, True),
    ("", ["cat"], False, 0.0, False, False, False),
    ("it is not", ["It is not."], True, 1.0, True, True, True),
    ("दिन", ["दान"], False, 0.0, False, False, False),  # Hindi: day, gift
    ("यह काम है", ["कम"], False, 0.0, False, False, False),  # this is work; less
    ("यह काम है", ["काम"], False, 0.5, True, True, True),
    ("দিন", ["দান"], False, 0.0, False, False, False),  # Bengali
    ("கல்", ["கால்"], False, 0.0, False, False, False),  # Tamil
    ("มี", ["มา"], False, 0.0, False, False, False),  # Thai
    ("كِتَاب", ["كِتَاب."], True, 1.0, True, True, True),  # Arabic, with its vowels
]


@pytest.mark.parametrize(("answer", "golds", "em", "f1", "contains", "words", "correct"), TABLE)
def test_table(
    answer: str,
    golds: list[str],
    em: bool,
    f1: float,
    contains: bool,
    words: bool,
    correct: bool,
) -> None:
    assert metrics.exact_match(answer, golds) is em
    assert metrics.token_f1(answer, golds) == pytest.approx(f1)
    assert metrics.contains_gold(answer, golds) is contains
    assert metrics.all_gold_words(answer, golds) is words
    assert metrics.correct(answer, golds) is correct


ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
WORDS = st.lists(st.sampled_from(["red", "blue", "4.2.1", "the", "not", "a-b", "-"])).map(" ".join)


@pytest.fixture(scope="module")
def scorer() -> Any:
    return pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])


@given(answer=ASCII | WORDS, golds=st.lists(ASCII | WORDS, min_size=1, max_size=3))
def test_rouge_l_equals_rouge_score(scorer: Any, answer: str, golds: list[str]) -> None:
    expected = max(scorer.score(gold, answer)["rougeL"].fmeasure for gold in golds)
    assert metrics.rouge_l(answer, golds) == pytest.approx(expected)


@given(st.text() | WORDS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = metrics.normalise(text)
    assert metrics.normalise(once) == once or not set(once.split()) - {"a", "an", "the"}


@given(WORDS, st.lists(WORDS, min_size=1, max_size=3), WORDS)
def test_bounds_and_implications(answer: str, golds: list[str], more: str) -> None:
    f1, rouge = metrics.token_f1(answer, golds), metrics.rouge_l(answer, golds)
    assert 0 <= f1 <= 1 and 0 <= rouge <= 1
    if metrics.exact_match(answer, golds):
        assert f1 == 1
        assert metrics.correct(answer, golds)
    if metrics.contains_gold(answer, golds[:1]):
        assert metrics.all_gold_words(answer, golds)
    if metrics.correct(answer, golds):
        assert metrics.exact_match(answer, golds) or metrics.contains_gold(answer, golds)
    assert metrics.token_f1(answer, [*golds, more]) >= f1


def test_rouge_l_keeps_marks_with_their_letters() -> None:
    assert metrics.rouge_l("cafe\u0301 noir", ["café noir"]) == 1.0
    assert metrics.rouge_l("दिन", ["दान"]) == 0.0
    assert metrics.rouge_l("यह दिन", ["यह दान"]) == 0.5


def test_long_words_of_letters_and_marks_take_no_longer_than_others() -> None:
    """Letters stand in the class of marks, too: read as either, this would never end."""
    assert metrics.tokens(f"30-{'क' * 5000}.5-x") == [f"30-{'क' * 5000}.5-x"]


@pytest.mark.parametrize("metric", metrics.METRICS.values())
def test_no_gold_is_a_mistake_of_the_caller(metric: object) -> None:
    assert callable(metric)
    for golds in ([], "text"):
        with pytest.raises(ValueError, match="gold"):
            metric("answer", golds)
