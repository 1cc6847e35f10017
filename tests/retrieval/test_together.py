from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from groundtone.retrieval.together import Together


class Held:
    """Work that goes on when it is let: each batch as it was asked, and what fails."""

    def __init__(self, *failing: int) -> None:
        self.batches: list[list[int]] = []
        self.failing = failing
        self.go = threading.Event()

    def __call__(self, asked: Sequence[int]) -> Iterator[int]:
        self.batches.append(list(asked))
        assert self.go.wait(60)
        for number in asked:
            if number in self.failing:
                raise ValueError(number)
            yield 10 * number


def called(together: Together[int, int], count: int, come: Callable[[int], bool]) -> list[object]:
    """What so many threads get that come one after the other."""
    got: list[object] = [None] * count

    def call(number: int) -> None:
        try:
            got[number] = together(number)
        except ValueError as error:
            got[number] = error.args

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for number, thread in enumerate(threads):
        thread.start()
        until = time.monotonic() + 60
        while not come(number) and time.monotonic() < until:
            time.sleep(0.001)
    for thread in threads:
        thread.join(60)
    return got


def all_called(work: Held, at_once: int, most: int, count: int) -> list[object]:
    together: Together[int, int] = Together(work, at_once, most)

    def come(number: int) -> bool:
        there = sum(map(len, work.batches)) + len(together._waiting) > number
        if there and number + 1 == count:
            assert together.busy == (count > at_once)
            work.go.set()
        return there

    got = called(together, count, come)
    assert not together.busy and together._free == at_once
    return got


def test_who_comes_while_others_are_at_work_joins_the_next_batch() -> None:
    work = Held()
    assert all_called(work, 1, 4, 8) == [10 * number for number in range(8)]
    assert work.batches == [[0], [1, 2, 3, 4], [5, 6, 7]]


def test_batches_at_once_and_each_in_the_order_of_arrival() -> None:
    work = Held()
    assert all_called(work, 2, 1, 6) == [10 * number for number in range(6)]
    assert sorted(work.batches[:2]) == [[0], [1]] and len(work.batches) == 6


def test_a_failure_is_that_of_the_one_whose_turn_it_was() -> None:
    work = Held(0, 2, 5)
    assert all_called(work, 1, 8, 7) == [(0,), 10, (2,), 30, 40, (5,), 60]
    assert work.batches == [[0], [1, 2, 3, 4, 5, 6], [3, 4, 5, 6], [6]]


def test_whoever_is_interrupted_leaves_the_rest_to_the_next() -> None:
    go, begun = threading.Event(), threading.Event()
    got: list[int] = []

    def work(asked: Sequence[int]) -> Iterator[int]:
        for number in asked:
            if number == 0:
                begun.set()
                assert go.wait(60)
                raise KeyboardInterrupt
            yield number

    together: Together[int, int] = Together(work, 1, 8)

    def interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            together(0)
        got.append(0)

    threads = [threading.Thread(target=interrupted)]
    threads[0].start()
    assert begun.wait(60)
    threads.append(threading.Thread(target=lambda: got.append(together(1))))
    threads[1].start()
    until = time.monotonic() + 60
    while not together.busy and time.monotonic() < until:
        time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == [0, 1] and together(2) == 2
