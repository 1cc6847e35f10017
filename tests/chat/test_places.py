"""The account of the slots, against a model of how llama.cpp's server keeps and reuses state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.chat.places import Places, Step, Weights, common_prefix, last_occurrence

ADAPTERS = {1: "plain", 2: "plain", 3: "activated", 4: "activated"}
PIECE = 3
Read = tuple[int, int, int]
"""Who read a token (0: the base), and beside which: where the batch began and where it ended."""


def pieces(begin: int, end: int, adapter: int) -> list[Read]:
    """How the server reads these positions when it has all before."""
    starts = range(begin, end, PIECE)
    return [
        (adapter, one, min(one + PIECE, end))
        for one in starts
        for _ in range(min(PIECE, end - one))
    ]


@dataclass
class Slot:
    """One slot of the server: its tokens, and how each of them was read."""

    tokens: list[int] = field(default_factory=list)
    read: list[Read] = field(default_factory=list)
    adapter: int = 0

    def request(
        self, tokens: list[int], *, cache: bool, adapter: int | None, start: int, upto: int
    ) -> None:
        """As tools/server does: `adapter` None without ``lora``; `upto`: cancelled after it."""
        if adapter is not None and adapter != self.adapter:
            keeps = ADAPTERS.get(adapter) == "activated" and (
                ADAPTERS.get(self.adapter, "activated") == "activated"
            )
            if not keeps:
                self.tokens, self.read = [], []
        self.adapter = adapter or 0
        past = common_prefix(self.tokens, tokens) if cache else 0
        activated = ADAPTERS.get(self.adapter) == "activated"
        if activated:
            past = min(past, start)
        past = min(past, len(tokens) - 1)
        # Reading an activated adapter's prompt for it goes wrong beside other slots' work.
        assert not (activated and past < start)
        end = max(past, upto)
        self.tokens = tokens[:end]
        self.read = (self.read[:past] + pieces(past, len(tokens), self.adapter))[:end]

    def write(self, tokens: list[int]) -> None:
        """Each alone, as an answer is written."""
        for token in tokens:
            at = len(self.tokens)
            self.tokens.append(token)
            self.read.append((self.adapter, at, at + 1))


asked = st.tuples(
    st.lists(st.integers(0, 1), min_size=1, max_size=10),
    st.sampled_from([0, 1, 2, 3, 4]),
    st.integers(0, 9),
    st.sampled_from([None, None, 0, 1, 3, 5]),
    st.booleans(),
    st.lists(st.integers(0, 1), max_size=4),
)


@given(slots=st.integers(1, 3), history=st.lists(asked, max_size=14))
@settings(max_examples=600, deadline=None)
def test_every_token_is_read_as_if_nothing_had_been_asked_before(slots: int, history: list) -> None:
    places = Places(slots, PIECE)
    server = [Slot() for _ in range(slots)]
    for tokens, adapter, begin, cancelled, failed, written in history:
        activated = ADAPTERS.get(adapter) == "activated"
        start = min(begin, len(tokens) - 1) if activated else None
        plan = places.take(tokens, Weights(adapter or None, start))
        upto = len(tokens) if cancelled is None else cancelled
        slot = server[plan.slot]
        for step in plan.before:
            assert 0 < step.length < len(tokens)
            reader = adapter if ADAPTERS.get(adapter) == "plain" else 0
            slot.request(
                tokens[: step.length] + [1 - tokens[step.length]] * step.cut,
                cache=step.cache,
                adapter=reader if step.scales else None,
                start=0,
                upto=upto,
            )
        if not (plan.before and upto < plan.before[-1].length):
            final = plan.final
            assert final.scales == (adapter != 0) or not final.cache
            slot.request(
                tokens[: final.length],
                cache=final.cache,
                adapter=adapter if final.scales else None,
                start=start or 0,
                upto=upto,
            )
        whole = upto >= len(tokens) and not failed
        if whole:
            split = start if start is not None else 0
            fresh = pieces(0, split, 0) + pieces(split, len(tokens), adapter)
            assert slot.tokens == tokens
            assert slot.read == fresh
            slot.write(written)
        elif failed:
            slot.tokens, slot.read = [9], [(9, 9, 9)]  # anything may be there
        places.give_back(plan, whole=whole)


def test_what_the_base_has_read_is_not_read_again() -> None:
    places = Places(1, 10)
    passages = list(range(95))

    def plan(tokens: list[int], weights: Weights) -> tuple[tuple[Step, ...], Step]:
        found = places.take(tokens, weights)
        places.give_back(found, whole=True)
        return found.before, found.final

    plan([*passages, 1, 2], Weights())
    cut = Step(90, cache=True, scales=False, cut=True)
    assert plan([*passages, 3, 4], Weights()) == ((cut,), Step(97, cache=True, scales=False))
    read = Step(95, cache=True, scales=False)
    assert plan([*passages, 3, 4], Weights(5, 95)) == (
        (cut, read),
        Step(97, cache=True, scales=True),
    )
    # The same passages again, for the same adapter and for another one: at once.
    assert plan([*passages, 8], Weights(5, 95)) == ((), Step(96, cache=True, scales=True))
    assert plan([*passages, 9], Weights(6, 95)) == ((), Step(96, cache=True, scales=True))
    assert plan([*passages, 9], Weights()) == ((cut,), Step(96, cache=True, scales=False))


def test_nothing_is_cut_where_the_prompts_part_by_themselves() -> None:
    places = Places(1, 10)
    first = places.take([*range(20), 7, 7], Weights())
    places.give_back(first, whole=True)
    second = places.take([*range(20), 8, 8], Weights())
    assert second.before == ()


def test_the_slot_with_most_to_use_is_taken() -> None:
    places = Places(2, 2, at_once=2)
    first = places.take([1, 2, 3], Weights())
    second = places.take([7, 8, 9], Weights())
    assert first.slot != second.slot
    for plan in (first, second):
        places.give_back(plan, whole=True)
    assert places.take([7, 8, 1], Weights()).slot == second.slot
    assert places.take([1, 2, 1], Weights()).slot == first.slot


def test_requests_take_turns() -> None:
    places = Places(2, 4)
    first = places.take([1, 2, 3], Weights())
    began = threading.Event()

    def work() -> None:
        places.give_back(places.take([1, 2, 3], Weights()), whole=True)
        began.set()

    waiting = threading.Thread(target=work)
    waiting.start()
    assert not began.wait(0.1)
    places.give_back(first, whole=True)
    assert began.wait(30)
    waiting.join()


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_prefix(first: list[int], second: list[int]) -> None:
    length = common_prefix(first, second)
    assert first[:length] == second[:length]
    assert length in (len(first), len(second)) or first[length] != second[length]


@given(st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1), min_size=1, max_size=3))
def test_last_occurrence(tokens: list[int], sequence: list[int]) -> None:
    found = [
        begin for begin in range(len(tokens)) if tokens[begin : begin + len(sequence)] == sequence
    ]
    assert last_occurrence(tokens, sequence) == (found[-1] if found else None)
