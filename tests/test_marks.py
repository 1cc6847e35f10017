"""The ranges of marks against Unicode's own categories."""

from __future__ import annotations

import re
import unicodedata

from groundtone.marks import MARKS

_CLASS = re.compile(f"[{MARKS}]")
_LEFT_OUT = {*range(0xFE00, 0xFE10), *range(0x180B, 0x1810), 0x3099, 0x309A}
"""Variation selectors (the Mongolian ones too), and what is one token in Japanese."""


def test_every_mark_of_the_basic_plane_is_one() -> None:
    for code in range(0x10000):
        if unicodedata.category(chr(code)) in ("Mn", "Mc"):
            assert bool(_CLASS.match(chr(code))) is (code not in _LEFT_OUT), hex(code)


def test_nothing_that_ends_a_word_is_one() -> None:
    """Letters and figures are between the ends of a range; punctuation and symbols never."""
    for code in range(0x10000):
        if _CLASS.match(chr(code)):
            kind = unicodedata.category(chr(code))
            assert kind[0] in "LN" or kind in ("Mn", "Mc", "Cn"), (hex(code), kind)


def test_none_is_part_of_a_word_by_itself() -> None:
    assert re.findall(r"\w+", "दिन") != ["दिन"]
    assert re.findall(rf"(?:\w[{MARKS}]*+)+", "दिन। काम") == ["दिन", "काम"]
