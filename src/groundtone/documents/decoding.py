"""From bytes to text: the file's characters unchanged, and a note when the encoding was guessed."""

from __future__ import annotations

import codecs
import contextlib
import re

from groundtone.documents.guessing import (
    best_latin,
    escaped_encoding,
    single_byte_encoding,
    wide_encoding,
)

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65_536
# Their bytes are ASCII, so they pass for UTF-8: here the declaration is the only sign.
_ALL_ASCII = ("utf-7", "unicode-1-1-utf-7", "hz", "hz-gb-2312")
_LARGER = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
_TEXT_CONTROLS = b"\t\n\r\x0b\x0c\x1b\x1a"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS) + b"\x7f"


class NotText(ValueError):
    """The bytes are not text in any encoding we can name; the message says why."""


def decode(data: bytes, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Decode a text file.

    Tried in this order: byte order mark; UTF-16 and UTF-32 without a mark; the escape sequences of
    ISO-2022; UTF-8; the encoding the file declares itself; UTF-8 with a few damaged bytes; Latin
    and Cyrillic alphabets; a guess by charset-normalizer.

    Args:
        data: the file's bytes.
        declared: an encoding named inside the file, such as HTML's ``<meta charset>``.

    Returns:
        The text without its byte order mark, and notes for the user: the encoding where it is
        neither UTF-8 nor declared, and what was mended.

    Raises:
        NotText: binary content, or no encoding fits.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise NotText(f"begins as {encoding} but is not: {error.reason}") from None
            return text, () if encoding == "utf-8" else (f"read as {encoding}",)
    head = data[:_SAMPLE]
    if b"\0" in data or _mostly_controls(head):
        wide = wide_encoding(data) if b"\0" in data or not _is_utf8(data) else None
        if wide is not None:
            with contextlib.suppress(UnicodeDecodeError):
                return data.decode(wide), (f"read as {wide} (no byte order mark)",)
        what = "zero bytes" if b"\0" in data else "control characters"
        raise NotText(f"binary content, not text ({what})")
    if b"\x1b" in data:
        escaped = escaped_encoding(data)
        if escaped is not None:
            with contextlib.suppress(UnicodeDecodeError):
                return data.decode(escaped), (f"read as {escaped.replace('_', '-')}",)
    if declared is not None and declared.lower() in _ALL_ASCII:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(declared), ()
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        first_bad = error.start
    for name in _meant(declared):
        with contextlib.suppress(LookupError, UnicodeDecodeError, ValueError):
            return data.decode(name), ()
    mended = data.decode("utf-8", "replace")
    lost = mended.count("\ufffd")
    beyond_ascii = len(mended) - len(mended.encode("ascii", "ignore")) - lost
    if beyond_ascii >= 10 * lost:
        return mended, (f"{lost} damaged UTF-8 character(s) replaced",)
    return _guess(data, first_bad)


def _meant(declared: str | None) -> tuple[str, ...]:
    """What a declaration means: browsers take many names for the larger set that holds theirs."""
    if declared is None:
        return ()
    # "-i" and "-e" only say in which direction Hebrew is written.
    name = re.sub(r"-[ie]$", "", declared.strip().lower())
    return (_LARGER[name], name) if name in _LARGER else (name,)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_controls(sample: bytes) -> bool:
    return len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 20


def _guess(data: bytes, first_bad: int) -> tuple[str, tuple[str, ...]]:
    # Only the neighbourhood of the first foreign byte is judged: time stays bounded whatever the
    # file's size, and that is where the evidence is.
    start = max(0, first_bad - _SAMPLE // 2)
    sample = data[start : start + _SAMPLE]
    name = single_byte_encoding(sample)
    names = [name] if name else []
    if not names:
        from charset_normalizer import from_bytes

        matches = list(from_bytes(sample))
        names = [match.encoding for match in matches if match.chaos <= matches[0].chaos]
    names.append(best_latin(sample) or "cp1252")
    for name in names:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            return data.decode(name), (f"not UTF-8; read as {name.replace('_', '-')}",)
    return data.decode(names[0], "replace"), (
        f"not UTF-8; read as {names[0].replace('_', '-')}, some characters replaced",
    )
