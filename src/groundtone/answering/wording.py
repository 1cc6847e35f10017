"""What a sentence says, as far as code can tell: content words, numbers, units, names, negation.

Everything here is plain string work, the same for answer sentences, passages and questions, so
that two texts can be held against each other without a model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# A minus sign, neither a hyphen nor what joins the ends of a range.
_MINUS = r"(?:(?<![\w)\]%°.,/-])(?<!\d\s)[-\u2212](?=\d)|\bminus\s(?=\d))"
# In separated values a date follows its comma closely.
_FIGURE = rf"(?i:{_MINUS})?\d+(?:[.,](?!\d{{4}}-\d\d)\d+)*"
_TOKEN = re.compile(rf"{_FIGURE}|[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(_FIGURE)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?")  # 1,234.5; in India 12,34,567
_MEASURED = re.compile(r"\d{3,}\.\d+")  # 249.00 is 249; a version, as 4.10, is not 4.1
_DECIMAL_COMMA = re.compile(r"(?:\d+|\d{1,3}(?:\.\d{3})+),\d+")  # 1,5 and 1.234,56


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _listed(text: str) -> list[str]:
    return text.split()


NEGATIONS = _words(
    "no not never none neither nor without cannot nobody nothing nowhere n't don't doesn't didn't "
    "isn't aren't wasn't weren't won't can't couldn't shouldn't wouldn't hasn't haven't unable "
    "nicht nichts kein keine keinen keinem keiner keines nie niemals niemand ohne "
    "ne pas jamais aucun aucune sans nunca jamas ningun ninguno ninguna"
)
STOP = _words(
    "a an the and or but if then of to in on at by for from with as is are was were be been being "
    "it its this that these those there here you your yours i we they he she them his her our us "
    "me my their do does did done doing have has had having will would can could should may might "
    "must shall so such than too very just also into onto over under out up down about which who "
    "whom whose what when where how why all any each both more most other some own same only s t "
    "please tell give explain describe mean means many much"
)
# Opposites: one in the answer where only the other stands in the source turns its sense.
_OPPOSITES = [
    pair.split("/")
    for pair in _listed(
        "enable/disable enabled/disabled allow/deny allowed/denied allow/forbid allow/block "
        "allow/prevent before/after minimum/maximum min/max first/last increase/decrease "
        "increased/decreased rise/fall rose/fell higher/lower above/below more/less more/fewer "
        "most/least largest/smallest always/never include/exclude included/excluded on/off "
        "start/stop begin/end open/close opened/closed public/private required/optional "
        "mandatory/optional add/remove added/removed show/hide shown/hidden lock/unlock "
        "success/failure succeed/fail true/false win/lose won/lost north/south east/west "
        "male/female buy/sell import/export upload/download accept/reject accepted/rejected "
        "hot/cold old/new early/late left/right inside/outside with/without possible/impossible "
        "earlier/later free/paid temporary/permanent automatic/manual"
        " automatically/manually online/offline"
    )
]
_NUMERALS = {
    word: str(value)
    for value, word in enumerate(
        _listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        )
    )
} | {
    word: str(10 * value)
    for value, word in enumerate(_listed("thirty forty fifty sixty seventy eighty ninety"), 3)
}
_MONTHS = {
    name[:3]: name
    for name in _listed(
        "january february march april may june july august september october november december"
    )
}
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_UNITS = {
    spelling: family.split()[0]
    for family in (
        "second seconds sec secs s",
        "minute minutes min mins",
        "hour hours hr hrs h",
        "day days",
        "week weeks",
        "month months",
        "year years yr yrs",
        "percent % pct",
        "byte bytes b",
        "kb kilobyte kilobytes kib",
        "mb megabyte megabytes mib",
        "gb gigabyte gigabytes gib",
        "tb terabyte terabytes tib",
        "ms millisecond milliseconds",
        "mm millimetre millimetres millimeter millimeters",
        "cm centimetre centimetres centimeter centimeters",
        "metre metres meter meters",
        "km kilometre kilometres kilometer kilometers",
        "mile miles",
        "foot feet ft",
        "inch inches",
        "gram grams g",
        "kg kilogram kilograms",
        "pound pounds lb lbs",
        "dollar dollars $ usd",
        "euro euros € eur",
        "thousand",
        "million",
        "billion",
        "trillion",
    )
    for spelling in family.split()
}
_QUANTITY = re.compile(rf"(?P<sign>[$€])?\s?(?P<number>{_FIGURE})[\s-]?(?P<unit>%|[A-Za-z]+)?")
_SUFFIX = re.compile(r"(?<=\w{3})(?:ies|ing|edly|ed|es|ly|s|e|y)$")


Kind = Literal["figure", "name", "word", "plain"]
"""What a word is; ``plain`` ones tell nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What one sentence says.

    Attributes:
        words: stems of its content words and its numbers, in order, with repetitions.
        content: the same as a set.
        numbers: figures as written in digits, made alike by `figure` ("82959", "4.2.1").
        values: figures, spelled ones included ("five" → "5").
        scaled: (figure, what it comes to) where a scale follows it ("2 million").
        quantities: (figure, unit) where a known unit follows or a currency sign stands before.
        names: stems of words with a capital that do not begin the sentence, and of identifiers.
        negated: whether a negation stands in it.
        poles: its words that have an opposite.
    """

    words: tuple[str, ...]
    content: frozenset[str]
    numbers: frozenset[str]
    values: frozenset[str]
    scaled: frozenset[tuple[str, str]]
    quantities: frozenset[tuple[str, str]]
    names: frozenset[str]
    negated: bool
    poles: frozenset[str]


_POLES: dict[str, set[str]] = {}
for _one, _other in _OPPOSITES:
    _POLES.setdefault(_one, set()).add(_other)
    _POLES.setdefault(_other, set()).add(_one)


@lru_cache(maxsize=8192)
def wording(text: str) -> Wording:
    """Read a sentence; results are kept, since passages are looked at once per answer sentence."""
    text = _fold(text)
    words: list[str] = []
    names: set[str] = set()
    values: set[str] = set()
    poles: set[str] = set()
    spelled: set[tuple[str, str]] = set()
    before = ""
    negated = False
    first = True
    for match in _TOKEN.finditer(text):
        raw = match.group()
        token = raw.lower().replace("’", "'")
        if token in NEGATIONS or token.endswith("n't"):
            negated = True
        if token in _POLES:
            poles.add(token)
        if raw[-1].isdigit():
            numbers = _parted(raw)
            words += numbers
            values.update(numbers)
        elif token in _NUMERALS:
            words.append(_NUMERALS[token])
            values.add(_NUMERALS[token])
        elif before in _NUMERALS and token in _UNITS:
            words.append(stem_of(token))
            spelled.add((_NUMERALS[before], _UNITS[token]))
        elif _tells(raw, first, text):
            stem = stem_of(token)
            words.append(stem)
            if _is_name(raw, first):
                names.add(stem)
        first = False
        before = token
    return Wording(
        words=tuple(words),
        content=frozenset(words),
        numbers=frozenset(figures(text)),
        values=frozenset(values),
        scaled=_scaled(text),
        quantities=_quantities(text) | spelled,
        names=frozenset(names),
        negated=negated,
        poles=frozenset(poles),
    )


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[tuple[str, Kind], ...]:
    """All words in order, each with what it is; words as stems, figures as `figure` writes them.

    >>> tokens("Pump A runs at 3 bar.")[:5]
    (('pump', 'word'), ('a', 'name'), ('run', 'word'), ('at', 'plain'), ('3', 'figure'))
    """
    text = _fold(text)
    found: list[tuple[str, Kind]] = []
    for match in _TOKEN.finditer(text):
        raw, first = match.group(), not found
        token = raw.lower().replace("’", "'")
        if raw[-1].isdigit():
            found += [(number, "figure") for number in _parted(raw)]
        elif token in _NUMERALS:
            found.append((_NUMERALS[token], "figure"))
        elif _tells(raw, first, text):
            found.append((stem_of(token), "name" if _is_name(raw, first) else "word"))
        else:
            found.append((token, "plain"))
    return tuple(found)


def _tells(raw: str, first: bool, text: str) -> bool:
    """Whether a word tells what a sentence is about; so does the letter of "Pump A"."""
    if raw == "A":
        return not first and not text.isupper()
    token = raw.lower().replace("’", "'")
    return token not in STOP and token not in NEGATIONS


def _is_name(raw: str, first: bool) -> bool:
    return (raw[0].isupper() and not first) or raw[1:].lower() != raw[1:]


def figures(text: str) -> set[str]:
    """The figures written in digits, made alike by `figure`.

    >>> sorted(figures("In 2022 it was $82,959 or 1.50%, at -5 °C, see 4.2.1."))
    ['-5', '1.50', '2022', '4.2.1', '82959']
    """
    return {figure for number in _NUMBER.findall(text) for figure in _parted(number)}


def figure(number: str) -> str:
    """A figure with its sign, without what parts thousands, and with a point before decimals.

    >>> figure("82,959"), figure("1,5"), figure("1.234,50"), figure("minus 18")
    ('82959', '1.5', '1234.5', '-18')
    """
    digits = number.lstrip("-\u2212MINUSminus \t\n\xa0")
    sign = "" if digits == number else "-"
    digits = digits.rstrip(".,")
    if _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    elif _DECIMAL_COMMA.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", ".")
    if _MEASURED.fullmatch(digits):
        digits = digits.rstrip("0").rstrip(".")
    return sign + digits


def _parted(number: str) -> list[str]:
    """The figures of a run of digits: several where its commas can only part them (1,2,3)."""
    plain = number.rstrip(".,")
    digits = plain[re.search(r"\d", plain).start() :]  # type: ignore[union-attr]
    if "," not in digits or _GROUPED.fullmatch(digits) or _DECIMAL_COMMA.fullmatch(digits):
        return [figure(plain)]
    return [figure(part) for part in plain.split(",")]


def union(said: Sequence[Wording]) -> Wording:
    """All sentences as one: what is said anywhere."""
    return Wording(
        words=(),
        content=frozenset().union(*(one.content for one in said)),
        numbers=frozenset().union(*(one.numbers for one in said)),
        values=frozenset().union(*(one.values for one in said)),
        scaled=frozenset().union(*(one.scaled for one in said)),
        quantities=frozenset().union(*(one.quantities for one in said)),
        names=frozenset(),
        negated=False,
        poles=frozenset(),
    )


def missing_quantities(said: Wording, source: Wording) -> int:
    """How many of the said figures do not stand in the source, or stand there with another unit."""
    absent = said.values - source.values
    if absent:
        totals = source.values | {total for _, total in source.scaled}
        absent -= {number for number, total in said.scaled if total in totals}
    units: dict[str, set[str]] = {}
    for number, unit in source.quantities:
        units.setdefault(number, set()).add(unit)
    other = {
        number
        for number, unit in said.quantities
        if number in units and unit not in units[number] and number not in absent
    }
    return len(absent) + len(other)


def turned(said: Wording, source: Wording) -> bool:
    """Whether a word of one stands against its opposite in the other ("before", "after")."""
    return any(
        _POLES[word] & source.poles and word not in source.poles and not (_POLES[word] & said.poles)
        for word in said.poles
    )


def stem_of(token: str) -> str:
    """A word without its ending, crude on purpose: both sides are cut alike."""
    token = token.removesuffix("'s")
    if token[:3] in _MONTHS and _MONTHS[token[:3]].startswith(token) and len(token) >= 3:
        return _MONTHS[token[:3]]
    return _SUFFIX.sub("", token) if len(token) > 3 else token


def _fold(text: str) -> str:
    """Compatibility forms and accents away, so that "ﬁle" and "café" are found again."""
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKD", text)
    return "".join(char for char in folded if not unicodedata.combining(char))


def _scaled(text: str) -> frozenset[tuple[str, str]]:
    found = set()
    for match in _QUANTITY.finditer(text):
        scale = _SCALES.get((match["unit"] or "").lower())
        if scale is None:
            continue
        try:
            number = figure(match["number"])
            found.add((number, f"{float(number) * scale:.0f}"))
        except ValueError:
            continue  # "1.2.3 million"
    return frozenset(found)


def _quantities(text: str) -> frozenset[tuple[str, str]]:
    found = set()
    for match in _QUANTITY.finditer(text):
        number = figure(match["number"])
        if match["sign"]:
            found.add((number, _UNITS[match["sign"]]))
        unit = _UNITS.get((match["unit"] or "").lower())
        if unit:
            found.add((number, unit))
    return frozenset(found)
