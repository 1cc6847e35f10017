"""Which encoding bytes are in that do not say so: judged by the letters they would make."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_FOREIGN_RUN = re.compile(rb"[\x80-\xff]+")
_QUOTES = frozenset("‘’“”„–—•…€\u00a0")
_SIGNS = _QUOTES | frozenset("«»£©®°§´·™")
_WEST = frozenset("¿¡àâäáãåæçèéêëìíîïñòóôöõøœùúûüÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜ")
_ICELAND = frozenset("ðþýÐÞÝ")
_CENTRE = frozenset(
    "áäâăąćčçďéëęěíîĺľłńňóôöőřŕśšşťţúůüűýźžżđßÁÄÂĂĄĆČÇĎÉËĘĚÍÎĹĽŁŃŇÓÔÖŐŘŔŚŠŞŤŢÚŮÜŰÝŹŽŻĐ"
)
_TURKEY = frozenset("âçğıîöşûüÂÇĞİÎÖŞÛÜ")
# The commonest first: it wins ties.
_LATIN = (
    ("cp1252", _WEST),
    ("cp1250", _CENTRE),
    ("iso8859_2", _CENTRE),
    ("cp1254", _TURKEY),
    ("mac_roman", _WEST),
    ("cp850", _WEST),
)
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866")
_COMMON_CYRILLIC = frozenset("оеаинтсрвлкмдпуіяы")
_ESCAPES = (
    (re.compile(rb"\x1b\$[@B]|\x1b\(J"), "iso2022_jp"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_WIDE_SAMPLE = 4_096
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC", "FULLWIDTH"}


def escaped_encoding(data: bytes) -> str | None:
    """An encoding of plain ASCII bytes that switches alphabets by escape sequences."""
    return next((name for mark, name in _ESCAPES if mark.search(data)), None)


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, in any script; None for everything else.

    Right are the one or two bytes order under which the characters are letters of one script.
    """
    best, name = 0.0, None
    head = data[:_WIDE_SAMPLE]
    half = max(1, len(head) // 2)
    high, low = head[0::2].count(0) / half, head[1::2].count(0) / half
    for encoding in _WIDE:
        # Western text has its zeros on one side.
        if (high > 0.4 and low < 0.1 and encoding != "utf-16-be") or (
            low > 0.4 and high < 0.1 and encoding != "utf-16-le"
        ):
            continue
        unit = 4 if "32" in encoding else 2
        if len(data) % unit:
            continue
        try:
            # A character of two units may be cut in half at the sample's end.
            text = data[:_WIDE_SAMPLE].decode(encoding, "ignore")
        except UnicodeDecodeError:
            continue
        score = _one_script(text) if len(text) * unit >= min(len(data), _WIDE_SAMPLE) - 4 else 0.0
        if score > best:
            best, name = score, encoding
    return name if best > 0.6 else None


def _one_script(text: str) -> float:
    """How far a text looks like writing: the share of its commonest script and of plain signs."""
    scripts: Counter[str] = Counter()
    plain = 0
    for sign in text:
        category = unicodedata.category(sign)
        if sign in "\t\n\r\f\ufeff" or " " <= sign <= "@":
            plain += 1
        elif category in ("Cc", "Cn", "Co", "Cs"):
            return 0.0
        elif category[0] in "LM":
            script = unicodedata.name(sign, "?").split(" ")[0]
            scripts["CJK" if script in _EAST_ASIAN else script] += 1
    letters = scripts.total()
    if not letters:
        return 0.0
    return (scripts.most_common(1)[0][1] + plain) / len(text)


def single_byte_encoding(sample: bytes) -> str | None:
    """An 8-bit encoding of a Latin or Cyrillic alphabet that makes sense of the bytes, or None.

    Args:
        sample: bytes around the first that is not ASCII.
    """
    runs = _FOREIGN_RUN.findall(sample)
    foreign = sum(map(len, runs))
    if foreign <= 2.2 * len(runs) and foreign < 0.4 * len(sample):
        return best_latin(sample, at_least=0.9)
    return _cyrillic(sample)


def best_latin(sample: bytes, at_least: float = 0.0) -> str | None:
    """The page of a Latin alphabet under which most foreign bytes are letters of one language."""
    foreign = b"".join(_FOREIGN_RUN.findall(sample))
    best, name = -1.0, None
    for encoding, letters in _LATIN:
        text = foreign.decode(encoding, "replace")
        score = sum(
            1.0
            if sign in letters or sign in _QUOTES
            else 0.9
            if sign in _ICELAND or sign in _SIGNS
            else 0.0
            for sign in text
            if encoding == "cp1252" or sign not in _ICELAND
        )
        if score > best:
            best, name = score, encoding
    return name if best >= at_least * len(foreign) else None


def _cyrillic(sample: bytes) -> str | None:
    best, name = 0.0, None
    if all(0xE0 <= byte <= 0xFA for byte in b"".join(_FOREIGN_RUN.findall(sample))):
        return None  # the 27 letters of Hebrew; hardly any Russian text is without capitals and я
    for encoding in _CYRILLIC:
        text = sample.decode(encoding, "replace")
        foreign = [sign for sign in text if sign > "\x7f"]
        letters = [sign for sign in foreign if "Ѐ" <= sign <= "ӿ"]
        shown = sum(sign in _SIGNS or sign in "№" for sign in foreign) + len(letters)
        # Capitals inside words are what one Cyrillic page makes of another.
        odd = len(re.findall(r"[а-яё][А-ЯЁ]", text))
        common = sum(sign in _COMMON_CYRILLIC for sign in letters)
        if shown < 0.97 * len(foreign) or odd > 0.02 * len(letters) or common < 0.5 * len(letters):
            continue
        score = common / max(1, len(letters))
        if score > best:
            best, name = score, encoding
    return name
