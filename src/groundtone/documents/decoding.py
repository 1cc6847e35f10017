"""From bytes to text: the file's characters unchanged, and a note when the encoding was guessed."""

from __future__ import annotations

import codecs
import contextlib
import re

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 65_536
_FOREIGN = re.compile(rb"[\x80-\xff]")
_FOREIGN_RUN = re.compile(rb"[\x80-\xff]+")
_INSIDE_WORD = re.compile(rb"(?<=[A-Za-z\x80-\xff])[\x80-\xff](?=[A-Za-z\x80-\xff])")
# The commonest first: it wins ties.
_WESTERN = ("cp1252", "cp1250", "latin_1")
_TEXT_CONTROLS = b"\t\n\r\x0b\x0c\x1b\x1a"
_CONTROLS = bytes(code for code in range(32) if code not in _TEXT_CONTROLS) + b"\x7f"


class NotText(ValueError):
    """The bytes are not text in any encoding we can name; the message says why."""


def decode(data: bytes, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Decode a text file.

    Tried in this order: byte order mark; UTF-16 without a mark (by its pattern of zero bytes);
    UTF-8; the encoding the file declares itself; UTF-8 with a few damaged bytes; a guess by
    charset-normalizer.

    Args:
        data: the file's bytes.
        declared: an encoding named inside the file, such as HTML's ``<meta charset>``.

    Returns:
        The text without its byte order mark, and notes for the user (empty for clean UTF-8).

    Raises:
        NotText: binary content, or no encoding fits.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), ()
            except UnicodeDecodeError as error:
                raise NotText(f"begins as {encoding} but is not: {error.reason}") from None
    head = data[:_SAMPLE]
    if b"\0" in data:
        wide = _wide_encoding(head)
        if wide is not None:
            with contextlib.suppress(UnicodeDecodeError):
                text = data.decode(wide)
                if not _mostly_controls(text[:_SAMPLE].encode("utf-8", "replace")):
                    return text, (f"read as {wide} (no byte order mark)",)
        raise NotText("binary content, not text (zero bytes)")
    if _mostly_controls(head):
        raise NotText("binary content, not text (control characters)")
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        first_bad = error.start
    if declared is not None:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            return data.decode(declared), ()
    mended = data.decode("utf-8", "replace")
    lost = mended.count("\ufffd")
    beyond_ascii = len(mended) - len(mended.encode("ascii", "ignore")) - lost
    if beyond_ascii >= 10 * lost:
        return mended, (f"{lost} damaged UTF-8 character(s) replaced",)
    return _guess(data, first_bad)


def _mostly_controls(sample: bytes) -> bool:
    return len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 20


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 of mostly western text has nearly all its zero bytes on one side of each pair."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = max(1, len(head) // 2)
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _guess(data: bytes, first_bad: int) -> tuple[str, tuple[str, ...]]:
    # Only the neighbourhood of the first foreign byte is judged: time stays bounded whatever the
    # file's size, and that is where the evidence is.
    start = max(0, first_bad - _SAMPLE // 2)
    sample = data[start : start + _SAMPLE]
    foreign, runs = len(_FOREIGN.findall(sample)), len(_FOREIGN_RUN.findall(sample))
    names: list[str] = []
    if runs <= 0.7 * foreign:
        from charset_normalizer import from_bytes

        matches = list(from_bytes(sample))
        names = [match.encoding for match in matches if match.chaos <= matches[0].chaos]
    if not names and foreign < 0.4 * len(sample):
        # Few foreign characters, most alone between plain letters: a western language. The general
        # guess takes short ones for Chinese; which page makes letters of them?
        names = sorted(_WESTERN, key=lambda name: _signs_inside_words(sample, name))
    for name in names:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            return data.decode(name), (f"not UTF-8; read as {name.replace('_', '-')}",)
    if not names:
        raise NotText("no text encoding fits its bytes")
    return data.decode(names[0], "replace"), (
        f"not UTF-8; read as {names[0].replace('_', '-')}, some characters replaced",
    )


def _signs_inside_words(sample: bytes, encoding: str) -> int:
    found = (match[0].decode(encoding, "replace") for match in _INSIDE_WORD.finditer(sample))
    return sum(not sign.isalpha() for sign in found)
