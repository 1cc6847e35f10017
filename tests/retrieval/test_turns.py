from __future__ import annotations

import threading
import time

from groundtone.retrieval.turns import Turns


def test_turns_are_taken_in_the_order_of_arrival_and_never_more_at_once() -> None:
    turns, order, inside, most = Turns(2), list[int](), list[int](), list[int]()
    hold = threading.Event()

    def call(number: int) -> None:
        with turns.turn():
            inside.append(number)
            most.append(len(inside))
            order.append(number)
            if number < 2:
                hold.wait(30)
            inside.remove(number)

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=call, args=(number,)))
        threads[-1].start()
        until = time.monotonic() + 30
        while len(order) + len(turns._waiting) <= number and time.monotonic() < until:
            time.sleep(0.001)
    assert turns.busy and sorted(order) == [0, 1]
    hold.set()
    for thread in threads:
        thread.join(30)
    assert max(most) <= 2 and len(order) == 8 and not turns.busy


def test_a_turn_that_fails_is_handed_on() -> None:
    turns = Turns(1)
    for _ in range(3):
        try:
            with turns.turn():
                raise ValueError
        except ValueError:
            continue
    with turns.turn():
        assert not turns.busy
