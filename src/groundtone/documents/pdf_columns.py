"""The order in which a page's parts are read: columns one after another, tables row by row.

A page is cut at a gutter: a strip in the middle that few segments cross. What crosses it (titles,
wide tables, footnotes) cuts the page into bands, and a band whose two sides read as running text is
read side after side. Files usually draw columns one after another and tables row by row, so the
order of drawing decides where the shapes could mean either.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from groundtone.documents.pdf_lines import LETTERS, Segment

_BIN = 2.0  # points
_DEEPEST = 8
_NARROWEST = 5.0  # points of a gutter


def regions(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Parts of a page in reading order; within each, lines run across its whole width."""
    return _split(list(segments), 0)


def _split(segments: list[Segment], depth: int) -> list[list[Segment]]:
    if len(segments) < 6 or depth == _DEEPEST:
        return [segments] if segments else []
    for gutter in _gutters(segments):
        found = _cut(segments, gutter)
        if found is None:
            continue
        parts: list[list[Segment]] = []
        for part in found:
            parts += _split(part, depth + 1) if len(part) < len(segments) else [part]
        return parts
    return [segments]


def _gutters(segments: Sequence[Segment]) -> list[float]:
    """Places that few segments cross and many stand beside, the emptiest first."""
    left = min(segment.left for segment in segments)
    right = max(segment.right for segment in segments)
    bins = int((right - left) / _BIN) + 1
    if bins < 30 or bins > 5000:
        return []
    steps = [0] * (bins + 1)
    for segment in segments:
        steps[int((segment.left - left) / _BIN)] += 1
        steps[min(int((segment.right - left) / _BIN) + 1, bins)] -= 1
    cover = []
    now = 0
    for step in steps[:bins]:
        now += step
        cover.append(now)
    highest_before: list[int] = []
    top = 0
    for value in cover:
        top = max(top, value)
        highest_before.append(top)
    top = 0
    found: list[tuple[float, float]] = []
    runs: list[tuple[int, int, int]] = []
    margin = max(4, bins // 8)
    for place in range(bins - 1, -1, -1):
        top = max(top, cover[place])
        beside = min(top, highest_before[place])
        if not margin <= place < bins - margin or beside < 3 or cover[place] > 0.34 * beside:
            continue
        if runs and runs[-1][0] == place + 1 and runs[-1][2] == cover[place]:
            runs[-1] = (place, runs[-1][1], cover[place])
        else:
            runs.append((place, place, cover[place]))
    for first, last, value in runs:
        # Among equally empty strips a wide one is more of a gutter.
        found.append((value - 0.1 * min(last - first, 9), left + (first + last + 1) / 2 * _BIN))
    found.sort()
    return [place for _, place in found[:6]]


def _cut(segments: Sequence[Segment], gutter: float) -> list[list[Segment]] | None:
    """Parts from top to bottom, and left before right where there are columns; None without."""
    ordered = sorted(segments, key=lambda segment: (segment.top, segment.left))
    crossing = [s for s in ordered if s.left < gutter - 1 and s.right > gutter + 1]
    bands: list[tuple[list[Segment], list[Segment], list[Segment]]] = []
    left: list[Segment] = []
    right: list[Segment] = []
    queue = iter([*crossing, None])
    wall = next(queue)
    walls: list[Segment] = []
    beside = [s for s in ordered if not (s.left < gutter - 1 and s.right > gutter + 1)]
    for segment in beside:
        while wall is not None and segment.top + segment.bottom > wall.top + wall.bottom:
            if left or right:
                bands.append((walls, left, right))
                walls, left, right = [], [], []
            walls.append(wall)
            wall = next(queue)
        (left if segment.right <= gutter + 1 else right).append(segment)
    bands.append((walls, left, right))
    rest = [wall] if wall is not None else []
    rest += [wall for wall in queue if wall is not None]
    if rest:
        bands.append((rest, [], []))
    parts: list[list[Segment]] = []
    plain: list[Segment] = []
    any_columns = False
    for walls, left, right in bands:
        plain += walls
        if _are_columns(left, right):
            if plain:
                parts.append(plain)
            parts += [left, right]
            plain = []
            any_columns = True
        else:
            plain += left + right
    if not any_columns:
        return None
    if plain:
        parts.append(plain)
    return parts


def _are_columns(left: list[Segment], right: list[Segment]) -> bool:
    """Whether two sides of a gutter are read one after the other."""
    few, many = sorted((len(left), len(right)))
    if few == 0 or many < 3:
        return False
    gap = min(s.left for s in right) - max(s.right for s in left)
    if gap < _NARROWEST:
        return False
    sizes = sorted(segment.size for segment in [*left, *right])
    far = many >= 20 and gap > 3 * sizes[len(sizes) // 2]
    if min(_bottom(left), _bottom(right)) - max(_top(left), _top(right)) < 0:
        return False
    one, two = _prose(left), _prose(right)
    drawn = sorted([(s.order, 0) for s in left] + [(s.order, 1) for s in right])
    switches = sum(1 for before, after in pairwise(drawn) if before[1] != after[1])
    if switches <= 2:
        # Drawn side after side: only numbers and short cells in rows are a table all the same.
        if min(one.letters, two.letters) < 0.5:
            return False
        if few < 4:
            return min(one.words, two.words) >= 4
        return min(one.words, two.words) >= 2.8 or _beside(left, right) < 0.6 * few
    if switches < 0.6 * few:
        # Drawn in blocks of lines: cells of several lines, if each begins beside another.
        return (
            min(one.words, two.words) >= 3.5
            and min(one.letters, two.letters) > 0.6
            and ((switches <= 0.15 * many and many >= 12) or (far and switches <= 0.3 * many))
        )
    return (
        few >= 4
        and min(one.words, two.words) >= 4.5
        and min(one.letters, two.letters) > 0.6
        and min(one.full, two.full) >= 0.6
    )


class _Prose:
    """How much a stack of segments looks like running text."""

    def __init__(self, words: float, letters: float, full: float) -> None:
        self.words = words  # in a segment, on average; where words are long, by their width
        self.letters = letters  # share of segments that begin with a letter or hold mostly letters
        self.full = full  # median width as a share of the stack's


def _prose(stack: Sequence[Segment]) -> _Prose:
    words = lettered = 0.0
    for segment in stack:
        count = len(segment.words)
        wide = (segment.right - segment.left) / max(4 * segment.size, 1.0)
        words += max(count, min(wide, 8.0)) if count < 3 else count
        with_letters = sum(1 for word in segment.words if LETTERS.search(word.text))
        lettered += with_letters >= 0.5 * count
    wide = max(s.right for s in stack) - min(s.left for s in stack)
    widths = sorted(s.right - s.left for s in stack)
    number = len(stack)
    return _Prose(words / number, lettered / number, widths[number // 2] / max(wide, 1.0))


def _beside(left: Sequence[Segment], right: Sequence[Segment]) -> int:
    """How many segments of one side stand on a line with one of the other."""
    bottoms = {round(segment.bottom / 2) for segment in left}
    return sum(
        1
        for segment in right
        if not bottoms.isdisjoint(
            range(round(segment.bottom / 2) - 1, round(segment.bottom / 2) + 2)
        )
    )


def _top(stack: Sequence[Segment]) -> float:
    return min(segment.top for segment in stack)


def _bottom(stack: Sequence[Segment]) -> float:
    return max(segment.bottom for segment in stack)
