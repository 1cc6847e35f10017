"""Values of a sheet as people see them: Excel's number formats, the part that carries meaning.

Follows ECMA-376 part 1, 18.8.31: up to four sections, digits, thousands, percent, exponent, literal
text, and date and time codes in English. Colours, padding, fractions and conditions are passed
over; what cannot be shown otherwise is shown plainly.
"""

from __future__ import annotations

import functools
import re
from datetime import date, datetime, time, timedelta
from typing import Any

_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"|\\(?P<sign>.)|\[(?P<bracket>[^\]]*)\]|_.|\*.|(?P<ampm>AM/PM|A/P)'
    r"|(?P<code>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+(?:\.0+)?)|(?P<rest>.)",
    re.DOTALL,
)
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_NUMBER_PART = re.compile(r"[#0?][#0?,]*(?:\.[#0?]*)?(?:[eE][+-]0+)?")
_CURRENCY = re.compile(r"\$(?P<sign>[^-\]]*)")
_ELAPSED = re.compile(r"\[([hms]+)\]", re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MOST_DECIMALS = 15
_LARGEST_WRITTEN_OUT = 1e21


def shown(value: Any, number_format: str | None) -> str:
    """The text of a cell's value.

    Args:
        value: what openpyxl gives: str, bool, int, float, date, datetime, time, timedelta, None.
        number_format: the cell's format code, as "General", "0.0%" or "d/m/yyyy".

    Returns:
        One line; "" for None.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        if "_x" in value:
            value = _ESCAPED.sub(lambda match: _unescaped(match[1]), value)
        return " ".join(value.split())
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    code = (number_format or "General")[:255]
    if isinstance(value, timedelta):
        return _elapsed(value)
    if isinstance(value, (date, datetime, time)):
        return _moment(value, code)
    if isinstance(value, (int, float)):
        return _number(value, code)
    return " ".join(str(value).split())


def _unescaped(code: str) -> str:
    sign = chr(int(code, 16))
    return sign if sign.isprintable() else " "


def _general(value: float) -> str:
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.10g}"


@functools.lru_cache(maxsize=512)
def _sections(code: str) -> tuple[str, ...]:
    sections = [""]
    position = 0
    for match in _QUOTED.finditer(code):
        head, *more = code[position : match.start()].split(";")
        sections[-1] += head
        sections += more
        sections[-1] += match[0]
        position = match.end()
    head, *more = code[position:].split(";")
    sections[-1] += head
    return (*sections, *more)


def _number(value: float, code: str) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if code == "General":
        return _general(value)
    sections = _sections(code)
    sign = ""
    if len(sections) == 1:
        section, sign = sections[0], "-" if value < 0 else ""
    elif value < 0:
        section = sections[1]  # its own signs or brackets stand for the minus
    else:
        section = sections[2] if value == 0 and len(sections) > 2 else sections[0]
    try:
        text = _filled(abs(value), section)
    except (ValueError, OverflowError):
        text = _general(abs(value))
    # A format that shows nothing at all hides the value from the eye, not from the file.
    if not text.strip():
        return _general(value)
    if not text.strip(" 0.,%"):
        sign = ""  # rounded to nothing
    return sign + " ".join(text.split())


def _filled(value: float, section: str) -> str:
    if value >= _LARGEST_WRITTEN_OUT:
        return _general(value)
    bare = _QUOTED.sub("", section)
    if section.strip().lower() in ("general", "", "@") or "general" in section.lower():
        return _general(value)
    if "/" in bare and _NUMBER_PART.search(bare):  # fractions
        return _general(value)
    place = _NUMBER_PART.search(section) if bare == section else _placed(section)
    if place is None:
        return _literal(section)
    digits = place[0]
    whole, _, rest = digits.partition(".")
    decimals = min(sum(mark in "0#?" for mark in re.split("[eE]", rest)[0]), _MOST_DECIMALS)
    needed = min(sum(mark == "0" for mark in re.split("[eE]", rest)[0]), decimals)
    if "%" in bare:
        value *= 100
    if "e" in digits.lower():
        number = f"{value:.{decimals}E}"
    else:
        trailing = len(whole) - len(whole.rstrip(","))
        value /= 1000.0**trailing
        grouped = "," in whole.rstrip(",")
        number = f"{value:,.{decimals}f}" if grouped else f"{value:.{decimals}f}"
        if decimals > needed:
            keep = len(number) - (decimals - needed)
            number = number[:keep] + number[keep:].rstrip("0")
            number = number.rstrip(".")
        zeros = whole.replace(",", "").count("0")
        if zeros > 1 and not grouped:
            head, point, tail = number.partition(".")
            number = head.zfill(zeros) + point + tail
    return _literal(section[: place.start()]) + number + _literal(section[place.end() :])


def _placed(section: str) -> re.Match[str] | None:
    """The first digits outside of quotes and brackets."""
    masked = _QUOTED.sub(lambda match: "\x00" * len(match[0]), section)
    return _NUMBER_PART.search(masked)


def _literal(section: str) -> str:
    pieces = []
    for match in _TOKEN.finditer(section):
        if match["text"] is not None:
            pieces.append(match["text"])
        elif match["sign"] is not None:
            pieces.append(match["sign"])
        elif match["bracket"] is not None:
            currency = _CURRENCY.match(match["bracket"])
            pieces.append(currency["sign"] if currency else "")
        elif match["rest"] is not None and match["rest"] not in "#0?,.@":
            pieces.append(match["rest"])
        elif match["code"] or match["ampm"]:
            pieces.append(match[0])
        elif match[0].startswith("_"):
            pieces.append(" ")
    return "".join(pieces)


def _elapsed(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _moment(value: date | datetime | time, code: str) -> str:
    section = _sections(code)[0]
    if _ELAPSED.search(section) or not _dated(section):
        return _plain_moment(value)
    tokens = list(_TOKEN.finditer(section))
    half = any(match["ampm"] for match in tokens)
    pieces: list[str] = []
    previous = ""
    for at, match in enumerate(tokens):
        if match["code"]:
            piece = match["code"]
            following = next((other["code"] for other in tokens[at + 1 :] if other["code"]), "")
            # m stands for minutes beside hours or seconds, else for the month.
            minutes = previous[:1] in ("h",) or following[:1].lower() == "s"
            previous = piece.lower()
            pieces.append(_coded(value, previous, half, minutes))
        elif match["ampm"]:
            pieces.append("AM" if getattr(value, "hour", 0) < 12 else "PM")
        elif match["rest"]:
            pieces.append(match["rest"] if match["rest"] != "@" else "")
        else:
            pieces.append(_literal(match[0]))
    text = " ".join("".join(pieces).split())
    return text or _plain_moment(value)


def _dated(section: str) -> bool:
    return any(match["code"] for match in _TOKEN.finditer(section)) and "general" not in (
        section.lower()
    )


def _coded(value: date | datetime | time, code: str, half: bool, minutes: bool) -> str:
    kind, width = code[0], len(code)
    if kind == "h":
        hour = getattr(value, "hour", 0)
        hour = (hour % 12 or 12) if half else hour
        return f"{hour:02}" if width > 1 else str(hour)
    if kind == "s":
        second = getattr(value, "second", 0)
        whole, _, rest = code.partition(".")
        fraction = f"{getattr(value, 'microsecond', 0):06}"[: len(rest)]
        return (f"{second:02}" if len(whole) > 1 else str(second)) + (rest and f".{fraction}")
    if kind == "m" and minutes and width < 3:
        minute = getattr(value, "minute", 0)
        return f"{minute:02}" if width > 1 else str(minute)
    if isinstance(value, time):
        return ""
    if kind == "y":
        return f"{value.year:04}" if width > 2 else f"{value.year % 100:02}"
    if kind == "m":
        month = value.month
        return (str(month), f"{month:02}", f"{value:%b}", f"{value:%B}", f"{value:%B}"[0])[
            min(width, 5) - 1
        ]
    return (str(value.day), f"{value.day:02}", f"{value:%a}", f"{value:%A}")[min(width, 4) - 1]


def _plain_moment(value: date | datetime | time) -> str:
    if isinstance(value, datetime):
        if value.time() == time():
            return value.date().isoformat()
        return value.isoformat(" ", "seconds")
    return value.isoformat()
