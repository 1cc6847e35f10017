"""A passage as statements: sentences, and the rows of its tables, each read with its header.

Formats other than Markdown give a table as lines of cells, which are one sentence to
`groundtone.sentences`: everything that stands somewhere in it would support everything.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from groundtone import sentences

_LINE = re.compile(r"[^\n]+")
_CELLS = re.compile(r"^\s*\||\s\|\s")  # | a | b |, or a | b
_RULE = re.compile(r"^[\s|:+-]*-[\s|:+-]*$")
_SEPARATED = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Statement:
    """A span of a text; ``header``: the row of names above it, of which ``""`` is none."""

    start: int
    end: int
    header: str = ""


def statements(text: str, document: str = "") -> Iterator[Statement]:
    """The statements of a text, in order.

    A table's first row is its header where a rule follows it (Markdown), or where it has no digits
    and a later row has some; it states nothing by itself then. A table that has another row only
    is no table.

    Args:
        document: path of the file; one of separated values is a table throughout.
    """
    done = 0
    for start, end in _tables(text, everywhere=document.lower().endswith(_SEPARATED)):
        yield from _prose(text, done, start)
        yield from _rows(text, start, end)
        done = end
    yield from _prose(text, done, len(text))


def cells(row: str) -> list[str]:
    """The cells of a row: parted by ``|``, or as separated values; one where they cannot be."""
    if _CELLS.search(row):
        return [cell.strip() for cell in row.strip().strip("|").split("|")]
    try:
        return next(csv.reader([row], delimiter="\t" if "\t" in row else ","), [])
    except csv.Error:  # a carriage return inside, or a cell of more than 131,072 characters
        return [row]


def _prose(text: str, start: int, end: int) -> Iterator[Statement]:
    for first, last in sentences.split(text[start:end]):
        yield Statement(start + first, start + last)


def _tables(text: str, *, everywhere: bool) -> Iterator[tuple[int, int]]:
    """Spans of two or more lines of cells that follow one another."""
    lines: list[tuple[int, int]] = []
    for match in _LINE.finditer(text):
        cells = everywhere or _CELLS.search(match.group()) is not None
        if lines and (not cells or text[lines[-1][1] : match.start()].count("\n") > 1):
            if len(lines) > 1:
                yield lines[0][0], lines[-1][1]
            lines = []
        if cells:
            lines.append(match.span())
    if len(lines) > 1:
        yield lines[0][0], lines[-1][1]


def _rows(text: str, start: int, end: int) -> Iterator[Statement]:
    spans = [match.span() for match in _LINE.finditer(text, start, end)]
    lines = [text[first:last] for first, last in spans]
    ruled = len(lines) > 1 and _RULE.match(lines[1]) is not None
    named = not _digits(lines[0]) and any(map(_digits, lines[1:]))
    header = lines[0] if ruled or named else ""
    for (first, _), line in zip(spans, lines, strict=True):
        if line.strip() and not _RULE.match(line) and not (header and first == start):
            left = len(line) - len(line.lstrip())
            yield Statement(first + left, first + len(line.rstrip()), header)


def _digits(line: str) -> bool:
    return any(char.isdigit() for char in line)
