"""When a document is of, and questions that ask for the latest one.

Reports of a series say the same in each, so a question for the latest finds all of them. When a
document is of is read where it is said plainly: in its path ("2023 Q3", "2023-07", "July 2023"),
else in its title, else in the date or the subject that it states of itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from groundtone.catalog import DocumentInfo

End = tuple[int, int, int]
"""Year, month and day on which a time ends: a quarter with its third month, a year in December."""

LAST_DAY = 31  # of a time without a day; only compared, so that February has one, too

_LATEST = re.compile(r"\b(?:latest|newest|most[\s-]+recent)\b", re.IGNORECASE)
_WORD = re.compile(r"\d+|[^\W\d_]+")
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)(?!\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTH = re.compile(
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def asks_latest(question: str) -> bool:
    """Whether the question is for the latest of several."""
    return _LATEST.search(question) is not None


def end(document: DocumentInfo) -> End | None:
    """When the time that a document is of ends; None where nothing tells."""
    stated = [document.metadata.get(name) for name in ("date", "subject")]
    told = (document.path, document.title, *(text for text in stated if isinstance(text, str)))
    return next((found for text in told if (found := stated_end(text))), None)


def stated_end(text: str) -> End | None:
    """The end of the last time that a path, a title or a date names; None without a year."""
    words = _WORD.findall(_COMPACT.sub(r"\1-\2-\3", text.casefold()))
    at = max((at for at, word in enumerate(words) if _YEAR.fullmatch(word)), default=-1)
    if at < 0:
        return None
    year, before, after = int(words[at]), words[max(0, at - 2) : at], words[at + 1 : at + 3]
    if quarter := _quarter(before) or _quarter(after):
        return year, 3 * quarter, LAST_DAY
    numbers = [_number(word, most) for word, most in zip(after, (12, LAST_DAY), strict=False)]
    if numbers and numbers[0]:
        return year, numbers[0], (numbers[1:] or [0])[0] or LAST_DAY
    named = [word for word in (*before, *after[:1]) if _MONTH.fullmatch(word)]
    if named:
        days = [int(word) for word in before if word.isdigit() and 1 <= int(word) <= LAST_DAY]
        return year, _MONTHS.index(named[-1][:3]) + 1, (days or [LAST_DAY])[-1]
    return year, 12, LAST_DAY


def _quarter(pair: Sequence[str]) -> int:
    """The quarter that two words beside a year name ("q 3", "3 q"); 0 if they name none."""
    letters = [word for word in pair if word == "q"]
    numbers = [int(word) for word in pair if word in ("1", "2", "3", "4")]
    return numbers[0] if letters and numbers else 0


def _number(word: str, most: int) -> int:
    """Two digits as a month or a day; 0 where they are none."""
    return int(word) if re.fullmatch(r"\d\d", word) and 1 <= int(word) <= most else 0
