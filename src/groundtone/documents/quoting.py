"""What a reply quotes: earlier messages under or above it, told from its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MARK = re.compile(r"^ {0,3}> ?")
_SAID = re.compile(
    r"(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał\(a\)"
    r"|napisał|написал|пишет|写道|のメール|작성)"
    r".{0,120}[:：]$"
)
_SEPARATOR = re.compile(r"^-{2,}\s?[A-Za-zÀ-ÿ ]{4,40}\s?-{2,}$|^_{20,}$")
_FIELD = re.compile(r"^\*?(?:From|Von|De|Da|Van|Från|Fra|От)\s?:\*?\s\S")
_SECOND_FIELD = re.compile(
    r"^\*?(?:Sent|Date|To|Gesendet|Datum|An|Envoyé|À|Enviado|Para|Data|Inviato|A|Verzonden|Aan"
    r"|Skickat|Till|Sendt|Til|Дата|Кому)\s?:\*?\s"
)
_DEEPEST = 4


class Passage(NamedTuple):
    """A run of a mail's text; with a level it is the line that introduces a quoted message."""

    text: str
    level: int | None = None


def passages(text: str) -> list[Passage]:
    """A plain text body, cut at blank lines and where quoted messages begin.

    A quoted message that follows a line like "On Friday Ann wrote:" or a copied header stands
    under that line as under a heading, without its ``>`` marks. Quotes between the lines of a
    reply stay where they are, with their marks.
    """
    return list(_passages(text.split("\n"), 1))


def introduces(paragraph: str) -> bool:
    """Whether a paragraph (of an HTML mail) is the line before a quoted message."""
    line = " ".join(paragraph.split())
    if len(line) <= 300 and _SAID.search(line) and any(sign.isdigit() for sign in line):
        return True
    lines = paragraph.split("\n")
    return any(_copied_header(lines, place) for place in range(min(2, len(lines))))


def _passages(lines: list[str], level: int) -> Iterator[Passage]:
    run: list[str] = []
    place = 0
    while place < len(lines):
        start = _quote_start(lines, place) if level <= _DEEPEST else None
        if start is None:
            line = lines[place].rstrip()
            if line.strip():
                run.append(line)
            elif run:
                yield Passage("\n".join(run))
                run = []
            place += 1
            continue
        if run:
            yield Passage("\n".join(run))
            run = []
        begin, end, marked = start
        yield Passage(" ".join(" ".join(lines[place:begin]).split()), level)
        inside = lines[begin:end]
        if marked:
            inside = [_MARK.sub("", line, count=1) for line in inside]
        yield from _passages(inside, level + 1)
        place = end
    if run:
        yield Passage("\n".join(run))


def _quote_start(lines: list[str], place: int) -> tuple[int, int, bool] | None:
    """Where a message quoted to the end begins and ends, if its introduction stands here.

    Returns:
        (first line, end, whether its lines have marks), or None.
    """
    line = lines[place].strip()
    if not line or line.startswith(">"):
        return None
    if _SEPARATOR.match(line) and place + 1 < len(lines):
        following = next((n for n in range(place + 1, len(lines)) if lines[n].strip()), None)
        if following is not None and _copied_header(lines, following):
            return following + 2, len(lines), False
    if _copied_header(lines, place):
        return place + 2, len(lines), False
    # "On Friday, Ann <ann@…>\nwrote:", on one line or two, then only marked lines to the end.
    for width in (1, 2):
        last = lines[place + width - 1].strip() if place + width <= len(lines) else ""
        if not last.endswith((":", "：")) or (width == 2 and not line):
            continue
        begin = place + width
        while begin < len(lines) and not lines[begin].strip():
            begin += 1
        if begin < len(lines) and _MARK.match(lines[begin]):
            end = begin
            while end < len(lines) and (not lines[end].strip() or _MARK.match(lines[end])):
                end += 1
            if _nothing_follows(lines, end):
                return begin, end, True
    return None


def _nothing_follows(lines: list[str], place: int) -> bool:
    """Only white space, or a signature."""
    for line in lines[place:]:
        if line.strip():
            return line.rstrip() == "--" or _SEPARATOR.match(line.strip()) is not None
    return True


def _copied_header(lines: list[str], place: int) -> bool:
    """Two lines like "From: …" and "Sent: …"."""
    return (
        place + 1 < len(lines)
        and _FIELD.match(lines[place].strip()) is not None
        and _SECOND_FIELD.match(lines[place + 1].strip()) is not None
    )
