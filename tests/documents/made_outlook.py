"""Outlook messages made for tests: compound files with the properties that Outlook writes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_SECTOR, _SMALL, _CUTOFF = 512, 64, 4096
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

Tree = dict[str, "bytes | Tree"]


def compound(tree: Tree) -> bytes:
    """A compound file of folders and streams."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, _FREE, b""]]
    _enter(tree, entries, 0)
    small, small_table = bytearray(), list[int]()
    for entry in entries[1:]:
        content = entry[5]
        assert isinstance(content, bytes)
        if entry[1] == 2 and len(content) < _CUTOFF:
            first = len(small) // _SMALL
            entry += [_chain(small, small_table, content, _SMALL) if content else _END]
            assert not content or entry[6] == first
    sectors, table = bytearray(), list[int]()
    for entry in entries[1:]:
        content = entry[5]
        assert isinstance(content, bytes)
        if len(entry) == 6:
            entry += [_chain(sectors, table, content, _SECTOR) if entry[1] == 2 else 0]
    entries[0][5] = bytes(small)
    entries[0] += [_chain(sectors, table, bytes(small), _SECTOR) if small else _END]
    marks = struct.pack(f"<{len(small_table)}I", *small_table)
    small_at = _chain(sectors, table, marks, _SECTOR, b"\xff") if marks else _END
    directory_at = _chain(sectors, table, b"".join(map(_entry, entries)), _SECTOR)
    tables_at = len(table)
    count = -(-(len(table) + 1) // (_SECTOR // 4 - 1))
    table += [_TABLE] * count
    whole = struct.pack(f"<{len(table)}I", *table).ljust(count * _SECTOR, b"\xff")
    sectors += whole
    places = [*range(tables_at, tables_at + count)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H6x", 62, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, count, directory_at, 0, _CUTOFF, small_at, 1, _END, 0)
    header += struct.pack("<109I", *places, *[_FREE] * (109 - count))
    return header + bytes(sectors)


def _enter(tree: Tree, entries: list[list[object]], parent: int) -> None:
    """Each folder's entries hang one under the other, which is a tree too."""
    before = None
    for name, content in sorted(tree.items()):
        place = len(entries)
        folder = isinstance(content, dict)
        entries.append([name, 1 if folder else 2, _FREE, _FREE, _FREE, b"" if folder else content])
        if before is None:
            entries[parent][4] = place
        else:
            entries[before][3] = place
        before = place
        if isinstance(content, dict):
            _enter(content, entries, place)


def _chain(
    sectors: bytearray, table: list[int], content: bytes, size: int, filler: bytes = b"\0"
) -> int:
    start, count = len(table), max(1, -(-len(content) // size))
    sectors += content.ljust(count * size, filler)
    table += [*range(start + 1, start + count), _END]
    return start


def _entry(entry: list[object]) -> bytes:
    name, kind, left, right, inside, content, start = entry
    assert isinstance(name, str) and isinstance(content, bytes)
    raw = name.encode("utf-16-le")
    places = struct.pack("<BB3I36xIQ", kind, 1, left, right, inside, start, len(content))
    return raw.ljust(64, b"\0") + struct.pack("<H", len(raw) + 2) + places


@dataclass
class Made:
    """Properties of a message, a recipient or an attachment.

    Attributes:
        text: by tag of four digits, as UTF-16.
        raw: the same in bytes, with the type ("10130102").
        fixed: numbers by tag and type (0x0E060040).
        inside: folders.
    """

    text: dict[str, str] = field(default_factory=dict)
    raw: dict[str, bytes] = field(default_factory=dict)
    fixed: dict[int, int] = field(default_factory=dict)
    inside: Tree = field(default_factory=dict)

    def tree(self, header: int = 32) -> Tree:
        rows = [struct.pack("<IIQ", tag, 6, value) for tag, value in self.fixed.items()]
        tree: Tree = {"__properties_version1.0": bytes(header) + b"".join(rows)}
        tree |= {f"__substg1.0_{k}001F": v.encode("utf-16-le") for k, v in self.text.items()}
        tree |= {f"__substg1.0_{k}": v for k, v in self.raw.items()}
        return tree | self.inside

    def file(self) -> bytes:
        return compound(self.tree())


def attachment(number: int, name: str, content: bytes, kind: str = "") -> Tree:
    made = Made(text={"3707": name, "370E": kind}, raw={"37010102": content})
    return {f"__attach_version1.0_#{number:08X}": made.tree(8)}


def attached_message(number: int, message: Made) -> Tree:
    made = Made(fixed={0x37050003: 5}, inside={"__substg1.0_3701000D": message.tree(24)})
    return {f"__attach_version1.0_#{number:08X}": made.tree(8)}


def recipient(number: int, name: str, address: str, kind: int) -> Tree:
    made = Made(text={"3001": name, "39FE": address}, fixed={0x0C150003: kind})
    return {f"__recip_version1.0_#{number:08X}": made.tree(8)}
