"""Rows of Markdown tables, and the questions that their columns' titles ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from groundtone.tuning.draft_words import IMPERATIVE, VAGUE, VERBS, Found, low_names, lowered, plain

_ROW = re.compile(r"^\|(?P<cells>.+)\|\s*$", re.MULTILINE)


def tables(text: str) -> Iterator[Found]:
    """What the rows of all tables in a passage give."""
    header: list[str] = []
    before = -1
    for match in _ROW.finditer(text):
        cells = [plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", match["cells"])]
        if before < 0 or match.start() > before + 2:
            header = cells  # a row after a gap begins a table
        elif all(re.fullmatch(r":?-+:?", cell) for cell in cells if cell) and any(cells):
            pass
        elif len(cells) == len(header) > 1 and 1 <= len(cells[0].split()) <= 4:
            yield from _row(header, cells, match.start(), match.end())
        before = match.end()


def _row(header: Sequence[str], cells: Sequence[str], start: int, end: int) -> Iterator[Found]:
    if re.search(r"[\[\]!<>{}]", cells[0]) or re.fullmatch(r"[a-z]+\d+", cells[0]):
        return  # a picture, or a made-up record
    kind = header[0].lower()
    code = any(sign.isdigit() for sign in cells[0]) or not cells[0][:1].isalpha()
    key = cells[0] if code or not kind or kind in ("name", "key") else f"the {cells[0]} {kind}"
    if key.startswith("the ") and cells[0][:1].islower():
        key = f"the {kind} {cells[0]}"
    for name, cell in zip(header[1:], cells[1:], strict=True):
        if not cell or not name or cell in ("-", "–", "—") or len(cell.split()) > 25:
            continue
        low, said = name.lower(), cell.rstrip(".")
        if low in ("kind", "type", "") or re.fullmatch(r"(?i)yes|no|true|false|x|✓|✗|n/a", said):
            continue
        if low in ("meaning", "description", "cause", "reason", "effect", "what it does"):
            if low == "meaning" and cell.endswith("."):
                yield Found(
                    "table",
                    f"What does {key} mean?",
                    f"{_up(key)} means that {lowered(said)}.",
                    start,
                    end,
                )
        elif low in ("what to do", "remedy", "solution", "action", "fix"):
            if said.split()[0].lower() in IMPERATIVE:
                yield Found(
                    "table",
                    f"What do I do about {key}?",
                    f"For {key}, {lowered(said)}.",
                    start,
                    end,
                )
        elif _named(name) and not re.search(r"[,;\[\]{}<>|!]|\.$", cell):
            title = _title(name)
            be = "are" if re.search(r"(?<![su])s$", title) else "is"
            asked = f"What {be} the {title} of {key}?"
            answer = f"The {title} of {key} {be} {_low_value(said)}."
            yield Found("table", asked, answer, start, end)


def _named(header: str) -> bool:
    """Whether a column's title names a thing that a row can have: not "From", nor "Add members"."""
    words = header.lower().split()
    return (
        1 <= len(words) <= 5
        and words[0] not in VERBS | VAGUE | {"reply", "default", "value", "values", "notes"}
        and words[-1] not in VAGUE
        and all(word.isalpha() for word in words)
    )


def _title(header: str) -> str:
    """A column's title inside a sentence: capitals stay on abbreviations only."""
    return " ".join(w.lower() if w[1:].islower() else w for w in header.split())


def _low_value(text: str) -> str:
    return low_names(text) if len(text.split()) == 1 and text.isalpha() else text


def _up(text: str) -> str:
    return text[0].upper() + text[1:]
