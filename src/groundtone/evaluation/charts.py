"""The report's charts as inline SVG. Colours come from the page's style sheet (``.a0`` to ``.a7``).

Every text goes through :func:`_text`, which escapes it; every number through :func:`_n`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from groundtone.evaluation.figures import show
from groundtone.evaluation.measures import Unit
from groundtone.evaluation.statistics import Interval

_WIDTH = 460.0
_LETTER = 7.3  # mean width of a letter at the charts' 13 px


@dataclass(frozen=True, slots=True)
class Mark:
    """An arm in a chart: its name and its number in the palette, which also picks the shape."""

    name: str
    colour: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of two parts; ``first`` and ``total`` in the bar's unit, ``high`` may be None."""

    mark: Mark
    first: float
    total: float
    label: str
    interval: Interval | None = None


def scatter(
    points: Sequence[tuple[Mark, Interval, Interval]],
    *,
    x_title: str,
    y_title: str,
    x_unit: Unit,
    y_unit: Unit,
    title: str,
) -> str:
    """Two measures of each arm against each other; whiskers are the 95% intervals of both."""
    left, right, top, bottom = 60.0, _WIDTH - 22, 14.0, 428.0
    x_max = _end(max(x.high for _, x, _ in points), x_unit)
    y_max = 1.0 if y_unit == "share" else _end(max(y.high for _, _, y in points), y_unit)
    sx = _scale(0, x_max, left, right)
    sy = _scale(0, y_max, bottom, top)
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        at, up = sx(tick * x_max), sy(tick * y_max)
        parts.append(_line(left, up, right, up, "grid"))
        parts.append(_line(at, top, at, bottom, "grid"))
        parts.append(_text(left - 7, up + 4, _tick(tick * y_max, y_unit), "tick", "end"))
        parts.append(_text(at, bottom + 17, _tick(tick * x_max, x_unit), "tick", "middle"))
    parts.append(_text((left + right) / 2, bottom + 36, f"{x_title} →", "axis", "middle"))
    parts.append(
        f'<g transform="translate(13 {_n((top + bottom) / 2)}) rotate(-90)">'
        f"{_text(0, 0, f'{y_title} →', 'axis', 'middle')}</g>"
    )
    for mark, x, y in points:
        parts.append(
            f'<g class="a{mark.colour}">'
            + _line(sx(x.low), sy(y.value), sx(x.high), sy(y.value), "whisker")
            + _line(sx(x.value), sy(y.low), sx(x.value), sy(y.high), "whisker")
            + "</g>"
        )
    taken = [_box(sx(x.value), sy(y.value)) for _, x, y in points]
    for mark, x, y in points:
        px, py = sx(x.value), sy(y.value)
        tx, ty, anchor, box = _place(px, py, mark.name, taken, left, right, top, bottom)
        taken.append(box)
        parts.append(
            f'<g class="a{mark.colour}">{shape(px, py, mark.colour)}'
            f"{_text(tx, ty, mark.name, 'name', anchor)}</g>"
        )
    summary = "; ".join(
        f"{mark.name}: {x_title.lower()} {show(x.value, x_unit)}, "
        f"{y_title.lower()} {show(y.value, y_unit)}"
        for mark, x, y in points
    )
    return _svg(_WIDTH, bottom + 46, "".join(parts), title, summary)


def dots(points: Sequence[tuple[Mark, Interval]], *, x_title: str, unit: Unit, title: str) -> str:
    """One line per arm: the value and its interval; for reports without a house style."""
    row, left, right, top = 42.0, 16.0, _WIDTH - 16, 8.0
    bottom = top + row * len(points)
    x_max = _end(max(x.high for _, x in points), unit)
    sx = _scale(0, x_max, left, right)
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = sx(tick * x_max)
        shown = _tick(tick * x_max, unit)
        parts.append(_line(at, top, at, bottom, "grid"))
        parts.append(_text(at, bottom + 17, shown, "tick", "middle"))
    parts.append(_text((left + right) / 2, bottom + 36, f"{x_title} →", "axis", "middle"))
    for place, (mark, x) in enumerate(points):
        y = top + row * (place + 0.7)
        parts.append(
            f'<g class="a{mark.colour}">{_line(sx(x.low), y, sx(x.high), y, "whisker")}'
            f"{shape(sx(x.value), y, mark.colour)}"
            f"{_text(left, y - 13, mark.name, 'name', 'start')}"
            f"{_text(right, y - 13, show(x.value, unit), 'value', 'end')}</g>"
        )
    summary = "; ".join(f"{mark.name}: {show(x.value, unit)}" for mark, x in points)
    return _svg(_WIDTH, bottom + 46, "".join(parts), title, summary)


def bars(rows: Sequence[Bar], *, title: str) -> str:
    """Horizontal bars: the first part full, the rest lighter, a whisker for the total."""
    row, left, right = 42.0, 2.0, _WIDTH - 2
    longest = max(max(bar.total, bar.interval.high if bar.interval else 0) for bar in rows)
    sx = _scale(0, longest or 1, left, right)
    parts = []
    for place, bar in enumerate(rows):
        y = row * place + 21
        first, total = sx(bar.first) - left, sx(bar.total) - left
        parts.append(
            f'<g class="a{bar.mark.colour}">'
            f"{_text(left, y - 7, bar.mark.name, 'name', 'start')}"
            f"{_text(right, y - 7, bar.label, 'value', 'end')}"
            f'<rect class="track" x="{_n(left)}" y="{_n(y)}" width="{_n(right - left)}" '
            'height="12" rx="2"/>'
            f'<rect class="rest" x="{_n(left)}" y="{_n(y)}" width="{_n(total)}" height="12" '
            'rx="2"/>'
            f'<rect class="fill" x="{_n(left)}" y="{_n(y)}" width="{_n(first)}" height="12" '
            'rx="2"/>'
        )
        if bar.interval:
            low, high = sx(bar.interval.low), sx(bar.interval.high)
            parts.append(
                _line(low, y + 6, high, y + 6, "span")
                + _line(low, y + 2, low, y + 10, "span")
                + _line(high, y + 2, high, y + 10, "span")
            )
        parts.append("</g>")
    summary = "; ".join(f"{bar.mark.name}: {bar.label}" for bar in rows)
    return _svg(_WIDTH, row * len(rows) + 2, "".join(parts), title, summary)


def strip(interval: Interval, reach: float, colour: int) -> str:
    """One paired difference against the line of no difference; ``reach`` is the scale's end."""
    width, height, middle = 220.0, 22.0, 11.0
    sx = _scale(-reach, reach, 5, width - 5)
    low, high = (min(max(end, -reach), reach) for end in (interval.low, interval.high))
    inner = (
        _line(sx(0), 1, sx(0), height - 1, "zero")
        + f'<g class="a{colour}">{_line(sx(low), middle, sx(high), middle, "whisker")}'
        + f"{shape(sx(interval.value), middle, colour, 4.5)}</g>"
    )
    return (
        f'<svg class="strip" viewBox="0 0 {_n(width)} {_n(height)}" aria-hidden="true" '
        f'focusable="false">{inner}</svg>'
    )


def glyph(colour: int) -> str:
    """An arm's mark alone, for legends and headings."""
    return (
        f'<svg class="glyph a{colour}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">'
        f"{shape(8, 8, colour)}</svg>"
    )


def shape(x: float, y: float, kind: int, size: float = 6.0) -> str:
    """Circle, square, triangle, diamond, … so that arms differ in more than colour."""
    if kind % 8 == 0:
        return f'<circle class="mark" cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}"/>'
    turns = {1: (4, 45), 2: (3, -90), 3: (4, 0), 4: (5, -90), 5: (3, 90), 6: (6, 0), 7: (8, 22.5)}
    corners, turn = turns[kind % 8]
    reach = size * 1.3
    points: list[tuple[float, float]] = []
    for corner in range(corners * (2 if kind % 8 == 4 else 1)):
        step = 360 / (corners * (2 if kind % 8 == 4 else 1))
        radius = reach * (0.5 if kind % 8 == 4 and corner % 2 else 1.12)
        angle = math.radians(turn + corner * step)
        points.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    path = " ".join(f"{_n(px)},{_n(py)}" for px, py in points)
    return f'<polygon class="mark" points="{path}"/>'


def _place(
    x: float,
    y: float,
    name: str,
    taken: Sequence[tuple[float, float, float, float]],
    left: float,
    right: float,
    top: float,
    bottom: float,
) -> tuple[float, float, str, tuple[float, float, float, float]]:
    """A place for a point's name beside it that covers no other point or name."""
    width = len(name) * _LETTER
    options = []
    for dy in (-9.0, 18.0, -24.0, 33.0, -39.0, 48.0):
        options.append((x + 10, y + dy, "start", (x + 10, y + dy - 12, x + 10 + width, y + dy + 3)))
        options.append((x - 10, y + dy, "end", (x - 10 - width, y + dy - 12, x - 10, y + dy + 3)))
    for option in options:
        box = option[3]
        inside = box[0] >= left and box[2] <= right + 12 and box[1] >= top - 12 and box[3] <= bottom
        if inside and not any(_overlap(box, other) for other in taken):
            return option
    return options[0]


def _box(x: float, y: float) -> tuple[float, float, float, float]:
    return x - 8, y - 8, x + 8, y + 8


def _overlap(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _end(high: float, unit: Unit) -> float:
    """The axis' end: the least round number that holds the data and parts well into four."""
    if unit in ("share", "score"):
        return next((end for end in (0.1, 0.2, 0.4, 0.6, 0.8) if high <= end), 1.0)
    if high <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(high))
    return power * next(step for step in (1, 2, 4, 6, 8, 10, 20) if high <= step * power * 1.0001)


def _tick(value: float, unit: Unit) -> str:
    """A number on an axis, short."""
    if unit == "share":
        return f"{100 * value:.3g}%"
    if unit == "usd":
        return show(value, unit).rstrip("0").rstrip(".") if value else "$0"
    if unit == "ms":
        return f"{value / 1000:.2g} s"
    return f"{value:,.0f}" if unit == "tokens" else f"{value:.2g}"


class _scale:
    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._ratio = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        return self._start + (value - self._low) * self._ratio


def _svg(width: float, height: float, inner: str, title: str, summary: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_n(width)} {_n(height)}" role="img" '
        f'aria-label="{escape(title)}. {escape(summary)}">{inner}</svg>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    return (
        f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
