"""Numbers as reports show them: shares, scores, tokens, times and money, with what is not known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from groundtone.evaluation.measures import MEASURES, Unit
from groundtone.evaluation.statistics import Interval

if TYPE_CHECKING:
    from groundtone.evaluation.report import Pair


def show(value: float, unit: Unit) -> str:
    """One number for people: ``82%``, ``0.365``, ``1,204``, ``840 ms``, ``2.31 s``, ``$0.0012``.

    A share just short of 100% or just above 0% is never rounded to it.
    """
    number, suffix = _number(value, unit, value)
    return f"${number}" if unit == "usd" else number + suffix


def show_interval(interval: Interval | None, unit: Unit) -> str:
    """``82% [74, 89]``, or ``–`` for what was not measured."""
    if interval is None:
        return "–"
    return f"{show(interval.value, unit)} {show_range(interval, unit)}"


def show_range(interval: Interval, unit: Unit) -> str:
    """``[74, 89]``, in the unit in which the value itself is shown."""
    low, _ = _number(interval.low, unit, interval.value)
    high, _ = _number(interval.high, unit, interval.value)
    return f"[{low}, {high}]"


def _number(value: float, unit: Unit, scale: float) -> tuple[str, str]:
    """Digits and unit; ``scale`` decides between milliseconds and seconds."""
    if unit == "share":
        percent = 100 * value
        if 99 < percent < 100 or 0 < percent < 1:
            return f"{min(99.9, max(0.1, percent)):.1f}", "%"
        return f"{percent:.0f}", "%"
    if unit == "score":
        return f"{value:.3f}", ""
    if unit == "ratio":
        return f"{value:.2f}", "×"
    if unit == "usd":
        return f"{value:,.{_decimals(scale)}f}", ""
    if unit == "tokens":
        return f"{value:,.0f}", ""
    if abs(scale) >= 1000:
        return f"{value / 1000:,.2f}", " s"
    return f"{value:,.0f}", " ms"


def _decimals(dollars: float) -> int:
    """Decimals that show two digits of an amount: cents from ten cents up, else more."""
    size = abs(dollars)
    return 2 if size >= 0.1 or not size else min(12, 1 - math.floor(math.log10(size)))


def show_signed(value: float, unit: Unit, scale: float | None = None) -> str:
    """A difference without its unit, shares in points of 100: ``+9.2``, ``−0.021``, ``+340``."""
    size = abs(value)
    number = (
        f"{100 * size:.1f}"
        if unit == "share"
        else _number(size, unit, size if scale is None else scale)[0]
    )
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return sign + ("$" if unit == "usd" else "") + number


def show_difference(interval: Interval, unit: Unit) -> str:
    """``+9.2 pp [+2.0, +16.1]``; pp are percentage points."""
    value = interval.value
    suffix = " pp" if unit == "share" else _number(value, unit, value)[1]
    low, high = (show_signed(end, unit, value) for end in (interval.low, interval.high))
    return f"{show_signed(value, unit)}{suffix} [{low}, {high}]"


def show_reach(pair: Pair) -> str:
    """The smallest difference that a pair's questions could prove: ``18.2 pp``, ``0.083``."""
    if pair.detectable is None:
        return "–"
    unit = MEASURES[pair.measure].unit
    suffix = " pp" if unit == "share" else _number(0, unit, pair.detectable)[1]
    return show_signed(pair.detectable, unit).lstrip("+±") + suffix


def show_p(p: float) -> str:
    """``0.031`` or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
