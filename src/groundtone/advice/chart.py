"""What a month costs by the number of questions, one line an arm, as inline SVG."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape

from groundtone.advice.bill import TUNED, Bill, Line
from groundtone.advice.costs import usd

_WIDTH, _HEIGHT = 640.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 510.0, 16.0, 292.0
_SPREAD = 1.5  # powers of ten to either side of the volume
_USUAL = 10_000.0  # where no volume is known
_MONTHS = 12
_DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 2", "1 4", "12 4")


def month_by_volume(bill: Bill) -> str:
    """Both axes by powers of ten; training is spread over a year. "" where nothing is priced."""
    priced = [line for line in bill.lines if line.query and line.monthly is not None]
    if not priced:
        return ""
    middle = bill.assumptions.volume or _USUAL
    exponents = [math.log10(middle) - _SPREAD + _SPREAD / 20 * step for step in range(41)]
    lines = {line.arm.name: [_month(line, bill, 10**e) for e in exponents] for line in priced}
    values = [value for each in lines.values() for value in each]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def sx(exponent: float) -> float:
        return _LEFT + (exponent - exponents[0]) / (exponents[-1] - exponents[0]) * (_RIGHT - _LEFT)

    def sy(value: float) -> float:
        return _BOTTOM - (math.log10(value) - low) / (high - low) * (_BOTTOM - _TOP)

    parts = [_grid(sx, sy, exponents, low, high)]
    ends = _apart([sy(each[-1]) for each in lines.values()])
    for place, ((name, each), end) in enumerate(zip(lines.items(), ends, strict=True)):
        points = " ".join(f"{sx(e):.1f},{sy(v):.1f}" for e, v in zip(exponents, each, strict=True))
        parts.append(
            f'<g class="a{place % 7}"><polyline class="arm" points="{points}" '
            f'stroke-dasharray="{_DASHES[place % 7]}"/>'
            f'<text class="name" x="{_RIGHT + 8}" y="{end + 4:.1f}">{escape(name)}</text></g>'
        )
    told = "; ".join(
        f"{line.arm.name}: {usd(Decimal(str(_month(line, bill, middle))))}" for line in priced
    )
    label = escape(f"What a month costs by the number of questions. At {middle:,.0f}: {told}")
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" '
        f'aria-label="{label}">{"".join(parts)}</svg>'
    )


def _month(line: Line, bill: Bill, volume: float) -> float:
    assert line.query is not None and line.monthly is not None
    spread = (bill.setup or Decimal(0)) / _MONTHS if line.arm.name in TUNED else Decimal(0)
    return max(float(line.query * Decimal(str(volume)) + line.monthly + spread), 1e-9)


def _grid(
    sx: Callable[[float], float],
    sy: Callable[[float], float],
    exponents: Sequence[float],
    low: int,
    high: int,
) -> str:
    parts = []
    for power in range(math.ceil(exponents[0]), math.floor(exponents[-1]) + 1):
        x = sx(power)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}"/>')
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">'
            f"{10**power:,.0f}</text>"
        )
    for power in range(low, high + 1):
        y = sy(10.0**power)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>')
        shown = f"${10**power:,}" if power >= 0 else f"${10.0**power:.{-power}f}"
        parts.append(
            f'<text class="tick" x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
        )
    middle = (_LEFT + _RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle}" y="{_BOTTOM + 40}" text-anchor="middle">'
        "questions a month →</text>"
    )
    return "".join(parts)


def _apart(ends: Sequence[float], gap: float = 16.0) -> list[float]:
    """The heights of the names at the lines' ends, moved so that none covers another."""
    order = sorted(range(len(ends)), key=lambda place: ends[place])
    moved = list(ends)
    for above, below in itertools.pairwise(order):
        moved[below] = max(moved[below], moved[above] + gap)
    return moved
