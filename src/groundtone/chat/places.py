"""Which prompt state may be used again: the ledger of a llama.cpp server's slots.

llama.cpp keeps the state of the last prompt in each slot and reuses what the next prompt has in
common with it. It compares tokens, not which weights read them, so (measured with xllamacpp
2026.10, read in llama.cpp's tools/server):

* a request without the field ``lora`` reuses what any adapter read;
* a request with an activated adapter reuses what another activated adapter, or its own earlier
  turn, read beyond *its* invocation;
* a request with an activated adapter that still has tokens of the base's to read reads them with
  the wrong weights as soon as another slot works at the same time, and spoils that one's answer;
* a request that sets all scales to 0 throws away even what the base had read.

So this module keeps its own account. For each slot it knows the tokens and how many leading ones
the base has read; it pins each request to a slot and says how to send it: from scratch, or on top
of the slot's state, or after steps in which the base alone cuts the state back to what it has
read and reads on up to the token where an activated adapter begins. Then an answer never depends
on what was or is asked besides, and passages are read once for the base and for all activated
adapters.
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
    """One slot: its number, and what is in it.

    Attributes:
        tokens: the prompt last sent; the state is of these or, if that was cut short, of fewer.
        weights: what read them; None: empty or unknown.
        whole: whether all of `tokens` were read.
    """

    number: int
    tokens: Sequence[int] = ()
    weights: Weights | None = None
    whole: bool = False
    busy: bool = False
    used: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One request to a slot.

    Attributes:
        length: how many leading tokens of the prompt to send.
        cache: whether the slot's state may be used.
        scales: whether to send ``lora``; without it the base answers and keeps the state.
    """

    length: int
    cache: bool
    scales: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How to send a request: the slot, what the base reads before, then the request itself."""

    slot: int
    before: tuple[Step, ...]
    final: Step


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
            before, final = _steps(place, tokens, weights)
            self._clock += 1
            place.busy, place.used = True, self._clock
            place.tokens, place.weights, place.whole = tokens, weights, False
            return Plan(place.number, before, final)

    def give_back(self, plan: Plan, *, known: bool, whole: bool) -> None:
        """End a request.

        Args:
            known: False where it failed, so that the slot's state is not certain.
            whole: whether all of the prompt was read.
        """
        with self._free:
            place = self._places[plan.slot]
            place.busy, place.whole = False, whole
            if not known:
                place.tokens, place.weights, place.whole = (), None, False
            self._free.notify()


def _steps(place: Place, tokens: Sequence[int], weights: Weights) -> tuple[tuple[Step, ...], Step]:
    before, length = place.weights, len(tokens)
    if weights.plain:
        return (), Step(length, cache=before == weights, scales=True)
    if before is None or before.plain:
        # All scales at 0 make the server drop the state together with the adapter.
        if not weights.start:
            return (), Step(length, cache=False, scales=True)
        first = Step(weights.start, cache=False, scales=True)
        return (first,), Step(length, cache=True, scales=True)
    common = common_prefix(place.tokens, tokens)
    steps: list[Step] = []
    cache = True
    if min(common, weights.base_reads) > before.base_reads:
        if before.base_reads:
            steps.append(Step(before.base_reads, cache=True, scales=False))
        else:
            cache = False
    if weights.start is None:
        return tuple(steps), Step(length, cache=cache, scales=False)
    if weights.start and not (place.whole and not steps and cache and common >= weights.start):
        steps.append(Step(weights.start, cache=cache, scales=False))
        cache = True
    return tuple(steps), Step(length, cache=cache and weights.start > 0, scales=True)


def usable(place: Place, tokens: Sequence[int], weights: Weights) -> int:
    """Return how many leading tokens of a prompt need not be read again in this slot."""
    before = place.weights
    if before is None:
        return 0
    common = common_prefix(place.tokens, tokens)
    if weights.plain or before.plain:
        return common if before == weights else -len(place.tokens)  # what would be lost
    return min(common, weights.base_reads, before.base_reads)


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
