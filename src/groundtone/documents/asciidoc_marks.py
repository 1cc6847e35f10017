"""Marks of AsciiDoc that take some working out: titles, and how far a table's header reaches."""

from __future__ import annotations

import re

from groundtone.documents.source_lines import Lines

_HEADING = re.compile(r"(={1,6}|#{1,6})\s+(\S.*?)(?:\s+\1)?")
_COUNT = re.compile(r'cols\s*=\s*"?([^"\]]*)')
_TIMES = re.compile(r"(\d{1,3})\*")
_CELL = re.compile(r"(?:^|\s)[\d.+*<^>a-z]*\|")
_ROLE_MARKS = re.compile(r"\[\[[^\]]*\]\]|\[[^\]]*\](?=[#*_`])|(?<!\\)[*_`#^~]{1,2}|\{(\w[\w-]*)\}")
_LINKED = re.compile(r"(?:xref|link|https?|<<)[^\s\[<>]*?(?:\[([^\]]*)\]|,([^<>]*)>>)")
_LONGEST_HEADING = 2_000
_LONGEST_TITLE = 500
_MARKED = re.compile(r"%header|opt(?:ion)?s?\s*=\s*\"?[^\"]*\bheader\b")


def heading(content: str) -> re.Match[str] | None:
    """A one-line title: its marks and its text; None for other lines."""
    # A line of a megabyte is no title, and trying it as one would take its square in time.
    return _HEADING.fullmatch(content) if len(content) < _LONGEST_HEADING else None


def table_header_end(
    lines: Lines, begin: int, stop: int, attributes: str, *, at_top: bool
) -> int | None:
    """Where a table's header row ends, None without one.

    Args:
        lines: the file.
        begin, stop: the table's lines, the first one not blank.
        attributes: what stands in brackets above it.
        at_top: nothing is between its delimiter and its first row, which with a blank line below
            makes that row the header.
    """
    implied = at_top and begin + 1 < stop and lines.blank(begin + 1)
    if not (_MARKED.search(attributes) or implied) or "noheader" in attributes:
        return None
    last = begin
    columns = _columns(attributes)
    cells = len(_CELL.findall(lines.content(begin)))
    while cells < columns and last + 1 < stop and not lines.blank(last + 1):
        last += 1
        cells += len(_CELL.findall(lines.content(last)))
    return lines.end(last)


def _columns(attributes: str) -> int:
    """How many columns a table's attributes name; 1 when they do not."""
    match = _COUNT.search(attributes)
    if match is None:
        return 1
    count = 0
    for part in match[1].split(","):
        times = _TIMES.match(part.strip())
        count += int(times[1]) if times else 1
    return min(count, 200)


def plain_title(title: str) -> str:
    """A title without marks, anchors and link targets."""
    title = _LINKED.sub(lambda match: match[1] or match[2] or "", title[:_LONGEST_TITLE])
    return " ".join(_ROLE_MARKS.sub(lambda match: match[1] or "", title).split())
