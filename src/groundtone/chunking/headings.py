"""The path of headings above a chunk: as a line of text that is embedded, and as a label."""

from __future__ import annotations

import re
from collections.abc import Sequence

from groundtone.chunking.tokens import Encode

_MOST_TOKENS = 48
_NUMBER = re.compile(
    r"(?:(?:section|chapter|appendix|§)\s*)?"
    r"((?:\d{1,4}|[A-Z])(?:\.\d{1,4})+|\d{1,2}|[A-Z](?=\.\s))[.):]?\s+\S",
    re.IGNORECASE,
)


def section_label(headings: Sequence[str]) -> str:
    """The leading number of the innermost numbered heading, else the innermost heading, else ""."""
    for heading in reversed(headings):
        match = _NUMBER.match(heading)
        if match:
            return match[1]
    return headings[-1] if headings else ""


def heading_line(
    title: str, headings: tuple[str, ...], encode: Encode, window_tokens: int
) -> tuple[str, int]:
    """The line above each window's text, and its number of tokens.

    Too long a path loses its middle first, then the title: the innermost heading says most.
    """
    limit = min(_MOST_TOKENS, window_tokens // 3)
    parts = [" ".join(part.split()) for part in headings]
    name = " ".join(title.split())
    if name and name.casefold() not in (part.casefold() for part in parts[:1]):
        parts.insert(0, name)
    parts = [part for part in parts if part]
    while True:
        # A token is seldom longer than 64 characters; the rest of a monstrous title is not read.
        line = " > ".join(parts)[: limit * 64]
        used = len(encode(line))
        if used <= limit:
            return line, used
        if len(parts) > 1:
            del parts[1 if len(parts) > 2 else 0]
            continue
        break
    # The innermost heading alone is too long. A cut word may be seen as more tokens, hence a loop.
    for kept in range(limit, 0, -1):
        shorter = line[: encode(line)[kept - 1][1]].rstrip()
        used = len(encode(shorter))
        if used <= limit:
            return shorter, used
    return "", 0
