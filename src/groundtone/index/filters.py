"""What a search is limited to: labels that windows carry, and a span of time.

Labels are words such as ``type=text/markdown``, ``path=guide/admin`` or ``group=support``. Every
store compares them itself, before it ranks: a window outside the filter is never among the hits,
however few are inside.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """Which windows may be found; the empty filter lets all through.

    Attributes:
        every: sets of labels; a window needs at least one label of each set. An empty set lets
            nothing through: whoever may see nothing finds nothing.
        since, until: seconds since 1970, both included, that ``Entry.modified`` must lie between.
    """

    every: tuple[frozenset[str], ...] = ()
    since: int | None = None
    until: int | None = None

    def __bool__(self) -> bool:
        return bool(self.every) or self.since is not None or self.until is not None

    def allows(self, labels: Collection[str], modified: int) -> bool:
        """Whether a window passes: the meaning that every store has to reproduce."""
        if self.since is not None and modified < self.since:
            return False
        if self.until is not None and modified > self.until:
            return False
        held = set(labels)
        return all(wanted & held for wanted in self.every)


EVERYTHING = Filter()
