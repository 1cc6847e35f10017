"""The account of the pages, against a store that remembers what was written where."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.chat.pages import SIZE, Pages

# Prompts made of few different pages, so that many begin alike.
prompts = st.tuples(
    st.lists(st.integers(0, 1), max_size=4), st.integers(1, SIZE), st.integers(0, 2)
)
steps = st.lists(st.tuples(prompts, st.integers(0, 2), st.integers(0, 300)), max_size=25)


@given(keep=st.integers(1, 6), history=steps)
@settings(max_examples=200, deadline=None)
def test_each_piece_was_read_as_if_alone(keep: int, history: list) -> None:
    pages = Pages(keep)
    store: dict[int, tuple] = {}  # page -> (all tokens up to its end, how they were cut)
    running: list[tuple] = []
    for (filled, rest, last), together, written in history:
        prompt = [token for token in filled for _ in range(SIZE)] + [last] * rest
        held = pages.take(prompt)
        assert held.found < len(prompt)
        assert held.found % SIZE == 0
        for number, end in zip(held.numbers, range(SIZE, held.found + 1, SIZE), strict=True):
            assert store[number] == (tuple(prompt[:end]), "prompt")
        for begin in range(held.found, len(prompt), SIZE):
            pages.add(held)
            piece = prompt[begin : begin + SIZE]
            store[held.numbers[-1]] = (tuple(prompt[: begin + len(piece)]), "prompt")
            if len(piece) == SIZE:
                pages.publish(held, piece)
        for position in range(len(prompt), len(prompt) + written):
            if position % SIZE == 0:
                pages.add(held)
            store[held.numbers[-1]] = ((), "generated")
        assert len(set(held.numbers)) == len(held.numbers)
        running.append((held, {number: store[number] for number in held.numbers}))
        while len(running) > together:
            done, wrote = running.pop(0)
            # Nobody wrote into the pages of a request in progress.
            assert {number: store[number] for number in done.numbers} == wrote
            pages.release(done)


def test_pages_used_least_recently_are_given_up() -> None:
    pages = Pages(2)

    def read(token: int) -> int:
        prompt = [token] * (SIZE + 1)
        held = pages.take(prompt)
        found = held.found
        for begin in range(found, len(prompt), SIZE):
            pages.add(held)
            if begin == 0:
                pages.publish(held, prompt[:SIZE])
        pages.release(held)
        return found

    assert [read(1), read(1), read(2), read(2), read(1)] == [0, SIZE, 0, SIZE, 0]
    assert pages.count == 2


def test_requests_in_progress_get_what_they_need() -> None:
    pages = Pages(1)
    first, second = pages.take([1]), pages.take([1])
    for held in (first, second, second):
        pages.add(held)
    assert pages.count == 3
    assert not set(first.numbers) & set(second.numbers)
    pages.release(first)
    pages.release(second)
    again = pages.take([1])
    pages.add(again)
    assert pages.count == 3
