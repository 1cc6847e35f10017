"""The account of a paged key-value store: which pages hold what the model has read.

A page is `SIZE` tokens. A prompt is always read in the same pieces, one page each, counted from
its first token; a page that a prompt filled is published under its tokens and those before it,
and is never written again. A later prompt with the same beginning uses it. The last piece is
always read anew, and pages with generated tokens are never shared, because the sums inside a
model differ with how many tokens are read at once. So every token of a prompt is read together
with the same tokens, whatever was asked before: answers are reproducible by construction.

Tokens themselves are compared, not hashes of them. Not thread-safe: the engine locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SIZE = 128
"""Tokens of a page. Measured on one core: 64 at once are read at 0.83 of the speed of 1,000 at
once, 128 at 0.98; and reading can be stopped after each."""

_Key = tuple[int, tuple[int, ...]]


@dataclass(slots=True)
class _Published:
    number: int
    key: _Key
    identity: int
    depth: int
    holders: int = 0
    used: int = 0


@dataclass(slots=True)
class Held:
    """The pages of one request.

    Attributes:
        numbers: its pages in the order of its tokens.
        found: how many of its leading tokens had been read before.
    """

    numbers: list[int] = field(default_factory=list)
    found: int = 0
    _shared: list[_Published] = field(default_factory=list)
    _own: set[int] = field(default_factory=set)
    _parent: int = 0


class Pages:
    """The pages of one store.

    Args:
        keep: how many pages may be filled before the least recently used published ones are
            given up; more only while requests in progress need them.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self._free: list[int] = []
        self._count = 0
        self._index: dict[_Key, _Published] = {}
        self._clock = 0
        self._identities = 0

    @property
    def count(self) -> int:
        """How many pages were ever in use at once: numbers are below this."""
        return self._count

    def take(self, prompt: Sequence[int]) -> Held:
        """Return the published pages with which `prompt` begins; its last token is left over."""
        held = Held()
        self._clock += 1
        for begin in range(0, len(prompt) - SIZE, SIZE):
            page = self._index.get((held._parent, tuple(prompt[begin : begin + SIZE])))
            if page is None:
                break
            page.holders += 1
            page.used = self._clock
            held.numbers.append(page.number)
            held._shared.append(page)
            held._parent = page.identity
        held.found = len(held.numbers) * SIZE
        return held

    def add(self, held: Held) -> None:
        """Give a request one more page, which is its own."""
        if self._free:
            number = self._free.pop()
        elif self._count < self.keep or (number := self._give_up()) < 0:
            number, self._count = self._count, self._count + 1
        held.numbers.append(number)
        held._own.add(number)

    def publish(self, held: Held, tokens: Sequence[int]) -> None:
        """Share a request's last page: it holds these tokens of the prompt, `SIZE` of them."""
        key = (held._parent, tuple(tokens))
        if (known := self._index.get(key)) is not None:  # another request was faster
            held._parent = known.identity
            return
        self._identities += 1
        number = held.numbers[-1]
        page = _Published(
            number, key, self._identities, len(held.numbers), holders=1, used=self._clock
        )
        self._index[key] = page
        held._own.discard(number)
        held._shared.append(page)
        held._parent = page.identity

    def release(self, held: Held) -> None:
        """End a request: its own pages are free again, the published ones stay."""
        for page in held._shared:
            page.holders -= 1
        self._free.extend(sorted(held._own, reverse=True))
        held._shared, held._own, held.numbers = [], set(), []

    def _give_up(self) -> int:
        """Unpublish the page least recently used, deepest first; -1 if all are in use."""
        idle = [page for page in self._index.values() if not page.holders]
        if not idle:
            return -1
        page = min(idle, key=lambda page: (page.used, -page.depth))
        del self._index[page.key]
        return page.number
