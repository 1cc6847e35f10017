"""Which parts of a found passage are worth showing: those nearly as near as the nearest of all.

A passage of several windows rarely answers with all of them. Measured in docs/chunking.md: these
parts of five passages hold more of the wanted text than five pieces of fixed size, and less beside
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from groundtone.catalog import Key
from groundtone.index import Hit

NEAR = 0.65  # share of the best cosine of all windows found

Span = tuple[int, int]


def matching(hits: Sequence[Hit]) -> dict[Key, set[int]]:
    """The windows of each chunk with a cosine of at least `NEAR` times the best.

    Args:
        hits: of the search by vectors.
    """
    least = NEAR * max((hit.score for hit in hits), default=0.0)
    found: dict[Key, set[int]] = {}
    for hit in hits:
        if hit.score >= least:
            found.setdefault((hit.version, hit.chunk), set()).add(hit.window)
    return found


def joined(spans: Iterable[Span], gap: int = 2) -> tuple[Span, ...]:
    """Spans in order; those that overlap or lie at most ``gap`` characters apart as one.

    >>> joined([(40, 60), (0, 20), (21, 30)])
    ((0, 30), (40, 60))
    """
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + gap:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return tuple(found)
