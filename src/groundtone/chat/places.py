"""Which prompt state may be used again: the ledger of a llama.cpp server's slots.

llama.cpp keeps the state of the last prompt in each slot and reuses what the next prompt has in
common with it. It compares tokens, not which weights read them, so (measured with xllamacpp
2026.10, read in llama.cpp's tools/server):

* a request without the field ``lora`` reuses what any adapter read;
* a request with an activated adapter reuses what another activated adapter, or its own earlier
  turn, read beyond *its* invocation;
* a request that sets all scales to 0 throws away even what the base had read.

So this module keeps its own account. For each slot it knows the tokens and how many leading ones
the base has read; it pins each request to a slot and says how to send it: without ``lora`` (the
slot's common prefix is used), after cutting the slot back to what the base has read, or from
scratch. Then an answer never depends on what was asked before, and passages that the base has
read are still read only once for the base and for all activated adapters.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

_EVERYTHING = 1 << 62


@dataclass(frozen=True, slots=True)
class Weights:
    """What reads a prompt.

    Attributes:
        adapter: the adapter's number in the server, None for the base alone.
        start: for an activated adapter, the position of the first token that it reads; the base
            reads those before. None for a plain adapter, which reads all.
    """

    adapter: int | None = None
    start: int | None = None

    @property
    def plain(self) -> bool:
        return self.adapter is not None and self.start is None

    @property
    def base_reads(self) -> int:
        """How many leading tokens the base reads."""
        if self.plain:
            return 0
        return _EVERYTHING if self.start is None else self.start


@dataclass(slots=True)
class Place:
    """One slot: its number, and what is in it."""

    number: int
    tokens: Sequence[int] = ()
    weights: Weights | None = None  # None: empty or unknown
    busy: bool = False
    used: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to send a request.

    Attributes:
        slot: the slot to pin it to.
        cut: first make the slot hold just this many leading tokens (0: not needed).
        cache: whether the slot's state may be used at all.
        scales: whether to send ``lora``; without it the base answers and keeps the state.
    """

    slot: int
    cut: int
    cache: bool
    scales: bool


@dataclass
class Places:
    """The slots of one server. Thread-safe."""

    count: int
    _places: list[Place] = field(init=False)
    _free: threading.Condition = field(init=False, default_factory=threading.Condition)
    _clock: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._places = [Place(number) for number in range(self.count)]

    def take(self, tokens: Sequence[int], weights: Weights) -> Plan:
        """Wait for a free slot, the one with most to use again, and plan the request for it."""
        with self._free:
            self._free.wait_for(lambda: any(not place.busy for place in self._places))
            free = [place for place in self._places if not place.busy]
            place = max(
                free, key=lambda place: (usable(place, tokens, weights), -place.used, -place.number)
            )
            plan = self._plan(place, tokens, weights)
            self._clock += 1
            place.busy, place.used = True, self._clock
            place.tokens, place.weights = tokens, weights
            return plan

    def give_back(self, plan: Plan, *, known: bool = True) -> None:
        """End a request; `known` False where the slot's state is not certain (an error)."""
        with self._free:
            place = self._places[plan.slot]
            place.busy = False
            if not known:
                place.tokens, place.weights = (), None
            self._free.notify()

    @staticmethod
    def _plan(place: Place, tokens: Sequence[int], weights: Weights) -> Plan:
        scales = weights.adapter is not None
        before = place.weights
        if before is None:
            return Plan(place.number, cut=0, cache=False, scales=True)
        if weights.plain or before.plain:
            same = before == weights
            return Plan(place.number, cut=0, cache=same, scales=True)
        common = common_prefix(place.tokens, tokens)
        if min(common, weights.base_reads) <= before.base_reads:
            return Plan(place.number, cut=0, cache=True, scales=scales)
        if before.base_reads == 0:
            return Plan(place.number, cut=0, cache=False, scales=scales)
        return Plan(place.number, cut=before.base_reads, cache=True, scales=scales)


def usable(place: Place, tokens: Sequence[int], weights: Weights) -> int:
    """Return how many leading tokens of a prompt need not be read again in this slot."""
    before = place.weights
    if before is None:
        return 0
    common = common_prefix(place.tokens, tokens)
    if weights.plain or before.plain:
        return common if before == weights else -common_cost(place)
    return min(common, weights.base_reads, before.base_reads)


def common_cost(place: Place) -> int:
    """Return what is lost when a slot's state is thrown away: its length in tokens."""
    return len(place.tokens)


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the common prefix."""
    length = min(len(first), len(second))
    if first[:length] == second[:length]:
        return length
    low, high = 0, length
    while low < high:  # slices compare in C, so halving beats a loop over tokens
        middle = (low + high + 1) // 2
        if first[:middle] == second[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def last_occurrence(tokens: Sequence[int], sequence: Sequence[int]) -> int | None:
    """Return where `sequence` last begins in `tokens`, None if nowhere."""
    size = len(sequence)
    for begin in range(len(tokens) - size, -1, -1):
        if tokens[begin] == sequence[0] and list(tokens[begin : begin + size]) == list(sequence):
            return begin
    return None
