from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from groundtone.index.words import indexed, telling
from groundtone.retrieval.nearness import LONG, NEAR, Pairs

# Equal beginnings, equal lengths, stop words, accents, an identifier, a script without spaces.
SOME = """
    heat heating the of a garden gardens boundarylayers boundarylayer1 boundarylayer2 größe GRÖSSE
    ERR-1042 err1042 x xx 日本語の abcdefgh abcdefgi abcdefg
"""
WORDS = [*SOME.split(), "y" * 64, "y" * 63 + "z", "y" * 65]
texts = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)


def one(question: str, *windows: str) -> tuple[float, float]:
    return Pairs(question).within([[indexed(window) for window in windows]])[0]


def test_word_forms_and_order_do_not_hide_nearness() -> None:
    asked = "resetting the passwords"
    assert one(asked, "Password reset") == (0.0, 1.0)
    assert one(asked, "Reset all of your passwords") == (0.0, 1.0)
    assert one("reset passwords", "Reset a password. Reset passwords.")[0] == 1
    assert one(asked) == one(asked, "") == (0.0, 0.0)
    assert not Pairs("the of and") and not Pairs("") and not Pairs("password")


def test_forms_on_the_second_line_are_no_neighbours() -> None:
    assert one("end err1042", "ERR-1042 is the end")[0] == 0


def test_windows_and_passages_are_apart() -> None:
    pairs = Pairs("garden door")
    assert pairs.within([["garden", "door"], ["door garden"], []]) == [(0, 0), (0, 1), (0, 0)]
    far = " ".join(["garden", *["wall"] * NEAR, "door"])
    assert pairs.within([[far], [far.replace("wall ", "", 1)]]) == [(0, 0), (0, 1)]


@given(question=texts, passages=st.lists(st.lists(texts, max_size=3), max_size=4))
def test_all_at_once_is_the_same_as_word_by_word(question: str, passages: list[list[str]]) -> None:
    pairs = Pairs(question)
    if pairs:
        told = [[indexed(text) for text in some] for some in passages]
        assert pairs.within(told) == [word_by_word(question, some) for some in told]


def word_by_word(question: str, windows: list[str]) -> tuple[float, float]:
    """What `Pairs.within` means, for one passage."""
    said = telling(question)
    told = [word for word in said if word]
    neighbours = set(itertools.pairwise(told))
    phrases = {(a, b) for a, b in itertools.pairwise(said) if a and b and a != b}
    beside: set[tuple[str, str]] = set()
    near: set[tuple[str, str]] = set()
    for window in windows:
        plain = window.partition("\n")[0].split(" ")
        for (first, a), (later, b) in itertools.combinations(enumerate(plain), 2):
            if later - first <= NEAR:
                near.add((a, b))
            if later - first == 1:
                beside.add((a, b))
    close = sum(pair in near or pair[::-1] in near for pair in neighbours)
    share = min(1.0, LONG / max(1, len(set(told))))
    return len(phrases & beside) / max(1, len(phrases)), share * close / max(1, len(neighbours))
