"""XML read without entities: no bombs, and nothing fetched from elsewhere."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_SPACE = re.compile(rb"\s*")
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"']{1,40})", re.IGNORECASE)
_READABLE = (
    *(b"utf-8", b"utf8", b"utf-16", b"utf-16le", b"utf-16be", b"us-ascii", b"ascii"),
    *(b"iso-8859-1", b"iso-8859-15", b"windows-1252", b"windows-1251", b"shift_jis", b"gb2312"),
)


def parse(data: bytes) -> ElementTree.Element:
    """The root element.

    A document type may be named, as old books do, but not written out: that is where entities are
    declared.

    Raises:
        ValueError: entities, an encoding that could hide them, or no well-formed XML.
    """
    if _declares_entities(data):
        raise ValueError("its XML declares entities, as bombs do")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError) as error:
        raise ValueError(f"no well-formed XML: {error}") from None


def local_name(element: ElementTree.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _declares_entities(data: bytes) -> bool:
    encoding = _ENCODING.search(data[:400].translate(None, b"\0"))
    if encoding is not None and encoding[1].lower() not in _READABLE:
        return True
    # UTF-16 without its zero bytes is ASCII enough to see the marks.
    plain = data.translate(None, b"\0").lstrip(b"\xef\xbb\xbf\xff\xfe")
    position = 0
    while match := _SPACE.match(plain, position):
        position = match.end()
        if plain.startswith(b"<?", position):
            end = plain.find(b"?>", position)
        elif plain.startswith(b"<!--", position):
            end = plain.find(b"-->", position)
        elif plain.startswith(b"<!DOCTYPE", position):
            end = plain.find(b">", position)
            if b"[" in plain[position : end if end >= 0 else None]:
                return True
        else:
            return False
        if end < 0:
            return False
        position = plain.index(b">", end) + 1
    return False
