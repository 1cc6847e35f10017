"""Text → sentence spans, for prose that is full of versions, file names and menu paths.

One left-to-right pass of regular expressions, no model, linear time. A sentence ends at ``.``,
``!``, ``?`` or ``…`` only where the next word can begin one, so that ``4.2.1``, ``config.yaml``,
``e.g. this``, ``Save As… > PDF`` and ``Fig. 3`` stay whole. Structure ends sentences too: blank
lines, list items, headings, table rows and lines of fenced code. A bare line break does not: it is
a wrapped line. A citation that follows the full stop (``… address. [1]``, ``… [Source: …]``)
belongs to the sentence before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Never the end of a sentence, whatever follows.
_ALWAYS = _words(
    "mr mrs ms mx dr prof rev hon gen col lt sgt capt messrs mt e.g i.e cf viz vs v approx ca "
    "resp incl excl esp al"
)
# An abbreviation only before a number or a Roman numeral: "Sec. 2.1", but "Click No. Then".
_BEFORE_NUMBER = _words(
    "no nos nr fig figs sec sect ch chap eq eqs vol art par p pp ex app tab ref refs step ver ed "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
# May stand inside or at the end: the end only before a word that usually begins a sentence.
_EITHER = _words("inc ltd co corp llc st jr sr dept est u.s u.k u.n u.s.a e.u ph.d min max")
_STARTERS = _words(
    "the a an this that these those it its he she they we you your our i if in on at to for from "
    "when while after before once then there here use run click open select choose go see set "
    "add check make note however but and or so as by with without no not each every all any some "
    "do does did is are was were can only don't never always please press enter type tap "
    "what why how which who"
)

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_ALONE = re.compile(r"\s*(?:#{1,6}\s|\||[-=*_]{3,}\s*$)")
_ITEM = re.compile(r"\s*(?:[-*+•‣◦–]\s|>\s|\(?(?:\d{1,3}|[A-Za-z])[.)]\s)")
_INLINE_CODE = re.compile(r"(`+)[^`\n]+\1")
_END = re.compile(
    r"[.!?…]+[\"'”’»)\]*_]*(?=\s|$)"  # western: white space must follow
    r"|[。！？｡]+[」』”）]*"  # CJK: nothing needs to
    r"|[।؟]+(?=\s|$)"
)
_CITATION = re.compile(r"\s*\[(?:\^?\d+(?:\s*[,;–-]\s*\d+)*|sources?\b[^\[\]\n]*)\](?!\()\.?", re.I)
_WORD_BEFORE = re.compile(r"[^\s(\[{\"“'‘*_`]+$")
_NEXT = re.compile(r"\s*[\"'“‘«(\[*_¿¡]*(\S*)")
_MARKER = re.compile(r"\s*(?:step\s+)?\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Za-z])$", re.I)
_NUMERAL = re.compile(r"(?:\d|[IVXLC]+\b)")
_IDENTIFIER = re.compile(r"[a-z]\w*(?:[_/.:-]\w|[A-Z0-9])")


def split(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as spans ``(start, end)`` in characters.

    Spans are ordered, do not overlap, neither begin nor end with white space, and together cover
    every character that is not white space. Empty or blank text gives ``[]``.

    >>> text = "Go to Settings > Account. Version 4.2.1 reads config.yaml, e.g. at start."
    >>> [text[start:end] for start, end in split(text)]
    ['Go to Settings > Account.', 'Version 4.2.1 reads config.yaml, e.g. at start.']
    """
    spans: list[tuple[int, int]] = []
    for start, end in _units(text):
        at = start
        for cut in _cuts(text, start, end):
            _append(spans, text, at, cut)
            at = cut
        _append(spans, text, at, end)
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    right = len(piece.rstrip())
    if right > left:
        spans.append((start + left, start + right))


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that sentences do not cross, tiling the text."""
    start = 0
    fenced = False
    for match in _LINE.finditer(text):
        line, at = match.group(), match.start()
        fence = _FENCE.match(line) is not None
        alone = fenced or fence or not line.strip() or _ALONE.match(line) is not None
        if (alone or _ITEM.match(line)) and at > start:
            yield start, at
            start = at
        if alone:
            yield start, match.end()
            start = match.end()
        fenced ^= fence
    if start < len(text):
        yield start, len(text)


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Where sentences end inside one unit, the unit's own end left out."""
    code = [match.span() for match in _INLINE_CODE.finditer(text, start, end)]
    at, sentence, code_at = start, start, 0
    while (match := _END.search(text, at, end)) is not None:
        at = match.end()
        while code_at < len(code) and code[code_at][1] <= match.start():
            code_at += 1
        if code_at < len(code) and code[code_at][0] <= match.start():
            at = max(at, code[code_at][1])  # inside inline code: never an end
            continue
        after = at
        while (label := _CITATION.match(text, after, end)) is not None:
            after = label.end()
        if after < end and _ends(text, sentence, match, after, end):
            yield after
            at = sentence = after


def _ends(text: str, sentence: int, match: re.Match[str], after: int, end: int) -> bool:
    """Whether the marks found end a sentence that began at ``sentence``."""
    marks = match.group()
    if marks[0] in "。！？｡।؟":
        return True
    following = _NEXT.match(text, after, min(end, after + 80))
    word = following.group(1) if following else ""
    if not word:
        return True
    first = word[0]
    if first.islower() and _IDENTIFIER.match(word) is None:
        return False
    if not (first.isalnum() or first in "`<$/~#@-+=|&"):  # ">" and ")" go on, they never begin
        return False
    if not marks.startswith(".") or marks.startswith(".."):
        return True
    # Sixty characters hold any abbreviation; a bound keeps hostile text linear.
    lead = text[max(sentence, match.start() - 60) : match.start()]
    if match.start() - sentence <= 60 and _MARKER.fullmatch(lead):
        return False  # "1. Open", "Step 2. Click"
    found = _WORD_BEFORE.search(lead)
    before = found.group().lower() if found else ""
    if before in _ALWAYS:
        return False
    if before in _BEFORE_NUMBER:
        return _NUMERAL.match(word) is None
    starter = word.lower().rstrip(",.;:!?") in _STARTERS
    if len(before) == 1 and found is not None and found.group().isupper():
        return starter or first.isdigit()  # "J. Smith", but "Choose plan B. The next step"
    return starter or before not in _EITHER
