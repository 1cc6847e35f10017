"""Where parts of a text stand on their pages: what a citation of a few words points at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from groundtone.documents.document import Block, Box


class Spot(NamedTuple):
    """A block's span in its document's text, its page from 1, and its box there."""

    start: int
    end: int
    page: int
    box: Box | None


def spots_of(blocks: Iterable[Block]) -> tuple[Spot, ...]:
    """The spots of blocks that know their page; neighbours on one page without boxes are one."""
    found: list[Spot] = []
    for block in blocks:
        if block.page is None:
            continue
        spot = Spot(block.start, block.end, block.page, block.box)
        before = found[-1] if found else None
        if before and before.page == spot.page and before.box is None and spot.box is None:
            found[-1] = before._replace(end=spot.end)
        else:
            found.append(spot)
    return tuple(found)


def spot_at(spots: Sequence[Spot], start: int, end: int) -> tuple[int, Box | None] | None:
    """Page of the first block that a span touches, and the hull of those it touches there.

    Returns:
        None where it touches none.
    """
    touched = [spot for spot in spots if spot.start < end and start < spot.end]
    if not touched:
        return None
    page = touched[0].page
    return page, hull(spot.box for spot in touched if spot.page == page)


def hull(boxes: Iterable[Box | None]) -> Box | None:
    """The smallest box around boxes; None without any."""
    known = [box for box in boxes if box is not None]
    if not known:
        return None
    return (
        min(box[0] for box in known),
        min(box[1] for box in known),
        max(box[2] for box in known),
        max(box[3] for box in known),
    )
