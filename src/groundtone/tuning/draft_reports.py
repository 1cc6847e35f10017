"""Facts as reports, minutes and release notes state them, and the questions they answer.

What was how much, when; by how much it changed; what it was due to; who did what on which day. A
question names the time that its sentence names: without it, the next report answers it otherwise.
"""

from __future__ import annotations

import re

from groundtone.tuning.draft_words import lowered, subject_of

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_YEAR = r"(?:19|20)\d\d\b"
_DAY = rf"{_MONTH} \d{{1,2}}, {_YEAR}|\d{{1,2}} {_MONTH} {_YEAR}"
_PERIOD = (
    rf"(?:(?:the )?(?:(?:first|second|third|fourth|last|three|six|nine|twelve) )+"
    rf"(?:quarters?|halves|half|months?|weeks?|years?)(?: ended| of)? )?"
    rf"(?:{_DAY}|{_MONTH} {_YEAR}|Q[1-4] {_YEAR}|(?:fiscal |calendar )?(?:years? )?{_YEAR})"
)
_TIMES = rf"(?P<when>{_PERIOD}(?: and {_PERIOD})?)"
_WHEN = rf"(?P<at>as of|at|on|in|during|for) {_TIMES}"
_WHEN_FIRST = rf"(?P<at>As of|At|On|In|During|For) {_TIMES}"
_SUBJECT = r"(?P<subject>[^,;:()?!$%\d]{3,90}?)"
_AMOUNT = (
    r"(?:approximately |about |around )?"
    r"(?:[A-Z]{3} ?|[$€£¥] ?)?\d[\d.,]*(?:%| percent| (?:thousand|million|billion|trillion)\b)?"
)
_UNITS = r"[$€£¥]|\d ?%|\bpercent\b|\b(?:thousand|million|billion|trillion)\b|\b[A-Z]{3} \d"
_CHANGED = {
    "increased": "increase",
    "decreased": "decrease",
    "declined": "decline",
    "dropped": "drop",
    "grew": "grow",
    "rose": "rise",
    "fell": "fall",
}
_DID = {
    "acquired": "acquire",
    "announced": "announce",
    "approved": "approve",
    "authorized": "authorize",
    "closed": "close",
    "completed": "complete",
    "decided": "decide",
    "granted": "grant",
    "introduced": "introduce",
    "issued": "issue",
    "launched": "launch",
    "opened": "open",
    "published": "publish",
    "released": "release",
    "removed": "remove",
    "renamed": "rename",
    "repurchased": "repurchase",
    "signed": "sign",
    "sold": "sell",
}


def amount(said: str) -> str | None:
    """ "Restricted cash was 9 million as of July 30, 2023.", and with the time at another place."""
    several = rf"{_AMOUNT}(?:,? and {_AMOUNT})?(?:, respectively)?"
    for shape in (
        rf"{_SUBJECT} (?P<be>was|were) (?P<much>{several})(?:,)? {_WHEN}(?P<rest>[,.].*)",
        rf"{_SUBJECT} {_WHEN} (?P<be>was|were) (?P<much>{several})(?P<rest>[,.].*)",
        rf"{_WHEN_FIRST}, {_SUBJECT} (?P<be>was|were) (?P<much>{several})(?P<rest>[,.].*)",
    ):
        match = re.fullmatch(shape, said)
        if match and re.search(_UNITS, match["much"]) and (subject := _named(match["subject"])):
            return f"What {match['be']} {subject} {match['at'].lower()} {match['when']}?"
    return None


def change(said: str) -> str | None:
    """ "Sales of lamps increased 16% in Q1 2023 compared to …"."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?P<verb>{'|'.join(_CHANGED)}) (?:by )?(?P<much>{_AMOUNT}) {_WHEN}\b.*\.",
        said,
    )
    if match and re.search(_UNITS, match["much"]) and (subject := _named(match["subject"])):
        base = _CHANGED[match["verb"]]
        return f"By how much did {subject} {base} {match['at']} {match['when']}?"
    return None


def cause(said: str) -> str | None:
    """ "The increase in lighting costs in Q1 2023 was mainly due to more lamps."."""
    match = re.fullmatch(
        rf"{_SUBJECT}(?: {_WHEN})?(?:, compared to [^,]+,)? (?P<be>is|are|was|were) "
        r"(?:(?:primarily|mainly|largely|partly) )?"
        r"(?P<by>due to|driven by|caused by|attributable to) .+\.",
        said,
    )
    if match is None or not (match["when"] or _has_name(match["subject"])):
        return None
    when = f" {match['at']} {match['when']}" if match["when"] else ""
    subject = _named(match["subject"])
    return f"What {match['be']} {subject}{when} {match['by']}?" if subject else None


def parts(said: str) -> str | None:
    """ "The lamp's parts consist of a bulb and a foot."."""
    match = re.fullmatch(
        rf"{_SUBJECT} (?:(?:primarily|mainly) )?(?P<verb>consists?|consisted) "
        r"(?:(?:primarily|mainly) )?of .+\.",
        said,
    )
    if match is None or not _has_name(match["subject"]):
        return None
    do = {"consists": "does", "consist": "do", "consisted": "did"}[match["verb"]]
    subject = _named(match["subject"])
    return f"What {do} {subject} consist of?" if subject else None


def event(said: str) -> str | None:
    """ "On May 4, 2023, the Garden Board approved a new lamp."."""
    match = re.fullmatch(
        rf"{_WHEN_FIRST}, {_SUBJECT} (?P<verb>{'|'.join(_DID)}) (?P<what>[^,;:]{{5,}}.*)\.", said
    )
    if match is None or match["what"].startswith(("by ", "to ", "in ", "on ", "at ", "of ")):
        return None
    subject = _named(match["subject"])
    if not subject or not _has_name(match["subject"]):
        return None
    return f"What did {subject} {_DID[match['verb']]} {match['at'].lower()} {match['when']}?"


REPORTED = (amount, change, cause, parts, event)


def _named(text: str) -> str:
    """The subject in a question; "" where it does not say what it is."""
    if re.search(r"(?i)\b(?:our|us|my)\b", text):
        return ""  # whose, only the report's title says
    if re.match(r"(?i)(?:an?|the) [a-z]+$|(?:an?|the) (?:year-on-year|sequential) [a-z]+$", text):
        return "" if not _has_name(text) else lowered(text)
    return subject_of(text)


def _has_name(text: str) -> bool:
    """Whether a word after the first has a capital or a number."""
    return bool(re.search(r" \S*[A-Z0-9]", text))
