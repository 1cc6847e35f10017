"""Time spent embedding is counted by thread."""

from __future__ import annotations

import threading

from tests.small_embedder import SmallEmbedder

from groundtone.answering.clock import Clocked
from groundtone.embedding import Embedder


def test_it_is_the_embedder_inside_with_a_clock() -> None:
    small = SmallEmbedder()
    clock = Clocked(lambda: small)
    assert isinstance(clock, Embedder)
    assert clock.ms == 0.0
    assert (clock.embed(["one two"]) == small.embed(["one two"])).all()
    assert clock.encode("one two") == small.encode("one two")
    assert clock.ms > 0.0
    clock.restart()
    assert clock.ms == 0.0


def test_each_thread_has_its_own_count() -> None:
    clock = Clocked(SmallEmbedder)
    other = threading.Thread(target=clock.embed, args=(["one"],))
    other.start()
    other.join()
    assert clock.ms == 0.0


def test_nothing_is_opened_before_it_is_needed() -> None:
    opened: list[SmallEmbedder] = []

    def opening() -> SmallEmbedder:
        opened.append(SmallEmbedder())
        return opened[0]

    clock = Clocked(opening)
    clock.restart()
    assert not opened
    assert clock.dimensions == opened[0].dimensions
