"""Sitemaps: the pages a site says it has (https://www.sitemaps.org/protocol.html)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from xml.parsers import expat

GZIP = b"\x1f\x8b"


class Bomb(ValueError):
    """Compressed bytes that become more than is allowed."""


@dataclass(slots=True)
class Sitemap:
    """What one sitemap lists, as written there: pages, and further sitemaps of an index."""

    pages: list[str] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)


def parse(body: bytes, max_bytes: int) -> Sitemap | None:
    """A sitemap or an index of sitemaps, plain or gzipped; None for anything else.

    Entities and document types are refused, so nothing outside is ever looked at.

    Raises:
        Bomb: it unpacks to more than `max_bytes`.
        ValueError: it is one, but broken or with a document type.
    """
    if body.startswith(GZIP):
        body = unpack(body, max_bytes)
    if b"<urlset" not in body[:4096] and b"<sitemapindex" not in body[:4096]:
        return None
    found, inside, text = Sitemap(), [""], list[str]()

    def opened(name: str, _attributes: dict[str, str]) -> None:
        inside.append(name.rpartition(" ")[2].rpartition(":")[2])
        text.clear()

    def closed(_name: str) -> None:
        if inside.pop() == "loc" and inside[-1] in ("url", "sitemap"):
            address = "".join(text).strip()
            if address:
                (found.pages if inside[-1] == "url" else found.sitemaps).append(address)
        text.clear()

    def doctype(*_: object) -> None:
        raise ValueError("it has a document type, which no sitemap needs")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is broken XML ({error})") from None
    return found


def unpack(data: bytes, max_bytes: int) -> bytes:
    """Gzip or zlib data, never more than `max_bytes` of it.

    Raises:
        Bomb: there is more.
        ValueError: it is broken or cut.
    """
    whole = bytearray()
    rest = data
    while rest:
        unpacker = zlib.decompressobj(47)  # 32: either header, 15: the largest window
        try:
            whole += unpacker.decompress(rest, max_bytes + 1 - len(whole))
        except zlib.error as error:
            raise ValueError(f"its compressed data is broken ({error})") from None
        if len(whole) > max_bytes:
            raise Bomb(f"it unpacks to more than {max_bytes:,} bytes")
        if not unpacker.eof:
            raise ValueError("its compressed data is cut off")
        rest = unpacker.unused_data
    return bytes(whole)
