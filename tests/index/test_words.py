from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtone.index.words import LONGEST, QUERY_WORDS, asked, indexed, stem, telling


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Resetting passwords", "reset a password"),
        ("The policies were denied.", "Which policy denies it?"),
        ("GRÖSSE und Straße", "größe strasse"),
        ("naïve café", "naive cafe"),
        ("東京タワーは高い", "東京"),
        ("Call s3:GetObject with ERR-1042.", "s3:GetObject"),
        ("Call s3:GetObject with ERR-1042.", "err-1042"),
        ("since 1.29.3", "version 1.29.3"),
        ("--enable-admission-plugins=A,B", "enable-admission-plugins"),
    ],
)
def test_a_question_meets_the_words_of_a_document(text: str, question: str) -> None:
    assert set(indexed(text).split()) & set(asked(question).split())


@pytest.mark.parametrize("name", ["ERR-1042", "s3:GetObject", "metadata.name", "v1.29.3", "a/b@c"])
def test_compounds_are_one_word_too_on_a_line_of_their_own(name: str) -> None:
    whole = "".join(filter(str.isalnum, name.casefold()))
    plain, _, forms = indexed(f"About {name} here").partition("\n")
    assert whole in forms.split() and whole not in plain.split()
    assert whole in asked(f"what is {name}?").split()


def test_stop_words_are_asked_for_only_where_nothing_else_is() -> None:
    assert asked("What is the password of it?").split() == [stem("password")]
    assert asked("to be or not to be").split() == ["not"]
    assert set(asked("where is it").split()) == {"where", "is", "it"}
    assert telling("reset the old password") == ["reset", "", "old", "password"]


def test_words_are_asked_once_and_bounded() -> None:
    assert asked("key key Keys KEY").split() == ["key"]
    many = " ".join(f"word{number}x" for number in range(20_000))
    assert len(asked(many).split()) == QUERY_WORDS and len(telling(many)) <= QUERY_WORDS
    assert asked("a" * (LONGEST + 1)) == "" and indexed("a" * 100_000) == ""


def test_stems_are_right_from_many_threads() -> None:
    words = [f"resetting{number % 7}{'s' * (number % 3)}" for number in range(3000)]
    expected = [stem(word) for word in words]
    stem.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(stem, words)) == expected


@given(st.text())
def test_any_text_is_data(text: str) -> None:
    assert all(word for word in indexed(text).split())
    assert asked(text).count("\n") == 0
    assert len(telling(text)) <= QUERY_WORDS
