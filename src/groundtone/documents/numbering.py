"""The numbers that Word makes itself: "2.1" before a heading, "a)" before a list item."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%([1-9])")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A paragraph's place in a list: its depth from 0, and its label ("" for a bullet)."""

    level: int
    text: str


@dataclass(slots=True)
class _Level:
    format: str = "bullet"
    text: str = ""
    start: int = 1


class Numbering:
    """Counts along the document; ask it for each paragraph in order.

    Args:
        xml: root element of the numbering part, or None without one.
    """

    def __init__(self, xml: Any) -> None:
        self._lists: dict[str, str] = {}
        self._levels: dict[str, dict[int, _Level]] = {}
        self._style_levels: dict[tuple[str, str], int] = {}
        self._counts: dict[str, dict[int, int]] = {}
        if xml is None:
            return
        for abstract in xml.iter(f"{_W}abstractNum"):
            name = abstract.get(f"{_W}abstractNumId") or ""
            levels = self._levels.setdefault(name, {})
            for level in abstract.iter(f"{_W}lvl"):
                depth = _decimal(level.get(f"{_W}ilvl"), 0)
                start = level.find(f"{_W}start")
                levels[depth] = _Level(
                    format=_value(level, "numFmt") or "decimal",
                    text=_value(level, "lvlText"),
                    start=_decimal(start.get(f"{_W}val"), 1) if start is not None else 1,
                )
                style = _value(level, "pStyle")
                if style:
                    self._style_levels[name, style] = depth
        for number in xml.iter(f"{_W}num"):
            self._lists[number.get(f"{_W}numId") or ""] = _value(number, "abstractNumId")

    def number(self, properties: Any, chain: list[Any]) -> Number | None:
        """The number of the next paragraph, or None when it has none.

        Args:
            properties: its ``w:pPr`` or None.
            chain: its style and those that one is based on.
        """
        holders = [(properties, "")]
        holders += [(style.find(f"{_W}pPr"), style.get(f"{_W}styleId") or "") for style in chain]
        for holder, style in holders:
            place = holder.find(f"{_W}numPr") if holder is not None else None
            if place is None:
                continue
            name = _value(place, "numId")
            if name == "0":  # numbering taken away
                return None
            if not name:
                continue
            abstract = self._lists.get(name)
            if abstract is None:
                return None
            depth = _decimal(_value(place, "ilvl"), self._style_levels.get((abstract, style), 0))
            return self._next(abstract, min(depth, 8))
        return None

    def _next(self, abstract: str, depth: int) -> Number:
        levels = self._levels.get(abstract, {})
        counts = self._counts.setdefault(abstract, {})
        level = levels.get(depth, _Level())
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        if level.format in ("bullet", "none"):
            return Number(depth, "")

        def label(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            other = levels.get(at, _Level("decimal"))
            return _label(counts.setdefault(at, other.start), other.format)

        return Number(depth, " ".join(_PLACE.sub(label, level.text).split()))


def _label(count: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 9)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman") and 0 < count < 4000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (count // value)
            count %= value
        return roman.upper() if form == "upperRoman" else roman
    return str(count)


def _value(element: Any, name: str) -> str:
    child = element.find(f"{_W}{name}")
    return (child.get(f"{_W}val") or "") if child is not None else ""


def _decimal(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 6 else default
