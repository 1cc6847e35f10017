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

And a token's sums differ in their last bits with how many tokens are read at once, on some
processors and for some kinds of weights, so the server's reuse up to the first new token makes an
answer depend on what was asked before.

So this module keeps its own account. A prompt is read in pieces of a fixed size, counted from its
first token, and only whole pieces are used again: a slot's state is cut back to them by a token
that differs from the prompt's next one, and the rest is read in the same pieces as the first time.
Where an activated adapter begins, a piece ends early. For each slot the account knows the tokens
and how many leading ones the base has read; it pins each request to a slot and says how to send
it: from scratch, or on top of the slot's state, or after steps in which the base alone cuts the
state back and reads on up to the token where an activated adapter begins. Then passages are read
once for the base and for all activated adapters, and, as one request is worked on at a time, every
token is always read by the same weights beside the same tokens.
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
        tokens: the prompt last read; what was written after it is in the state, too.
        weights: what read them; None: the state is empty or unknown.
    """

    number: int
    tokens: Sequence[int] = ()
    weights: Weights | None = None
    busy: bool = False
    used: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One request to a slot.

    Attributes:
        length: how many leading tokens of the prompt to send.
        cache: whether the slot's state may be used.
        scales: whether to send ``lora``; without it the base answers and keeps the state.
        cut: whether to send, after these, a token that differs from the prompt's next one, so that
            the slot's state ends there for the next request.
    """

    length: int
    cache: bool
    scales: bool
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How to send a request: the slot, what the base reads before, then the request itself."""

    slot: int
    before: tuple[Step, ...]
    final: Step


@dataclass
class Places:
    """The slots of one server. Thread-safe.

    Args:
        count: how many slots there are.
        piece: tokens that the server reads at once.
        at_once: requests worked on at the same time; above 1 they share pieces, and answers can
            depend on what is asked beside them.
    """

    count: int
    piece: int
    at_once: int = 1
    _places: list[Place] = field(init=False)
    _free: threading.Condition = field(init=False, default_factory=threading.Condition)
    _clock: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._places = [Place(number) for number in range(self.count)]

    def take(self, tokens: Sequence[int], weights: Weights) -> Plan:
        """Wait for a turn, take the slot with most to use again, and plan the request for it."""
        with self._free:
            self._free.wait_for(lambda: sum(place.busy for place in self._places) < self.at_once)
            free = [place for place in self._places if not place.busy]
            place = max(free, key=lambda one: (self._worth(one, tokens, weights), -one.used))
            before, final = self._steps(place, tokens, weights)
            self._clock += 1
            place.busy, place.used = True, self._clock
            place.tokens, place.weights = tokens, weights
            return Plan(place.number, before, final)

    def give_back(self, plan: Plan, *, whole: bool) -> None:
        """End a request.

        Args:
            whole: whether all of the prompt was read. Otherwise, as after a failure, nobody knows
                where the slot's state ends, and it is not used again.
        """
        with self._free:
            place = self._places[plan.slot]
            place.busy = False
            if not whole:
                place.tokens, place.weights = (), None
            self._free.notify()

    def _worth(self, place: Place, tokens: Sequence[int], weights: Weights) -> int:
        """How many tokens need not be read again in this slot; below 0: how many would be lost."""
        if place.weights and (weights.plain or place.weights.plain) and place.weights != weights:
            return -len(place.tokens)
        return self._kept(place, tokens, weights)

    def _kept(self, place: Place, tokens: Sequence[int], weights: Weights) -> int:
        """How many leading tokens were read as this request would read them."""
        before = place.weights
        if before is None or ((weights.plain or before.plain) and before != weights):
            return 0
        common = common_prefix(place.tokens, tokens)
        if _begins_alike(place, weights) and common >= before.base_reads:
            return before.base_reads
        if not weights.plain:
            common = min(common, weights.base_reads, before.base_reads)
        return min(common, len(tokens) - 1) // self.piece * self.piece

    def _steps(
        self, place: Place, tokens: Sequence[int], weights: Weights
    ) -> tuple[tuple[Step, ...], Step]:
        kept, length = self._kept(place, tokens, weights), len(tokens)
        start, steps = weights.start, []
        if _begins_alike(place, weights) and kept == start:
            # The server itself cuts back to where an activated adapter begins.
            return (), Step(length, cache=kept > 0, scales=True)
        if kept and not _parts_at(place, tokens, kept):
            steps.append(Step(kept, cache=True, scales=weights.plain, cut=True))
        # All scales at 0 make the server drop its state together with the adapter of before.
        fresh = place.weights is None or place.weights.plain
        if start is None:
            scales = weights.plain or fresh
            return tuple(steps), Step(length, cache=kept > 0, scales=scales)
        if kept < start:
            steps.append(Step(start, cache=kept > 0, scales=fresh))
        return tuple(steps), Step(length, cache=start > 0, scales=True)


def _begins_alike(place: Place, weights: Weights) -> bool:
    """Whether the base has read to its end what stands before the activated adapter."""
    before = place.weights
    return before is not None and weights.start is not None and before.start == weights.start


def _parts_at(place: Place, tokens: Sequence[int], position: int) -> bool:
    """Whether the slot's state surely has another token here than the prompt."""
    return position < len(place.tokens) and place.tokens[position] != tokens[position]


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
