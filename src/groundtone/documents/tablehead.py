"""How many rows at the top of a table name its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Rows looked at: enough to see what a table's columns hold.
_SAMPLE = 50
_LONGEST_NAME = 120
_NUMBER = re.compile(
    r"[-+(]?\s?[$€£¥]?\s?[-+]?(?:\d[\d.,'\s\u00a0\u202f]*|[.,]\d+)(?:[eE][-+]?\d+)?\s?%?\)?"
)
# What people write for an amount that is not there.
_NOTHING = frozenset("-–—")
_YEAR = re.compile(r"(?:(?:1[89]|20|21)\d\d)(?:[-/]\d{2,4})?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?.*)?")


def is_number(text: str) -> bool:
    """Is a cell's text a number: digits, perhaps with sign, currency or percent, or a dash?"""
    text = text.strip()
    return text in _NOTHING or (len(text) < 40 and _NUMBER.fullmatch(text) is not None)


def is_amount(text: str) -> bool:
    """Is it a number that is no year?"""
    return is_number(text) and not _YEAR.fullmatch(text.strip())


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Number of header rows, 0 to 2, of a table whose format does not tell.

    A header row holds names: none is long, none is an amount (a year may stand above a column),
    at least two of its places are filled, half at least, and none of its dates stand above dates.
    A second row of names counts when it has more of them than the first, as under names over
    several columns, or its first place is empty, and amounts follow.

    Args:
        rows: the table's cells, top rows at least.
    """
    rows = rows[:_SAMPLE]
    if len(rows) < 2:
        return 0
    first, second = (_filled(row) for row in rows[:2])
    amounts_follow = any(is_amount(cell) for row in rows[2:] for cell in row)
    if not _names(rows[0], rows[1:]):
        sparse = len(first) < len(second) and not any(map(is_amount, first))
        return 2 if sparse and amounts_follow and first and _names(rows[1], rows[2:]) else 0
    if (
        amounts_follow
        and second
        and (len(first) < len(second) or not rows[1][:1] or not rows[1][0].strip())
        and not any(map(is_amount, second))
    ):
        return 2
    return 1


def _filled(row: Sequence[str]) -> list[str]:
    return [cell for cell in row if cell.strip()]


def _names(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    filled = [(column, cell.strip()) for column, cell in enumerate(row) if cell.strip()]
    if len(filled) < 2 or len(filled) * 2 < max(map(len, (row, *below[:5]))):
        return False
    names = 0
    for column, cell in filled:
        if len(cell) > _LONGEST_NAME:
            return False
        if _YEAR.fullmatch(cell):
            continue
        if is_number(cell):
            return False
        if _DATE.fullmatch(cell) and any(
            _DATE.fullmatch(other[column].strip()) for other in below if column < len(other)
        ):
            return False
        names += 1
    return names > 0
