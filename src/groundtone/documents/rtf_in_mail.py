"""The body of Outlook's mail in its compressed RTF: unpacked, and back to what it was made from."""

from __future__ import annotations

from groundtone.documents.rtf_tokens import events

_PACKED = b"LZFu"
_PLAIN = b"MELA"
_RING = 4096
# What the dictionary holds before the first byte (MS-OXRTFCP, 2.1.2.1).
_BEFORE = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def unpacked(data: bytes, most: int) -> bytes:
    """Compressed RTF as RTF.

    Args:
        most: bytes at which it is cut off.

    Raises:
        ValueError: it is no compressed RTF.
    """
    kind = data[8:12]
    if kind == _PLAIN:
        return data[16 : 16 + most]
    if kind != _PACKED:
        raise ValueError("not compressed RTF")
    most = min(most, int.from_bytes(data[4:8], "little"))
    ring = bytearray(_BEFORE.ljust(_RING, b"\0"))
    at = len(_BEFORE)
    out = bytearray()
    place = 16
    while place < len(data) and len(out) < most:
        flags = data[place]
        place += 1
        for bit in range(8):
            step = data[place : place + 2]
            if not flags >> bit & 1:
                place += 1
                found = step[:1]
            elif len(step) < 2:
                return bytes(out[:most])
            else:
                place += 2
                start, length = step[0] << 4 | step[1] >> 4, (step[1] & 15) + 2
                if start == at:
                    return bytes(out[:most])
                found = b""
                for offset in range(length):  # it may reach into what it writes itself
                    sign = ring[(start + offset) % _RING]
                    ring[(at + offset) % _RING] = sign
                    out.append(sign)
                at = (at + length) % _RING
            for sign in found:
                ring[at] = sign
                at = (at + 1) % _RING
                out.append(sign)
    return bytes(out[:most])


def is_html(rtf: bytes) -> bool:
    """Whether it was made from a page, which it still holds."""
    return b"\\fromhtml" in rtf[:1000]


def text(rtf: bytes) -> str:
    """The page it was made from, where `is_html`; else its text, one line a paragraph."""
    html = is_html(rtf)
    said = []
    for event in events(rtf, html):
        if event.state.within in ("", "listtext", "pntext"):
            said.append("\n" if event.word in ("par", "row", "sect") else event.text)
            if event.word == "cell":
                said.append("\t")
    return "".join(said)
