"""The account of the slots, against a model of how llama.cpp's server keeps and reuses state."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from groundtone.chat.places import Places, Weights, common_prefix, last_occurrence

ADAPTERS = {1: "plain", 2: "plain", 3: "activated", 4: "activated"}


@dataclass
class Slot:
    """One slot of the server: its tokens, and which adapter (0: none) read each of them."""

    tokens: list[int] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)
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
                self.tokens, self.readers = [], []
        self.adapter = adapter or 0
        past = common_prefix(self.tokens, tokens) if cache else 0
        if ADAPTERS.get(self.adapter) == "activated":
            past = min(past, start)
        past = min(past, len(tokens) - 1)
        activated = ADAPTERS.get(self.adapter) == "activated"
        readers = [
            0 if activated and position < start else self.adapter
            for position in range(past, len(tokens))
        ]
        # Reading an activated adapter's prompt for it goes wrong beside other slots' work.
        assert not (activated and past < start)
        self.tokens = tokens[: max(past, upto)]
        self.readers = (self.readers[:past] + readers)[: max(past, upto)]


asked = st.tuples(
    st.lists(st.integers(0, 1), min_size=1, max_size=7),
    st.sampled_from([0, 1, 2, 3, 4]),
    st.integers(0, 6),
    st.sampled_from([None, 0, 1, 3, 5]),
    st.booleans(),
)


@given(slots=st.integers(1, 3), history=st.lists(asked, max_size=14))
@settings(max_examples=600, deadline=None)
def test_every_token_is_read_by_the_weights_it_should_be(slots: int, history: list) -> None:
    places = Places(slots)
    server = [Slot() for _ in range(slots)]
    for tokens, adapter, begin, cancelled, failed in history:
        activated = ADAPTERS.get(adapter) == "activated"
        start = min(begin, len(tokens) - 1) if activated else None
        plan = places.take(tokens, Weights(adapter or None, start))
        upto = len(tokens) if cancelled is None else cancelled
        slot = server[plan.slot]
        for step in plan.before:
            assert 0 < step.length < len(tokens)
            slot.request(
                tokens[: step.length],
                cache=step.cache,
                adapter=0 if step.scales else None,
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
        wanted = [
            0 if adapter == 0 or (start is not None and position < start) else adapter
            for position in range(len(slot.tokens))
        ]
        assert slot.tokens == tokens[: len(slot.tokens)]
        assert slot.readers == wanted
        if failed:
            slot.tokens, slot.readers = [9], [9]  # anything may be there
        places.give_back(plan, known=not failed, whole=upto == len(tokens) and not failed)


def test_what_the_base_has_read_is_not_read_again() -> None:
    places = Places(1)
    passages = list(range(100))
    plan = places.take([*passages, 1, 2], Weights())
    places.give_back(plan, known=True, whole=True)
    plan = places.take([*passages, 3, 4], Weights(5, 100))
    assert (plan.before, plan.final.cache) == ((), True)
    places.give_back(plan, known=True, whole=True)
    plan = places.take([*passages, 3, 9], Weights())
    assert [step.length for step in plan.before] == [100]
    assert plan.final.cache


def test_the_slot_with_most_to_use_is_taken() -> None:
    places = Places(2)
    first = places.take([1, 2, 3], Weights())
    second = places.take([7, 8, 9], Weights())
    assert first.slot != second.slot
    for plan in (first, second):
        places.give_back(plan, known=True, whole=True)
    assert places.take([7, 8, 1], Weights()).slot == second.slot
    assert places.take([1, 2, 1], Weights()).slot == first.slot


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
