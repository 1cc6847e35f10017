"""Comma, semicolon or tab separated values: tables as they stand in the file.

The canonical text is the decoded file unchanged, so a citation shows the rows as they are and its
span gives the lines. What is found out is where tables begin and which rows name their columns.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundtone.documents.decoding import decode
from groundtone.documents.document import Document
from groundtone.documents.slicing import Slices, line_spans
from groundtone.documents.tablehead import header_rows, is_number

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 100_000
# A quoted field may hold line ends; one that reaches over more was never closed.
_LONGEST_RECORD = 1_000
_LONGEST_HEADER = 10_000
_MOST_NAMES = 5
_DECLARED = re.compile(r"sep=(.)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Record:
    start: int
    end: int
    source: str
    delimiter: str

    @property
    def is_blank(self) -> bool:
        return not self.source.strip(f'{self.delimiter}" \t\r\n\x0b\x0c\u00a0')

    @property
    def cells(self) -> list[str]:
        """Taken apart when asked for: of a million rows only the first ones are."""
        if '"' not in self.source:
            return [cell.strip() for cell in self.source.split(self.delimiter)]
        try:
            row = next(csv.reader([self.source], delimiter=self.delimiter, skipinitialspace=True))
        except (csv.Error, StopIteration):  # a field of more than 131,072 characters
            row = self.source.split(self.delimiter)
        return [cell.strip() for cell in row]


def read(path: Path, data: bytes) -> Document:
    """Read separated values; the canonical text is the decoded file unchanged.

    The delimiter is the one that cuts the first lines most evenly (comma, semicolon, tab or bar),
    unless the first line says ``sep=``. Rows without a blank line between them are one table
    block; its header rows, where its first rows look like such, are in ``Block.header``. Single
    cells above a table (a report's name) are paragraphs. Rows may be ragged, and quoted cells may
    hold delimiters and line ends.
    """
    text, notes = decode(data)
    lines = line_spans(text)
    slices = Slices(text)
    declared = _DECLARED.fullmatch(text, *lines[0]) if lines else None
    if declared:
        lines = lines[1:]
    delimiter = declared[1] if declared else _delimiter(text, lines)
    table: list[_Record] = []
    after_blank = False
    for record in _records(text, lines, delimiter):
        if record.is_blank:
            after_blank = True
            continue
        if after_blank and table and not _goes_on(table[-1], record):
            _add(slices, table)
            table = []
        elif 0 < len(table) <= _MOST_NAMES and len(record.cells) > 1 and _only_names(table):
            for name in table:
                slices.add("paragraph", name.start, name.end)
            table = []
        after_blank = False
        # Only the top rows and the last are needed; a table may have millions.
        del table[_SAMPLE_LINES:]
        table.append(record)
    _add(slices, table)
    kind = "text/tab-separated-values" if delimiter == "\t" else "text/csv"
    return slices.document(path.stem, kind, notes)


def _goes_on(last: _Record, following: _Record) -> bool:
    """Do rows after a blank line belong to the table before: as wide, and amounts as before?"""
    return len(last.cells) == len(following.cells) > 1 and (
        any(map(is_number, last.cells)) == any(map(is_number, following.cells))
    )


def _only_names(table: Sequence[_Record]) -> bool:
    return len(table) <= _MOST_NAMES and all(sum(map(bool, row.cells)) == 1 for row in table)


def _add(slices: Slices, table: Sequence[_Record]) -> None:
    if not table:
        return
    if len(table) == 1 and _only_names(table):
        slices.add("paragraph", table[0].start, table[0].end)
        return
    head = header_rows([record.cells for record in table])
    if not head and len(table) > 1 and all(len(record.cells) == 1 for record in table):
        head = 1  # one column: nothing tells its name from its values, and a name is usual
    header_end = table[head - 1].end if head else None
    if header_end is not None and header_end - table[0].start > _LONGEST_HEADER:
        header_end = None
    slices.add("table", table[0].start, table[-1].end, header_end=header_end)


def _records(text: str, lines: Sequence[tuple[int, int]], delimiter: str) -> Iterator[_Record]:
    """Each record in order, blank lines too."""
    opening = re.compile(rf'(?:^|{re.escape(delimiter)})\s*"')
    at = 0
    while at < len(lines):
        start, end = lines[at]
        # A record goes on while a quote is open. Most lines have none, and need no search.
        last = _last_line(text, lines, at, opening) if '"' in text[start:end] else at
        end = lines[last][1]
        yield _Record(start, end, text[start:end], delimiter)
        at = last + 1


def _last_line(
    text: str, lines: Sequence[tuple[int, int]], first: int, opening: re.Pattern[str]
) -> int:
    """Number of the line on which the record of a line with quotes ends."""
    quoted = False
    for at in range(first, min(first + _LONGEST_RECORD, len(lines))):
        line = text[lines[at][0] : lines[at][1]]
        position = 0
        while True:
            if quoted:
                closing = line.find('"', position)
                if closing < 0:
                    break
                position = closing + 1
                if line.startswith('"', position):  # a doubled quote stands for one
                    position += 1
                else:
                    quoted = False
            else:
                match = opening.search(line, position)
                if match is None:
                    return at
                position = match.end()
                quoted = True
    return first  # never closed: the quote was only a sign


def _delimiter(text: str, lines: Sequence[tuple[int, int]]) -> str:
    """The sign that cuts the most lines into the same number of cells, more than one."""
    sample: list[tuple[int, int]] = []
    length = 0
    for start, end in lines[:_SAMPLE_LINES]:
        length += end - start
        if sample and length > _SAMPLE_CHARACTERS:
            break
        sample.append((start, end))
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(row.cells) for row in _records(text, sample, delimiter) if not row.is_blank]
        # Titles and notes around a table have one cell with any delimiter.
        several = Counter(width for width in widths if width > 1)
        if not several:
            continue
        width, count = several.most_common(1)[0]
        # Evenness first; among equals the one that makes more columns.
        score = count / len(widths) + min(width, 50) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best
